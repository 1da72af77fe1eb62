#include "storage/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/blob_internal.h"

enum {
    FOLDERS = 256,
    /* O_NONBLOCK: what was put in a blob's place may be a pipe that nobody writes to. */
    OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
};

void blob_name_of(const struct digest *d, struct blob_name *out)
{
    const char *alg = digest_alg_name(d->alg);
    size_t length = digest_format(d, out->text);
    const char *hex = out->text + length - 2 * digest_size(d->alg);

    snprintf(out->folder, sizeof(out->folder), "%s/%.2s", alg, hex);
    snprintf(out->file, sizeof(out->file), "%s/%s", out->folder, hex);
}

void blob_file_name(const struct digest *d, char out[BLOB_NAME_MAX])
{
    struct blob_name name;

    blob_name_of(d, &name);
    memcpy(out, name.file, BLOB_NAME_MAX);
}

bool blob_errno_damaged(int number)
{
    return number == EIO || number == EUCLEAN || number == EBADMSG || number == ELOOP || number == ENXIO ||
           number == EISDIR;
}

int blob_sync_folder(int dir, const char *folder, struct err *e)
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
        char folder[BLOB_FOLDER_MAX];

        snprintf(folder, sizeof(folder), "%s/%02x", alg, i & 0xff);
        if (make_folder(dir, folder, e) != 0)
            return -1;
    }
    return blob_sync_folder(dir, alg, e);
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

    store->dir = store->root = -1;
    if ((size_t)snprintf(path, sizeof(path), "%s/blobs", root) >= sizeof(path)) {
        err_set(e, ERR_INVALID, "the name of the data directory is too long");
        goto failed;
    }
    if (prepare(root, path, &store->dir, e) != 0) {
        err_wrap(e, "blobs in %s", path);
        goto failed;
    }
    store->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->root < 0) {
        err_errno(e, "open %s", root);
        goto failed;
    }
    return store;

failed:
    blob_store_close(&store);
    return NULL;
}

struct blob_store *blob_store_open_readonly(const char *root, struct err *e)
{
    struct blob_store *store = xcalloc(1, sizeof(*store));
    char path[PATH_MAX];

    store->dir = store->root = -1;
    if ((size_t)snprintf(path, sizeof(path), "%s/blobs", root) >= sizeof(path))
        err_set(e, ERR_INVALID, "the name of the directory is too long");
    else if ((store->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        err_errno(e, "%s", path);
    if (store->dir < 0)
        blob_store_close(&store);
    return store;
}

void blob_store_close(struct blob_store **store)
{
    if (*store == NULL)
        return;
    if ((*store)->root >= 0)
        close((*store)->root);
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
    if (opened < 0 && blob_errno_damaged(errno))
        return err_set(e, ERR_DAMAGED, "blob %s cannot be opened: %s; push it again to repair it", name->text,
                       strerrordesc_np(errno));
    if (opened < 0)
        return err_errno(e, "blob %s: open", name->text);
    if (fstat(opened, &st) != 0) {
        err_errno(e, "blob %s: fstat", name->text);
        close(opened);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        close(opened);
        return err_set(e, ERR_DAMAGED, "blob %s is not a regular file on disk; push it again to repair it", name->text);
    }
    *fd = opened;
    *size = (uint64_t)st.st_size;
    return 0;
}

int blob_open(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e)
{
    struct blob_name name;

    blob_name_of(d, &name);
    return take_opened(open_preferring_noatime(open_waiting, store->dir, name.file), &name, fd, size, e);
}

int blob_open_cached(const struct blob_store *store, const struct digest *d, int *fd, uint64_t *size, struct err *e)
{
    struct blob_name name;
    int opened;

    blob_name_of(d, &name);
    opened = open_preferring_noatime(open_without_waiting, store->dir, name.file);
    /* EAGAIN: would wait. The others: a kernel before 5.12, or a sandbox that does not let the call through. */
    if (opened < 0 && (errno == EAGAIN || errno == ENOSYS || errno == EPERM || errno == EINVAL))
        return err_set(e, ERR_BUSY, "blob %s: opening it may wait for the disk", name.text);
    return take_opened(opened, &name, fd, size, e);
}

int blob_adopt(const struct blob_store *store, const struct digest *d, const char *path, int fd, struct err *e)
{
    struct blob_name name;

    blob_name_of(d, &name);
    if (fsync(fd) != 0)
        return err_errno(e, "blob %s: fsync", name.text);
    if (renameat(AT_FDCWD, path, store->dir, name.file) != 0)
        return err_errno(e, "blob %s: rename", name.text);
    if (blob_sync_folder(store->dir, name.folder, e) != 0)
        return err_wrap(e, "blob %s", name.text);
    return 0;
}

/* No fsync: a removal that a power cut undoes leaves a file without a record, which the next push of it replaces. */
int blob_remove(const struct blob_store *store, const struct digest *d, struct err *e)
{
    struct blob_name name;

    blob_name_of(d, &name);
    if (unlinkat(store->dir, name.file, 0) != 0 && errno != ENOENT)
        return err_errno(e, "blob %s: remove", name.text);
    return 0;
}

int blob_detach(const struct blob_store *store, const struct digest *d, int *fd, struct err *e)
{
    struct blob_name name;

    blob_name_of(d, &name);
    *fd = openat(store->dir, name.file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (blob_remove(store, d, e) == 0)
        return 0;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return -1;
}

/* ---- quarantine ---- */

/* Its owner is that of the directory it is in: root repairs what a server of another user goes on with. */
int blob_quarantine_make(const struct blob_store *store, struct err *e)
{
    struct stat root;

    if (mkdirat(store->root, "quarantine", 0700) != 0)
        return errno == EEXIST ? 0 : err_errno(e, "mkdir quarantine");
    if (fstat(store->root, &root) != 0)
        return err_errno(e, "stat");
    if (geteuid() != 0 || root.st_uid == 0 ||
        fchownat(store->root, "quarantine", root.st_uid, root.st_gid, AT_SYMLINK_NOFOLLOW) == 0 || errno == EPERM)
        return 0; /* a server that runs as root has given up the right to change owners, and needs none here */
    return err_errno(e, "quarantine: chown");
}

/* A name in quarantine/ that nothing has. Only whoever has claimed the blob takes one of its names. */
static int free_name(int root, const struct digest *d, char where[BLOB_QUARANTINE_MAX], struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    struct stat st;

    digest_format(d, text);
    text[strcspn(text, ":")] = '-';
    for (unsigned n = 1; n < 1000000; n++) {
        int length = snprintf(where, BLOB_QUARANTINE_MAX, "quarantine/%s", text);

        if (n > 1)
            snprintf(where + length, BLOB_QUARANTINE_MAX - (size_t)length, ".%u", n);
        if (fstatat(root, where, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? 0 : err_errno(e, "%s", where);
    }
    return err_set(e, ERR_EXISTS, "quarantine is full of %s; remove what is not needed", text);
}

int blob_quarantine(const struct blob_store *store, const struct digest *d, char where[BLOB_QUARANTINE_MAX],
                    struct err *e)
{
    struct blob_name name;

    blob_name_of(d, &name);
    if (blob_quarantine_make(store, e) != 0 || free_name(store->root, d, where, e) != 0)
        return err_wrap(e, "blob %s", name.text);
    if (renameat(store->dir, name.file, store->root, where) != 0)
        return err_errno(e, "blob %s: move to %s", name.text, where);
    if (blob_sync_folder(store->root, "quarantine", e) != 0 || blob_sync_folder(store->dir, name.folder, e) != 0)
        return err_wrap(e, "blob %s", name.text);
    return 0;
}

/* ---- listing ---- */

void blob_folder_name(unsigned folder, char out[BLOB_FOLDER_MAX])
{
    const char *alg = digest_alg_name(folder < FOLDERS ? DIGEST_SHA256 : DIGEST_SHA512);

    snprintf(out, BLOB_FOLDER_MAX, "%s/%02x", alg, folder % FOLDERS & 0xff);
}

unsigned blob_folder_of(const struct digest *d)
{
    return d->raw[0] + (d->alg == DIGEST_SHA256 ? 0 : FOLDERS);
}

/* Is `file`, found in `folder`, where its digest belongs? */
static bool digest_of_file(const char *folder, const char *file, struct digest *out)
{
    size_t alg_length = str_find(str_of(folder), '/');
    char text[DIGEST_TEXT_MAX];

    return strncmp(file, folder + alg_length + 1, 2) == 0 &&
           (size_t)snprintf(text, sizeof(text), "%.*s:%s", (int)alg_length, folder, file) < sizeof(text) &&
           digest_parse(str_of(text), out, NULL) == 0;
}

static DIR *open_folder(int dir, const char *folder, struct err *e)
{
    int fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;

    if (listing != NULL)
        return listing;
    err_errno(e, "open folder %s", folder);
    if (fd >= 0)
        close(fd);
    return NULL;
}

int blob_list(const struct blob_store *store, unsigned folder, bool (*visit)(const struct digest *d, void *arg),
              void *arg, struct err *e)
{
    const struct dirent *entry;
    char name[BLOB_FOLDER_MAX];
    DIR *listing;
    int rc;

    blob_folder_name(folder, name);
    listing = open_folder(store->dir, name, e);
    if (listing == NULL)
        return -1;
    do {
        struct digest d;

        errno = 0;
        entry = readdir(listing);
        if (entry != NULL && digest_of_file(name, entry->d_name, &d) && !visit(&d, arg))
            break;
    } while (entry != NULL);
    rc = entry == NULL && errno != 0 ? err_errno(e, "read folder %s", name) : 0;
    closedir(listing);
    return rc;
}

int blob_stat(const struct blob_store *store, const struct digest *d, uint64_t *size, uint64_t *changed, struct err *e)
{
    struct blob_name name;
    struct stat st;
    time_t newest;

    blob_name_of(d, &name);
    if (fstatat(store->dir, name.file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "blob %s is not on disk", name.text)
                               : err_errno(e, "blob %s: stat", name.text);
    newest = st.st_mtime > st.st_ctime ? st.st_mtime : st.st_ctime;
    *size = (uint64_t)st.st_size;
    *changed = newest > 0 ? (uint64_t)newest : 0;
    return 0;
}
