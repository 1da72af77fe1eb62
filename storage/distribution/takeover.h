/*
 * Taking over the data directory of the CNCF distribution registry (layout.h) into one of ours, while it is served or
 * not, and while the old registry is read from or even written to.
 *
 * Repositories are worked on in groups, so that what many small ones need is committed together. For each group sweeps
 * are held, and then
 *
 *   1. the blobs that its repositories hold come as links, clones or copies (carry.h), synced many at a time, then their
 *      records, so that every blob is visible where it was
 *   2. manifests, then indexes whose entries are there, again and again until none follows; then indexes of which some
 *      entries are gone, as long as one is left
 *   3. tags: where they point to, and where they pointed to before, as far as those manifests are there
 *
 * Times are those of the old registry's links: when a manifest was pushed and a tag moved. So a tag that is there
 * already is moved only when the old registry moved it later than this one did, and one that was deleted here since
 * stays deleted.
 *
 * Whatever is there already is passed over without reading it: a run that was killed is taken up again by another one,
 * which finds what was pushed meanwhile, too. What disappeared over there in between stays here.
 *
 * Nothing in the source is changed. A manifest is never taken without the blobs that it names, unless `allow_missing`.
 * Quotas do not stop it: this is an administrator's act.
 *
 * Memory: some hundred entries, one group's names.
 *
 * Thread: any that may block, for long. It starts others to read blobs, which end before it does.
 */
#ifndef BERTH_STORAGE_TAKEOVER_H
#define BERTH_STORAGE_TAKEOVER_H

#include "storage/distribution/carry.h"
#include "storage/distribution/layout.h"
#include "storage/store.h"

struct takeover_result {
    /* what the walk has come to */
    uint64_t repositories;
    uint64_t entries; /* layers, manifests and tags, of all repositories */
    uint64_t entries_done;
    uint64_t read; /* bytes, to verify them */

    /* files */
    uint64_t blobs_there; /* from before */
    uint64_t linked, cloned, copied;
    uint64_t linked_bytes, cloned_bytes, copied_bytes;
    uint64_t blobs_lost;      /* missing, damaged */
    const char *why_not;      /* the last that is no link: why; NULL: all are */
    uint64_t owned_by_others; /* links to files that a user who is neither root nor this one may change */
    uint64_t memberships;     /* blobs in repositories */

    uint64_t manifests, manifests_there, manifests_lost;
    uint64_t tags, tags_there, tags_moved, tags_lost; /* `tags`: with those moved */
    uint64_t tags_newer;

    uint64_t oddities;
    uint64_t odd[ODD_KINDS];
};

struct takeover_options {
    const char *source;
    bool verify;        /* read every blob that is not there yet; manifests are always */
    bool copies;        /* as carrier_options has it */
    bool dry_run;       /* change nothing, count what would be done */
    bool allow_missing; /* as struct manifest_put has it */
    unsigned threads;   /* that read blobs; at least 1 */
    /* NULL: all. Which repositories? */
    bool (*wanted)(struct str repository, void *arg);
    /* May be NULL. Called after every entry, and for every oddity. */
    void (*progress)(const struct takeover_result *so_far, void *arg);
    oddity_cb *odd;
    void *arg;
    struct interrupt interrupt;
};

/* 0 also when there were oddities. -1: it did not come to its end; what was taken until then is there. */
int takeover_run(const struct store *store, const struct takeover_options *options, struct takeover_result *result,
                 struct err *e);

#endif
