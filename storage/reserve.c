#include "storage/reserve.h"

#include <sys/statvfs.h>

enum { ANSWER_HOLDS_MS = 1000 };

static void ask(struct reserve *reserve)
{
    struct statvfs fs;
    int64_t left = INT64_MAX;

    if (fstatvfs(reserve->dir, &fs) == 0 && !__builtin_mul_overflow(fs.f_bavail, fs.f_frsize, &left))
        left -= (int64_t)reserve->bytes; /* both are within 0 … 2^63-1 */
    atomic_store(&reserve->left, left);
}

int reserve_take(struct reserve *reserve, uint64_t bytes, uint64_t now_ms, struct err *e)
{
    uint64_t asked_ms = atomic_load(&reserve->asked_ms);

    if (reserve->bytes == 0)
        return 0;
    if ((asked_ms == 0 || now_ms - asked_ms >= ANSWER_HOLDS_MS) &&
        atomic_compare_exchange_strong(&reserve->asked_ms, &asked_ms, now_ms))
        ask(reserve);
    if (atomic_fetch_sub(&reserve->left, (int64_t)bytes) >= (int64_t)bytes)
        return 0;
    atomic_fetch_add(&reserve->left, (int64_t)bytes);
    return err_set(e, ERR_NO_SPACE,
                   "no more than the reserve of %llu bytes is free on the disk (storage.filesystem.reserve)",
                   (unsigned long long)reserve->bytes);
}
