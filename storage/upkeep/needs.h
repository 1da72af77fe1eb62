/*
 * Who needs a blob: the repositories that hold it, the manifests that name it, and the tags that lead there, through
 * indexes too. For people, when a blob is damaged: which images are hurt?
 *
 * Manifests are found by reading all of a repository, a few hundred in one snapshot: what changes meanwhile may be told
 * or not.
 *
 * Thread: blocks; not for a loop.
 */
#ifndef BERTH_STORAGE_NEEDS_H
#define BERTH_STORAGE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"

struct need {
    struct str repository;
    bool has_manifest; /* false: the repository holds the blob, and no manifest of it names it */
    struct digest manifest;
    struct str tag; /* empty: no tag names this manifest. Indexes that name it are told as well */
};

/* Calls `item` for at most `limit` needs; *more: there are others. The slices live as long as the call of `item`, which
 * touches no metadata. `reader` is free. */
int needs_find(struct meta_reader *reader, const struct digest *d, size_t limit,
               void (*item)(const struct need *need, void *arg), void *arg, bool *more, struct err *e);

/* Append "a/b:1, a/c@sha256:…, a/d" (a/d holds it for no manifest) of at most `limit` needs, "and others" behind it; "nobody" when there is none. */
int needs_text(struct meta_reader *reader, const struct digest *d, size_t limit, struct sbuf *out, struct err *e);

#endif
