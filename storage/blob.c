#include "storage/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/base/file.h"

enum {
    FOLDERS = 256,
    FOLDER_MAX = 6 + 1 + 2 + 1,                     /* "sha256/ab" with terminator */
    FILE_MAX = FOLDER_MAX + 2 * DIGEST_RAW_MAX + 1, /* "sha256/ab/<hex>" with terminator */
    OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOFOLLOW,
};

struct blob_store {
    int dir; /* <root>/blobs; all names below are relative to it */
};

/* Of a folder or a file below blobs/. */
struct blob_name {
    char folder[FOLDER_MAX];
    char file[FILE_MAX];
    char text[DIGEST_TEXT_MAX]; /* for people */
};

static void name_of(const struct digest *d, struct blob_name *out)
{
    const char *alg = digest_alg_name(d->alg);
    size_t length = digest_format(d, out->text);
    const char *hex = out->text + length - 2 * digest_size(d->alg);

    snprintf(out->folder, sizeof(out->folder), "%s/%.2s", alg, hex);
    snprintf(out->file, sizeof(out->file), "%s/%s", out->folder, hex);
}

static int sync_folder(int dir, const char *folder, struct err *e)
{
    int fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_errno(e, "open folder %s", folder);
    rc = fsync(fd) == 0 ? 0 : err_errno(e, "fsync of folder %s", folder);
    close(fd);
    return rc;
}

static int make_folder(int dir, const char *folder, struct err *e)
{
    return mkdirat(dir, folder, 0700) == 0 || errno == EEXIST ? 0 : err_errno(e, "mkdir %s", folder);
}

/* All folders of an algorithm. They are made here, once, so that adopting a blob has one directory to fsync. The fsync
 * is unconditional: folders that are there may come from a start that died before it. */
static int make_folders(int dir, const char *alg, struct err *e)
{
    if (make_folder(dir, alg, e) != 0)
        return -1;
    for (unsigned i = 0; i < FOLDERS; i++) {
        char folder[FOLDER_MAX];

        snprintf(folder, sizeof(folder), "%s/%02x", alg, i & 0xff);
        if (make_folder(dir, folder, e) != 0)
            return -1;
    }
    return sync_folder(dir, alg, e);
}

static int prepare(const char *root, const char *path, int *dir, struct err *e)
{
    if (file_mkdirs(path, 0700, e) != 0)
        return -1;
    *dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return err_errno(e, "open");
    if (make_folders(*dir, digest_alg_name(DIGEST_SHA256), e) != 0 ||
        make_folders(*dir, digest_alg_name(DIGEST_SHA512), e) != 0)
        return -1;
    if (fsync(*dir) != 0)
        return err_errno(e, "fsync");
    return file_sync_dir(root, e);
}

struct blob_store *blob_store_open(const char *root, struct err *e)
{
    struct blob_store *store = xcalloc(1, sizeof(*store));
    char path[PATH_MAX];

    store->dir = -1;
    if ((size_t)snprintf(path, sizeof(path), "%s/blobs", root) >= sizeof(path)) {
        err_set(e, ERR_INVALID, "the name of the data directory is too long");
        goto failed;
    }
    if (prepare(root, path, &store->dir, e) != 0) {
        err_wrap(e, "blobs in %s", path);
        goto failed;
    }
    return store;

failed:
    blob_store_close(&store);
    return NULL;
}

void blob_store_close(struct blob_store **store)
{
    if (*store == NULL)
        return;
    if ((*store)->dir >= 0)
        close((*store)->dir);
    free(*store);
    *store = NULL;
}

static int open_waiting(int dir, const char *name, int more_flags)
{
    return openat(dir, name, OPEN_FLAGS | more_flags);
}

static int open_without_waiting(int dir, const char *name, int more_flags)
{
    struct open_how how = {.flags = (unsigned)(OPEN_FLAGS | more_flags), .resolve = RESOLVE_CACHED};

    return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* Only a file's owner may ask for O_NOATIME; the refusal is EPERM. */
static int open_preferring_noatime(int (*how)(int, const char *, int), int dir, const char *name)
{
    int fd = how(dir, name, O_NOATIME);

    return fd >= 0 || errno != EPERM ? fd : how(dir, name, 0);
}

/* The end of both ways to open: what `opened` is, or why it is none. */
static int take_opened(int opened, const struct blob_name *name, int *fd, uint64_t *size, struct err *e)
{
    struct stat st;

    if (opened < 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "blob %s is not on disk; push it again to restore it", name->text);
    if (opened < 0)
        return err_errno(e, "blob %s: open", name->text);
    if (fstat(opened, &st) != 0) {
        err_errno(e, "blob %s: fstat", name->text);
        close(opened);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        close(opened);
        return err_set(e, ERR_IO, "blob %s: not a regular file; remove it and push the blob again", name->text);
    }
    *fd = opened;
    *size = (uint64_t)st.st_size;
    return 0;
}

int blob_open(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e)
{
    struct blob_name name;

    name_of(d, &name);
    return take_opened(open_preferring_noatime(open_waiting, store->dir, name.file), &name, fd, size, e);
}

int blob_open_cached(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e)
{
    struct blob_name name;
    int opened;

    name_of(d, &name);
    opened = open_preferring_noatime(open_without_waiting, store->dir, name.file);
    /* EAGAIN: would wait. The others: a kernel before 5.12, or a sandbox that does not let the call through. */
    if (opened < 0 && (errno == EAGAIN || errno == ENOSYS || errno == EPERM || errno == EINVAL))
        return err_set(e, ERR_BUSY, "blob %s: opening it may wait for the disk", name.text);
    return take_opened(opened, &name, fd, size, e);
}

int blob_adopt(const struct blob_store *store, const struct digest *d, const char *path, int fd, struct err *e)
{
    struct blob_name name;

    name_of(d, &name);
    if (fsync(fd) != 0)
        return err_errno(e, "blob %s: fsync", name.text);
    if (renameat(AT_FDCWD, path, store->dir, name.file) != 0)
        return err_errno(e, "blob %s: rename", name.text);
    if (sync_folder(store->dir, name.folder, e) != 0)
        return err_wrap(e, "blob %s", name.text);
    return 0;
}

/* No fsync: a removal that a power cut undoes leaves a file without a record, which the next push of it replaces. */
int blob_remove(const struct blob_store *store, const struct digest *d, struct err *e)
{
    struct blob_name name;

    name_of(d, &name);
    if (unlinkat(store->dir, name.file, 0) != 0 && errno != ENOENT)
        return err_errno(e, "blob %s: remove", name.text);
    return 0;
}
