/*
 * Giving back: the registry as a data directory of the CNCF distribution registry (layout.h), so that leaving is as safe
 * as coming. docker-registry or registry:2 serves it, and can write on there.
 *
 * What is given is the registry of one moment: the metadata are copied first (<root>/exporting, which goes at the end),
 * and sweeps are held until all blobs that they speak of are over there. Clients push and delete meanwhile.
 *
 * Blobs go as carry.h has it; the rest are small files, made whole by rename. In each repository come, in this order,
 * blobs, manifests and tags, and then go the tags, manifests and blobs that it has no more: whoever reads there meanwhile
 * finds no tag without its image. A run that was interrupted is repeated, and so is one over an older export: what is the
 * same is left alone. Files of blobs that nobody holds any more stay there; distribution's own garbage-collect takes them.
 *
 * What distribution has no room for is lost on the way: the history of tags, deleted manifests, times of pulls. Media
 * types that only the request told are what it takes manifests for by their shape.
 *
 * <directory>/berth-export says that a tree is ours to change. Another one, with images, is left alone.
 *
 * Thread: any that may block, for long.
 */
#ifndef BERTH_STORAGE_GIVEBACK_H
#define BERTH_STORAGE_GIVEBACK_H

#include "storage/distribution/carry.h"
#include "storage/distribution/layout.h"
#include "storage/store.h"

struct giveback_result {
    uint64_t repositories;
    uint64_t entries, entries_done; /* as struct takeover_result has them */
    uint64_t blobs_there, linked, cloned, copied;
    uint64_t linked_bytes, cloned_bytes, copied_bytes;
    const char *why_not;
    uint64_t blobs_lost; /* their files are not there, or damaged */
    uint64_t manifests, manifests_there;
    uint64_t tags, tags_there;
    uint64_t removed; /* tags, manifests and blobs of repositories */
    uint64_t oddities;
    uint64_t odd[ODD_KINDS];
};

struct giveback_options {
    const char *directory; /* absolute; made if it is not there */
    bool copies;
    bool dry_run;
    bool (*wanted)(struct str repository, void *arg); /* NULL: all */
    void (*progress)(const struct giveback_result *so_far, void *arg);
    oddity_cb *odd;
    void *arg;
    struct interrupt interrupt;
};

/* ERR_EXISTS: there are images that no export has put there. */
int giveback_run(const struct store *store, const struct giveback_options *options, struct giveback_result *result,
                 struct err *e);

#endif
