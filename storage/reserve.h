/*
 * Room on the disk that uploads leave free, so that what frees space (deletes, the sweeper) can still write.
 *
 * The file system is asked at most once a second; in between, what was written since is taken off its answer, so that
 * many uploads at full speed do not run past the reserve within that second.
 *
 * Thread: any.
 */
#ifndef BERTH_STORAGE_RESERVE_H
#define BERTH_STORAGE_RESERVE_H

#include <stdatomic.h>
#include <stdint.h>

#include "registry/base/err.h"

struct reserve {
    int dir;        /* on the file system; borrowed */
    uint64_t bytes; /* that stay free; 0: all may be taken */
    /* the last answer: what uploads may write until the next */
    _Atomic uint64_t asked_ms; /* monotonic; 0: never */
    _Atomic int64_t left;
};

/* May `bytes` more be written? They count as written. ERR_NO_SPACE when they would reach into the reserve. Blocks as
 * statvfs(2) does. When the file system does not answer, they may. */
int reserve_take(struct reserve *reserve, uint64_t bytes, uint64_t now_ms, struct err *e);

#endif
