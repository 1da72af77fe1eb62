#include "storage/distribution/inplace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/store.h"

#define OLD_TREE "docker/registry/v2"

enum { MARK_MAX = 4096 };

/* *there: is there such a file? Other answers than yes and no are errors. */
static int exists(const char *root, const char *name, bool *there, struct err *e)
{
    char path[PATH_MAX];

    if (store_path(root, name, path, e) != 0)
        return -1;
    *there = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "%s", path);
}

static bool open_tree(const char *root, struct layout *layout)
{
    char path[PATH_MAX];

    return store_path(root, OLD_TREE, path, NULL) == 0 && access(path, F_OK) == 0 &&
           layout_open(layout, path, NULL, NULL, NULL) == 0;
}

static bool holds_old_images(const char *root)
{
    struct layout layout;
    bool any;

    if (!open_tree(root, &layout))
        return false;
    any = layout_holds_any(&layout);
    layout_close(&layout);
    return any;
}

static bool note_any(struct str name, void *arg)
{
    (void)name;
    *(bool *)arg = true;
    return true;
}

/* Does any repository of ours have a manifest? */
static int holds_own_images(const char *root, bool *any, struct err *e)
{
    const struct catalog_query query = {.limit = 1, .looks = 1};
    struct store *store = store_open(root, e);
    struct meta_reader *reader;
    struct meta_txn *txn;
    bool more;
    int rc = -1;

    *any = false;
    if (store == NULL)
        return -1;
    reader = meta_reader_new(store->meta, e);
    txn = reader == NULL ? NULL : meta_read(reader, e);
    if (txn != NULL) {
        rc = meta_catalog(txn, &query, note_any, any, &more, e);
        meta_done(reader);
    }
    meta_reader_free(&reader);
    store_close(&store);
    return rc;
}

static int read_when(const char *root, struct inplace *out, struct err *e)
{
    struct sbuf text = {0};
    char path[PATH_MAX];
    int rc = store_path(root, INPLACE_TAKEN_OVER, path, e);

    if (rc == 0)
        rc = file_read_regular(path, MARK_MAX, &text, e);
    if (rc == 0)
        snprintf(out->when, sizeof(out->when), "%.*s", (int)str_find((struct str){text.p, text.n}, '\n'), text.p);
    sbuf_free(&text);
    return rc;
}

int inplace_look(const char *root, struct inplace *out, struct err *e)
{
    bool done, begun, own;

    *out = (struct inplace){.state = INPLACE_NOTHING};
    if (!holds_old_images(root))
        return 0;
    if (exists(root, INPLACE_TAKEN_OVER, &done, e) != 0 || exists(root, INPLACE_UNFINISHED, &begun, e) != 0 ||
        exists(root, "meta/data.mdb", &own, e) != 0)
        return -1;
    out->state = done ? INPLACE_DONE : INPLACE_WANTED;
    if (done)
        return read_when(root, out, e);
    if (begun || !own)
        return 0;
    if (holds_own_images(root, &own, e) != 0)
        return -1;
    out->state = own ? INPLACE_BESIDE : INPLACE_WANTED;
    return 0;
}

bool inplace_is_own(const char *root, const struct layout *layout)
{
    struct layout own;
    struct stat a, b;
    bool same;

    if (!open_tree(root, &own))
        return false;
    same = fstat(own.top, &a) == 0 && fstat(layout->top, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    layout_close(&own);
    return same;
}

static int write_mark(const char *root, const char *name, const char *text, struct err *e)
{
    char path[PATH_MAX];

    if (store_path(root, name, path, e) != 0)
        return -1;
    return file_replace(path, text, strlen(text), 0600, e) == 0 ? 0 : err_wrap(e, "%s", path);
}

int inplace_begin(const char *root, struct err *e)
{
    return write_mark(root, INPLACE_UNFINISHED,
                      "The images below docker/ are being taken over; the next start goes on.\n", e);
}

int inplace_finish(const char *root, struct err *e)
{
    char path[PATH_MAX], when[CLOCK_TEXT_ROOM];
    struct sbuf text = {0};
    int rc;

    clock_text((int64_t)clock_wall_s(), when);
    sbuf_printf(&text, "%s\nThe images below docker/ were taken over then. Nothing there is needed any more.\n", when);
    rc = write_mark(root, INPLACE_TAKEN_OVER, sbuf_text(&text), e);
    sbuf_free(&text);
    if (rc != 0 || store_path(root, INPLACE_UNFINISHED, path, e) != 0)
        return -1;
    if (unlink(path) != 0 && errno != ENOENT)
        return err_errno(e, "%s: remove", path);
    return file_sync_dir(root, e);
}
