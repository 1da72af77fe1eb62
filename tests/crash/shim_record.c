/*
 * The record of a run, from which disk_model.py makes the states a power cut may leave. One entry per counted call:
 *
 *   u32 kind, u32 flags, u32 bytes of the path, u32 bytes of the second path, u64 inode, u64 offset, i64 result,
 *   u64 bytes of data, then the two paths and the data; numbers in the machine's order
 *
 * Flags: 1 the file was created, 2 truncated by opening it, 4 opened with O_DSYNC or O_SYNC. The inode is that of the
 * file or directory after the call; 0 where there is none.
 */
#include "tests/crash/shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FLAG_CREATED = 1, FLAG_TRUNCATED = 2, FLAG_DSYNC = 4 };

struct entry {
    uint32_t kind;
    uint32_t flags;
    uint32_t path_bytes;
    uint32_t to_bytes;
    uint64_t inode;
    uint64_t offset;
    int64_t result;
    uint64_t data_bytes;
};

static int out = -1;

void record_open(const char *file)
{
    out = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

bool record_wanted(void)
{
    return out >= 0;
}

/* A record with a hole is worse than none. */
static void put(const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        long done = syscall(SYS_write, out, p, n);

        if (done <= 0)
            abort();
        p += done;
        n -= (size_t)done;
    }
}

static uint64_t inode_of(const struct call *call)
{
    const char *path = call->to[0] != '\0' ? call->to : call->path;
    struct stat st;

    if (call->kind == CALL_SEND)
        return 0;
    if (call->fd >= 0)
        return fstat(call->fd, &st) == 0 ? st.st_ino : 0;
    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static uint32_t flags_of(const struct call *call)
{
    return (call->created ? FLAG_CREATED : 0) | (call->truncated ? FLAG_TRUNCATED : 0) |
           (call_is_synced(call) ? FLAG_DSYNC : 0);
}

static void put_data(const struct call *call, uint64_t n)
{
    for (int i = 0; i < call->span_count && n > 0; i++) {
        uint64_t part = call->spans[i].iov_len < n ? call->spans[i].iov_len : n;

        put(call->spans[i].iov_base, part);
        n -= part;
    }
}

void record_call(const struct call *call, int64_t result)
{
    struct entry entry = {.kind = call->kind,
                          .flags = flags_of(call),
                          .path_bytes = (uint32_t)strlen(call->path),
                          .to_bytes = (uint32_t)strlen(call->to),
                          .inode = result < 0 ? 0 : inode_of(call),
                          .offset = (uint64_t)call->offset,
                          .result = result,
                          .data_bytes = call->kind == CALL_WRITE && result > 0 ? (uint64_t)result : 0};

    put(&entry, sizeof(entry));
    put(call->path, entry.path_bytes);
    put(call->to, entry.to_bytes);
    put_data(call, entry.data_bytes);
}
