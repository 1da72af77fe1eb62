#include "storage/upload_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"

enum {
    READ_SIZE = 256 * 1024,
    WRITE_BACK_SIZE = 8 * 1024 * 1024,
    SPANS_AT_ONCE = 16,
};

void upload_data_init(struct upload_data *data, int dir, const char *name, enum digest_alg alg)
{
    data->dir = dir;
    data->name = name;
    data->fd = -1;
    atomic_init(&data->length, 0);
    data->written_back = 0;
    hasher_init(&data->hasher, alg);
}

int upload_data_open(struct upload_data *data, struct err *e)
{
    struct stat st;

    data->fd = openat(data->dir, data->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (data->fd < 0)
        return errno == ENOENT ? 0 : err_errno(e, "open");
    if (fstat(data->fd, &st) != 0) {
        err_errno(e, "fstat");
        upload_data_close(data);
        return -1;
    }
    atomic_store(&data->length, (uint64_t)st.st_size);
    data->written_back = (uint64_t)st.st_size;
    return 0;
}

static int create_if_missing(struct upload_data *data, struct err *e)
{
    if (data->fd < 0)
        data->fd = openat(data->dir, data->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return data->fd >= 0 ? 0 : err_errno(e, "create");
}

/* Feed the file's bytes from the hasher's position up to `end`. */
static int hash_file(int fd, struct hasher *hasher, uint64_t end, struct err *e)
{
    char *buffer = xmalloc(READ_SIZE);
    uint64_t at = hasher_length(hasher);
    int rc = 0;

    while (rc == 0 && at < end) {
        size_t wanted = end - at < READ_SIZE ? (size_t)(end - at) : READ_SIZE;
        ssize_t got = pread(fd, buffer, wanted, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = err_errno(e, "read at offset %llu", (unsigned long long)at);
        else if (got == 0)
            rc = err_set(e, ERR_IO, "the file ends at %llu instead of %llu bytes", (unsigned long long)at,
                         (unsigned long long)end);
        else
            hasher_update(hasher, buffer, (size_t)got);
        at += got > 0 ? (uint64_t)got : 0;
    }
    free(buffer);
    return rc;
}

int upload_data_catch_up(struct upload_data *data, struct err *e)
{
    return hash_file(data->fd, &data->hasher, atomic_load(&data->length), e);
}

/* file_pwritev() consumes its spans and the caller's are const, so they go through a copy, some at a time. */
static int write_spans(int fd, const struct iovec *spans, int n, uint64_t offset, uint64_t *end, struct err *e)
{
    while (n > 0) {
        struct iovec copy[SPANS_AT_ONCE];
        int count = n < SPANS_AT_ONCE ? n : SPANS_AT_ONCE;
        uint64_t bytes = 0;

        for (int i = 0; i < count; i++) {
            copy[i] = spans[i];
            bytes += spans[i].iov_len;
        }
        if (file_pwritev(fd, copy, count, (off_t)offset, e) != 0)
            return -1;
        offset += bytes;
        spans += count;
        n -= count;
    }
    *end = offset;
    return 0;
}

/* Keep the disk busy during the upload, or the fsync at its end has it all to do. Only a hint: what goes wrong in
 * write-back is reported by that fsync. */
static void start_write_back(struct upload_data *data)
{
    uint64_t length = atomic_load(&data->length);

    if (length - data->written_back < WRITE_BACK_SIZE)
        return;
    (void)sync_file_range(data->fd, (off_t)data->written_back, (off_t)(length - data->written_back),
                          SYNC_FILE_RANGE_WRITE);
    data->written_back = length;
}

int upload_data_append(struct upload_data *data, const struct iovec *spans, int n, struct err *e)
{
    uint64_t offset = atomic_load(&data->length), end;

    if (create_if_missing(data, e) != 0)
        return -1;
    if (write_spans(data->fd, spans, n, offset, &end, e) != 0) {
        /* Should this fail as well, the file is too long, and upload_data_digest() refuses it. */
        (void)!ftruncate(data->fd, (off_t)offset);
        return -1;
    }
    for (int i = 0; i < n; i++)
        hasher_update(&data->hasher, spans[i].iov_base, spans[i].iov_len);
    atomic_store(&data->length, end);
    start_write_back(data);
    return 0;
}

int upload_data_rewind(struct upload_data *data, const struct hasher *hasher, struct err *e)
{
    uint64_t length = hasher_length(hasher);

    if (data->fd >= 0 && ftruncate(data->fd, (off_t)length) != 0)
        return err_errno(e, "drop the last chunk");
    data->hasher = *hasher;
    data->written_back = data->written_back < length ? data->written_back : length;
    atomic_store(&data->length, length);
    return 0;
}

static int check_length(const struct upload_data *data, uint64_t length, struct err *e)
{
    struct stat st;

    if (fstat(data->fd, &st) != 0)
        return err_errno(e, "fstat");
    if ((uint64_t)st.st_size != length)
        return err_set(e, ERR_IO,
                       "the file has %llu bytes, the session %llu; ask for the session's offset and go on from there",
                       (unsigned long long)st.st_size, (unsigned long long)length);
    return 0;
}

int upload_data_digest(struct upload_data *data, enum digest_alg alg, struct digest *out, struct err *e)
{
    struct hasher other;
    const struct hasher *hasher = &data->hasher;
    uint64_t length = atomic_load(&data->length);

    if (create_if_missing(data, e) != 0 || check_length(data, length, e) != 0)
        return -1;
    if (alg != data->hasher.alg) {
        hasher_init(&other, alg);
        if (hash_file(data->fd, &other, length, e) != 0)
            return -1;
        hasher = &other;
    }
    hasher_digest(hasher, out);
    return 0;
}

int upload_data_remove(struct upload_data *data, struct err *e)
{
    enum digest_alg alg = data->hasher.alg;

    if (unlinkat(data->dir, data->name, 0) != 0 && errno != ENOENT)
        return err_errno(e, "remove");
    upload_data_close(data);
    atomic_store(&data->length, 0);
    data->written_back = 0;
    hasher_init(&data->hasher, alg);
    return 0;
}

void upload_data_close(struct upload_data *data)
{
    if (data->fd >= 0)
        close(data->fd);
    data->fd = -1;
}
