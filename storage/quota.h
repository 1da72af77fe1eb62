/*
 * Quotas: how many logical bytes (meta_usage.h) the repositories at and below a path may have.
 *
 * A repository is under every quota whose path it is at or below; all of them must have room. They are asked twice:
 *
 *   quota_reserve()   when an upload begins, tells its length, or grows: against what is stored and what the other
 *                     uploads under way have reserved, so that nobody sends what cannot be kept
 *   quota_admit_*()   in the change that stores it, which alone decides: changes are made one after the other
 *
 * What a repository holds already costs nothing. A reservation belongs to a request, not to a session that waits for its
 * next one: two that end at a time may both have been let in, and then the change turns one away.
 *
 * NULL stands for no quotas, and everything has room.
 *
 * Thread: any; a hold is used by one thread at a time. One lock, around the sums of what is reserved; never held while
 * another is taken or metadata is read.
 */
#ifndef BERTH_STORAGE_QUOTA_H
#define BERTH_STORAGE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/digest.h"
#include "storage/meta/meta.h"

struct quotas;

struct quota_rule {
    const char *path; /* a repository's name or one cut before a "/"; "": all repositories */
    uint64_t limit;   /* logical bytes */
};

/* The rules are copied. */
struct quotas *quotas_new(const struct quota_rule *rules, size_t n);
void quotas_free(struct quotas **quotas);

size_t quotas_count(const struct quotas *quotas);

/* How a quota stands. */
struct quota_use {
    const char *path; /* the quotas' own */
    uint64_t limit;
    uint64_t used;     /* is stored */
    uint64_t reserved; /* by uploads under way */
};
/* Of number `i`, in the order of their rules. */
int quotas_use(struct quotas *quotas, size_t i, struct meta_txn *txn, struct quota_use *out, struct err *e);

/* Bytes that an upload under way has reserved. Zeros: none. */
struct quota_hold {
    struct quotas *quotas; /* NULL: holds nothing */
    struct str repository; /* borrowed */
    uint64_t bytes;
};

/* Make the hold one of `bytes`, those it has already among them, for an upload to `repository`, which outlives the hold.
 * ERR_QUOTA: no room, and the hold is as it was; the text is for the client. `txn`: any snapshot. */
int quota_reserve(struct quotas *quotas, struct quota_hold *hold, struct str repository, uint64_t bytes,
                  struct meta_txn *txn, struct err *e);
/* Does nothing for a hold that holds nothing. */
void quota_release(struct quota_hold *hold);

/* Within a change, before what it writes: is there room for a blob of `size` bytes, or for a manifest? ERR_QUOTA. */
int quota_admit_blob(const struct quotas *quotas, struct meta_txn *txn, struct str repository, const struct digest *d,
                     uint64_t size, struct err *e);
int quota_admit_manifest(const struct quotas *quotas, struct meta_txn *txn, struct str repository,
                         const struct digest *d, uint64_t size, struct err *e);

#endif
