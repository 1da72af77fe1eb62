/*
 * One blob from another registry into our store.
 *
 * What the repository holds is not fetched, and what another one of ours holds is shared with it. Everything else comes
 * piece by piece into an upload of ours, which hashes it on the way: the bytes are exactly as many as the descriptor
 * says, and have its digest, or they are dropped. A connection that breaks off is taken up again where it was.
 *
 * Thread: a hand's; no shared state but what `struct import_blobs` points to.
 */
#ifndef BERTH_OPS_IMPORT_BLOB_H
#define BERTH_OPS_IMPORT_BLOB_H

#include <stdatomic.h>
#include <stdint.h>

#include "registry/ops/import_crew.h"
#include "storage/quota.h"

enum blob_outcome {
    BLOB_UNDONE,  /* cancelled before it was begun */
    BLOB_PRESENT, /* it was here */
    BLOB_SHARED,  /* another repository of ours had it */
    BLOB_FETCHED,
    BLOB_ABSENT, /* the other registry has none, and nobody needs it: optional ones only */
    BLOB_FAILED, /* `err` says why */
};

struct import_blob {
    struct digest digest;
    uint64_t size;
    bool optional;
    enum blob_outcome outcome;
    struct err err;
};

struct import_blobs {
    const struct store *store;
    const struct quotas *quotas; /* NULL: none */
    const char *repository;
    _Atomic uint64_t fetched; /* bytes that arrived */
};

/* Fills outcome and err. */
void import_blob(struct hand *hand, struct import_blobs *blobs, struct import_blob *blob);
/* Does the repository hold it? A look at the metadata only. */
bool import_blob_is_here(struct hand *hand, const char *repository, const struct digest *d);

#endif
