/*
 * Noting which manifests are pulled, for `berth tags list` and rules of retention (storage/meta/meta_pulls.h).
 *
 * Each loop remembers what was pulled from it, PULLS_MOST manifests at most, and hands that to the metadata writer once a
 * minute, or when it is full. While the writer has the last batch and the next is full, pulls are not noted: they are
 * again in a minute. A pull costs a look into a table of a hundred kilobytes; nothing is written for one within
 * PULL_ACCURACY_S of the last that was.
 *
 * Thread: a struct pulls belongs to one loop.
 */
#ifndef BERTH_BACKGROUND_PULLS_H
#define BERTH_BACKGROUND_PULLS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/digest.h"
#include "storage/meta/meta.h"

enum { PULLS_MOST = 1024 };

struct pulls;

/* `meta` outlives it. */
struct pulls *pulls_new(struct meta *meta);
/* Hands over what is left and waits until it is written. */
void pulls_free(struct pulls **pulls);

/* The manifest was pulled. `repository` is its number. Does nothing when `pulls` is NULL. */
void pulls_note(struct pulls *pulls, uint32_t repository, const struct digest *d);
/* Now and then, with monotonic milliseconds: hands over what is a minute old. Never blocks. Likewise for NULL. */
void pulls_tick(struct pulls *pulls, uint64_t now_ms);

/* While held, pulls are remembered and not written, PULLS_MOST of them; what is left at the end is forgotten. */
void pulls_hold(struct pulls *pulls, bool held);

/* Remember since when pulls are noted: a rule of retention must not take what it cannot know for "never". Waits. */
int pulls_begin(struct meta *meta, struct err *e);

#endif
