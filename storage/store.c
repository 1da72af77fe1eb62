#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/base/log.h"
#include "storage/clock_watch.h"
#include "storage/sweep_gate.h"

int store_path(const char *root, const char *name, char out[PATH_MAX], struct err *e)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/%s", root, name) >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the data directory is too long");
    return 0;
}

/* A directory made here must survive power loss, as what is stored in it will. */
static int make_root(const char *root, struct err *e)
{
    char parent[PATH_MAX];
    struct stat st;

    if (stat(root, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : err_set(e, ERR_INVALID, "it is not a directory");
    if (errno != ENOENT)
        return err_errno(e, "stat");
    if (file_mkdirs(root, 0700, e) != 0 || store_path(root, "..", parent, e) != 0)
        return -1;
    return file_sync_dir(parent, e);
}

static int held_by_other(int fd, const char *root, struct err *e)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    struct str pid = str_trim((struct str){text, n > 0 ? (size_t)n : 0});

    pid.n = str_find(pid, '\n');
    return err_set(e, ERR_BUSY,
                   "data directory %s is in use by process %.*s; stop it first, or choose another "
                   "storage.filesystem.rootdirectory",
                   root, pid.n > 0 ? (int)pid.n : 1, pid.n > 0 ? pid.p : "?");
}

/* The pid is for people. A full disk must not keep the server from starting: it is what frees space. */
static void name_holder(int fd)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        log_warn("berth.lock: cannot write the process id: %s", strerrordesc_np(errno));
}

static int lock_root(const char *root, int *lock_fd, struct err *e)
{
    char path[PATH_MAX];

    if (store_path(root, "berth.lock", path, e) != 0)
        return -1;
    *lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock_fd < 0)
        return errno == EACCES ? err_set(e, ERR_DENIED, "berth.lock: %s; do this as the user who serves it, or as root",
                                         strerrordesc_np(errno))
                               : err_errno(e, "berth.lock");
    if (flock(*lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? held_by_other(*lock_fd, root, e) : err_errno(e, "berth.lock: flock");
    name_holder(*lock_fd);
    return 0;
}

int store_lock(const char *root, int *lock_fd, struct err *e)
{
    int rc = make_root(root, e);

    *lock_fd = -1;
    if (rc == 0)
        rc = lock_root(root, lock_fd, e);
    if (rc == 0)
        return 0;
    if (*lock_fd >= 0)
        close(*lock_fd);
    *lock_fd = -1;
    return e != NULL && e->code == ERR_BUSY ? -1 : err_wrap(e, "data directory %s", root); /* that text names it */
}

/* Half of what was saved must not be served, nor swept. */
static int refuse_unfinished(const char *root, struct err *e)
{
    char path[PATH_MAX];

    if (store_path(root, STORE_UNFINISHED, path, e) != 0)
        return -1;
    if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0) /* with the rights that opening has */
        return errno == ENOENT ? 0 : err_errno(e, STORE_UNFINISHED);
    return err_set(e, ERR_INVALID, "a restore into it has not come to its end; run the same 'berth restore' again");
}

/* An upload becomes a blob by rename(2): better to learn at start than at the end of every upload that it cannot. */
static int check_one_file_system(const char *root, struct err *e)
{
    char path[PATH_MAX];
    struct stat blobs, uploads;

    if (store_path(root, "blobs", path, e) != 0)
        return -1;
    if (stat(path, &blobs) != 0)
        return err_errno(e, "blobs");
    if (store_path(root, "uploads", path, e) != 0)
        return -1;
    if (stat(path, &uploads) != 0)
        return err_errno(e, "uploads");
    if (blobs.st_dev != uploads.st_dev)
        return err_set(e, ERR_INVALID,
                       "blobs/ and uploads/ are on different file systems; mount one at the data directory");
    return 0;
}

static int open_parts(struct store *store, bool repairs, struct err *e)
{
    char path[PATH_MAX];

    store->blobs = blob_store_open(store->root, e);
    if (store->blobs == NULL)
        return -1;
    store->uploads = uploads_open(store->root, store->blobs, e);
    if (store->uploads == NULL || check_one_file_system(store->root, e) != 0)
        return -1;
    if (store_path(store->root, "meta", path, e) != 0)
        return -1;
    store->meta = repairs ? meta_open_for_repair(path, e) : meta_open(path, e);
    if (store->meta == NULL)
        return -1;
    return file_sync_dir(store->root, e); /* the names of the parts just made */
}

static struct store *open_as(const char *root, bool repairs, struct err *e)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->lock_fd = -1;
    store->root = str_dup(str_of(root));
    store->pins = pins_new();
    store->clock = clock_watch_new();
    store->asked = asked_new();
    store->sweeping = sweep_gate_new();
    if (store_lock(root, &store->lock_fd, e) != 0)
        goto closed;
    if (refuse_unfinished(root, e) != 0 || open_parts(store, repairs, e) != 0)
        goto failed;
    return store;

failed:
    err_wrap(e, "data directory %s", root);
closed:
    store_close(&store);
    return NULL;
}

struct store *store_open(const char *root, struct err *e)
{
    return open_as(root, false, e);
}

struct store *store_open_for_repair(const char *root, struct err *e)
{
    return open_as(root, true, e);
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL)
        return;
    if (s->meta != NULL)
        meta_close(&s->meta);
    uploads_close(&s->uploads);
    blob_store_close(&s->blobs);
    asked_free(&s->asked);
    clock_watch_free(&s->clock);
    sweep_gate_free(&s->sweeping);
    pins_free(&s->pins);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->root);
    free(s);
    *store = NULL;
}

void store_hold_sweeps(const struct store *store)
{
    sweep_gate_hold(store->sweeping);
}

void store_release_sweeps(const struct store *store)
{
    sweep_gate_release(store->sweeping);
}

int store_purge_uploads(const struct store *store, uint64_t age_s, size_t limit, bool dry_run, size_t *purged,
                        struct err *e)
{
    *purged = 0;
    if (clock_watch_check(store->clock, age_s, e) != 0)
        return -1;
    *purged = uploads_purge(store->uploads, age_s, limit, dry_run);
    return 0;
}
