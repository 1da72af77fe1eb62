#include "storage/digest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

static int hash_chunks(int fd, char *chunk, struct hasher *hasher, const struct interrupt *interrupt, struct err *e)
{
    for (;;) {
        ssize_t got = pread(fd, chunk, CHUNK, (off_t)hasher_length(hasher));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "read at offset %llu", (unsigned long long)hasher_length(hasher));
        if (got == 0)
            return 0;
        hasher_update(hasher, chunk, (size_t)got);
        if (interrupt_check(interrupt, INTERRUPT_RESUMES, e) != 0)
            return -1;
    }
}

int digest_of_fd(int fd, enum digest_alg alg, const struct interrupt *interrupt, struct digest *out, uint64_t *size,
                 struct err *e)
{
    char *chunk = xmalloc(CHUNK);
    struct hasher hasher;
    int rc;

    hasher_init(&hasher, alg);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    rc = hash_chunks(fd, chunk, &hasher, interrupt, e);
    hasher_digest(&hasher, out);
    *size = hasher_length(&hasher);
    free(chunk);
    return rc;
}

int digest_of_path(const char *path, const struct interrupt *interrupt, struct digest *out, uint64_t *size,
                   struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = digest_of_fd(fd, DIGEST_SHA256, interrupt, out, size, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
