/*
 * Is the metadata what it should be? Walks over all tables, decodes everything, reads every manifest and compares each
 * entry that follows from others with what it should be: the invariants of meta_record.h. With `repair` what is derived
 * is put right, and what nothing can be made of is removed:
 *
 *   primary, kept       names, manifests whose bytes have their digest, tags, members, the sizes of blob files
 *   derived, rebuilt    manifest_tags, refs, holders, references and holders of blobs, referrers, counters of
 *                       repositories, catalog, idle, usage, "stored", "next-repository", tag_events, recallable
 *   removed             entries that do not decode, manifests with other bytes than their digest, tags of no manifest,
 *                       members of blobs that have neither record nor file
 *   renamed             the content of a repository whose name is lost: it is called lost-found/<number>
 *
 * One pass looks at everything once, in steps. Each judgement is made within one snapshot, and compares only what stands
 * in that, so it holds beside changes that go on. A step looks at some hundred entries and then lets its snapshot go;
 * only the sums over one repository, over all blobs and over all paths take one snapshot as long as the sum takes. The
 * number of manifests that name a digest is the exception: it is counted over many snapshots for large repositories, and
 * what differs then is counted again within one, before it is called a finding.
 *
 * Repairs are changes of some hundred entries, each of which judges anew and leaves fewer flaws than before: a repair
 * that was broken off is gone on with by another. What one repair shows, the next pass finds: repair until a pass finds
 * nothing.
 *
 * Thread: a struct meta_check belongs to one thread, which blocks in every step.
 */
#ifndef BERTH_STORAGE_META_CHECK_H
#define BERTH_STORAGE_META_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/kv.h"
#include "storage/meta/meta.h"

struct meta_check;

/* An entry that is not as it should be. The slices live as long as the call that tells it. */
struct meta_finding {
    unsigned invariant; /* of meta_record.h; 0: the entry itself makes no sense */
    enum kv_table table;
    struct str key;
    bool has;       /* there is an entry */
    struct str had; /* what it says */
    bool wanted;    /* there should be one; else it is to go */
    struct str value;
    const char *why;
    struct str repository; /* empty: it belongs to none, or to one without a name */
};

struct meta_check_options {
    bool repair;
    void (*finding)(const struct meta_finding *finding, void *arg); /* or NULL */
    /* The size of a blob's file in bytes: for a blob whose record is lost. False: there is none. Any thread. */
    bool (*file_size)(const struct digest *d, uint64_t *size, void *arg);
    void *arg;
};

struct meta_check_count {
    uint64_t entries; /* looked at */
    uint64_t findings;
};

/* `meta` outlives the check. */
struct meta_check *meta_check_new(struct meta *meta, const struct meta_check_options *options, struct err *e);
void meta_check_free(struct meta_check **check);

/* One step. Adds to `count`. *more is false when the pass has come to its end; the next step begins another. */
int meta_check_step(struct meta_check *check, struct meta_check_count *count, bool *more, struct err *e);

/* Append "tags team/app:1 is missing: …" (one line, no newline). */
void meta_finding_text(const struct meta_finding *finding, struct sbuf *out);

#endif
