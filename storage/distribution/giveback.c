#include "storage/distribution/giveback.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/distribution/giveback_internal.h"
#include "storage/meta/meta_copy.h"
#include "storage/meta/meta_usage.h"

#define MARK     "berth-export"
#define WORKSHOP "berth-export.partial"
#define COPY     "exporting"
#define TOP      "docker/registry/v2"

enum { PAGE = 100 };

int giveback_step(struct giveback *g, struct err *e)
{
    g->result->entries_done++;
    if (g->options->progress != NULL)
        g->options->progress(g->result, g->options->arg);
    return interrupt_check(&g->options->interrupt, INTERRUPT_RESUMES, e);
}

static void note_odd(const struct oddity *oddity, void *arg)
{
    struct giveback *g = arg;

    g->result->oddities++;
    g->result->odd[oddity->kind]++;
    if (g->options->odd != NULL)
        g->options->odd(oddity, g->options->arg);
}

void giveback_odd(struct giveback *g, enum oddity_kind kind, const char *what, const char *reason)
{
    note_odd(&(struct oddity){.kind = kind, .repository = g->repository, .what = what, .reason = reason}, g);
}

/* ---- the directory ---- */

/* The real name of `path`, or of the nearest folder above it that is there. To be freed. */
static char *real_place(const char *path)
{
    char *name = str_dup(str_of(path)), *found, *slash;

    while ((found = realpath(name, NULL)) == NULL && (slash = strrchr(name, '/')) != NULL && slash != name)
        *slash = '\0';
    free(name);
    return found;
}

static int refuse_own(const struct giveback *g, struct err *e)
{
    char *root = realpath(g->store->root, NULL), *place = real_place(g->options->directory);
    size_t n = root == NULL ? 0 : strlen(root);
    int rc = 0;

    if (root != NULL && place != NULL && strncmp(place, root, n) == 0 && (place[n] == '/' || place[n] == '\0'))
        rc = err_set(e, ERR_INVALID, "%s lies in the data directory %s; choose another", g->options->directory,
                     g->store->root);
    free(root);
    free(place);
    return rc;
}

/* What somebody else has put there is not ours to change. */
static int refuse_foreign(const struct giveback *g, int directory, struct err *e)
{
    struct layout found;
    bool any;

    if (faccessat(directory, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        layout_open(&found, g->options->directory, NULL, NULL, NULL) != 0)
        return 0;
    any = layout_holds_any(&found);
    layout_close(&found);
    return any ? err_set(e, ERR_EXISTS,
                         "%s has images that no 'berth export' has put there; choose an empty directory, or one that "
                         "was exported to",
                         g->options->directory)
               : 0;
}

static int write_mark(const struct giveback *g, struct err *e)
{
    static const char text[] = "'berth export' has written this, and the next one changes it.\n";
    char path[PATH_MAX];

    if (store_path(g->options->directory, MARK, path, e) != 0)
        return -1;
    return access(path, F_OK) == 0 ? 0 : file_replace(path, text, strlen(text), TREE_FILE_MODE, e);
}

static int open_tree(struct giveback *g, int directory, struct err *e)
{
    static const char *const parts[] = {"blobs", "repositories"};
    char path[PATH_MAX];
    const struct carrier_options options = {
        .workshop = path, .copies = g->options->copies, .mode = TREE_FILE_MODE, .interrupt = g->options->interrupt};

    if (write_mark(g, e) != 0 || store_path(g->options->directory, WORKSHOP, path, e) != 0 ||
        (g->tree.top = tree_folder(directory, TOP, e)) < 0 || carrier_open(&g->carrier, &options, e) != 0)
        return -1;
    g->tree.workshop = g->carrier.workshop;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int fd = tree_folder(g->tree.top, parts[i], e);

        if (fd < 0)
            return -1;
        close(fd);
    }
    return 0;
}

static int open_directory(struct giveback *g, struct err *e)
{
    const char *path = g->options->directory;
    int fd, rc;

    if (refuse_own(g, e) != 0)
        return -1;
    if (!g->options->dry_run && access(path, F_OK) != 0 &&
        (file_mkdirs(path, TREE_FOLDER_MODE, e) != 0 || chmod(path, TREE_FOLDER_MODE) != 0))
        return err_errno(e, "make %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return g->options->dry_run && errno == ENOENT ? 0 : err_errno(e, "%s", path);
    rc = refuse_foreign(g, fd, e);
    if (rc == 0 && !g->options->dry_run && open_tree(g, fd, e) != 0)
        rc = err_wrap(e, "%s, as user %u", path, (unsigned)geteuid());
    close(fd);
    if (rc == 0 && layout_open(&g->there, path, note_odd, g, NULL) != 0)
        g->there = (struct layout){.top = -1, .blobs = -1, .repositories = -1};
    return rc;
}

/* ---- the metadata of this moment ---- */

static void drop_copy(struct giveback *g)
{
    static const char *const names[] = {COPY "/data.mdb", COPY "/lock.mdb"};
    char path[PATH_MAX];

    meta_reader_free(&g->reader);
    if (g->copy != NULL)
        meta_close(&g->copy);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (store_path(g->store->root, names[i], path, NULL) == 0)
            unlink(path);
    if (store_path(g->store->root, COPY, path, NULL) == 0)
        rmdir(path);
}

static int copy_metadata(struct giveback *g, struct err *e)
{
    char folder[PATH_MAX], file[PATH_MAX];

    drop_copy(g); /* of one that was killed */
    if (store_path(g->store->root, COPY, folder, e) != 0 ||
        store_path(g->store->root, COPY "/data.mdb", file, e) != 0 || file_mkdirs(folder, 0700, e) != 0 ||
        meta_copy(g->store->meta, file, e) != 0)
        return -1;
    g->copy = meta_open(folder, e);
    if (g->copy == NULL)
        return -1;
    g->reader = meta_reader_new(g->copy, e);
    return g->reader == NULL ? -1 : 0;
}

/* ---- repositories ---- */

struct page {
    char names[PAGE][REPOSITORY_NAME_MAX + 1];
    size_t n;
    uint64_t entries;
};

static void add_repository(const struct repository_info *info, void *arg)
{
    struct page *page = arg;

    snprintf(page->names[page->n++], sizeof(page->names[0]), "%.*s", (int)info->name.n, info->name.p);
    page->entries += info->blobs + info->manifests + info->tags;
}

static bool is_wanted(const struct giveback *g, struct str name)
{
    return g->options->wanted == NULL || g->options->wanted(name, g->options->arg);
}

/* Calls `visit` for one page of names after the other. */
static int each_page(struct giveback *g, int (*visit)(struct giveback *, const struct page *, struct err *),
                     struct err *e)
{
    struct repository_walk place = {0};
    struct page *page = xcalloc(1, sizeof(*page));
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        struct meta_txn *txn = meta_read(g->reader, e);

        page->n = page->entries = 0;
        rc = txn == NULL ? -1 : meta_repositories(txn, &place, PAGE, add_repository, page, &more, e);
        if (txn != NULL)
            meta_done(g->reader);
        if (rc == 0)
            rc = visit(g, page, e);
    }
    free(page);
    return rc;
}

static int count_page(struct giveback *g, const struct page *page, struct err *e)
{
    (void)e;
    g->result->entries += page->entries; /* with those that are not wanted: an estimate for people */
    return 0;
}

static int give_page(struct giveback *g, const struct page *page, struct err *e)
{
    for (size_t i = 0; i < page->n; i++) {
        if (!is_wanted(g, str_of(page->names[i])))
            continue;
        if (giveback_repository(g, str_of(page->names[i]), e) != 0)
            return -1;
        g->result->repositories++;
    }
    return 0;
}

/* One that is over there and has nothing here any more. */
static int clear_gone(struct str name, void *arg, struct err *e)
{
    struct giveback *g = arg;
    struct meta_txn *txn;
    struct repository_info info = {0};
    bool gone;

    if (!is_wanted(g, name))
        return 0;
    txn = meta_read(g->reader, e);
    if (txn == NULL)
        return -1;
    gone = meta_repository_info(txn, name, &info, NULL) != 0 || info.blobs + info.manifests + info.tags == 0;
    meta_done(g->reader);
    return gone ? giveback_repository(g, name, e) : 0;
}

static int give_all(struct giveback *g, struct err *e)
{
    if (each_page(g, count_page, e) != 0 || each_page(g, give_page, e) != 0)
        return -1;
    return g->there.repositories < 0 ? 0 : layout_repositories(&g->there, clear_gone, g, e);
}

/* ---- all of it ---- */

static int run(struct giveback *g, struct err *e)
{
    int rc;

    store_hold_sweeps(g->store);
    rc = copy_metadata(g, e);
    if (rc == 0)
        rc = give_all(g, e);
    store_release_sweeps(g->store);
    drop_copy(g);
    if (rc == 0 && g->tree.top >= 0 && syncfs(g->tree.workshop) != 0)
        rc = err_errno(e, "syncfs of %s", g->options->directory);
    return rc;
}

int giveback_run(const struct store *store, const struct giveback_options *options, struct giveback_result *result,
                 struct err *e)
{
    struct giveback *g = xcalloc(1, sizeof(*g));
    int rc;

    *result = (struct giveback_result){0};
    g->store = store;
    g->options = options;
    g->result = result;
    g->tree = (struct tree){.top = -1, .workshop = -1};
    g->there = (struct layout){.top = -1, .blobs = -1, .repositories = -1};
    rc = open_directory(g, e);
    if (rc == 0)
        rc = run(g, e);
    layout_close(&g->there);
    carrier_close(&g->carrier);
    if (g->tree.top >= 0)
        close(g->tree.top);
    free(g);
    return rc;
}
