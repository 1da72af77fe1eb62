/* A batch of blobs on their way (takeover_blobs.c), and reading them before (takeover_verify.c). */
#ifndef BERTH_STORAGE_TAKEOVER_BLOBS_H
#define BERTH_STORAGE_TAKEOVER_BLOBS_H

#include "storage/distribution/takeover_internal.h"

enum { TAKING_REASON = 200 };

enum taking_state {
    TAKING_NEW,
    TAKING_THERE,    /* here from before: only who holds it is new */
    TAKING_VERIFIED, /* `st` is that of the file with this digest */
    TAKING_LOST,     /* `kind` and `reason` say why */
};

struct taking {
    size_t repository;
    struct digest digest; /* here */
    struct digest source; /* over there; another one where a link leads elsewhere than its path says */
    bool verify;
    size_t same; /* the first entry of the batch with this digest, which has the rest; this one, as a rule */
    enum taking_state state;
    uint64_t size; /* bytes */
    struct stat st;
    enum oddity_kind kind;
    char reason[TAKING_REASON];
};

/* TAKING_LOST, with the error's text. */
void taking_fail(struct taking *item, const struct err *why);
/* Reads those that want it, unless they are copied, which compares them on the way. -1: interrupted, or no threads. */
int taking_verify(struct takeover *t, struct taking *items, size_t count, struct err *e);

#endif
