/*
 * Which manifests clients have asked for lately: whoever was told that one is there may be about to push an index that
 * names it, so it must not go for want of a tag (untagged.h).
 *
 * A memory of this process: a table of numbers, by digest, without locks. Two digests may share one: then a manifest is
 * kept that could have gone. A restart forgets.
 *
 * Who removes says beforehand what is doomed (asked_doom), then looks in the change that removes it (asked_within), and
 * says when that is over (asked_spare). Who is about to say that a manifest is there takes a ticket before the snapshot
 * in which it looks, and hands it in when it has found it (asked_note). When that comes before the doom, the remover sees
 * it. Otherwise the ticket is void, and the reader must look again after a change of its own, which comes after the
 * removal, or before the remover looks.
 *
 * Thread: any. A ticket costs one load, handing it in another one, and one write per digest every few seconds.
 */
#ifndef BERTH_STORAGE_ASKED_H
#define BERTH_STORAGE_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/digest.h"

struct asked;

struct asked *asked_new(void);
void asked_free(struct asked **asked);

uint64_t asked_ticket(struct asked *asked, const struct digest *d);
/* It was asked for now. False: it may have been removed since the ticket. */
bool asked_note(struct asked *asked, const struct digest *d, uint64_t ticket);

/* At most 255 digests are doomed at a time. */
void asked_doom(struct asked *asked, const struct digest *d);
void asked_spare(struct asked *asked, const struct digest *d);
/* Was it asked for within the last `seconds`, or a few more? */
bool asked_within(struct asked *asked, const struct digest *d, uint64_t seconds);

#endif
