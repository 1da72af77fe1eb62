/* One repository, as giveback.h has it: what it has, then what it has no more. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "storage/blob_internal.h"
#include "storage/distribution/giveback_internal.h"
#include "storage/meta/meta_contents.h"

enum { PATH_ROOM = DIGEST_TEXT_MAX + 64 };

#define LAYERS    "_layers"
#define REVISIONS "_manifests/revisions"

/* "blobs/sha256/ab/abcdef…" */
static void name_folder(const struct digest *d, char out[PATH_ROOM])
{
    struct blob_name name;

    blob_name_of(d, &name);
    snprintf(out, PATH_ROOM, "blobs/%s", name.file);
}

/* ---- blobs ---- */

static void count_carried(struct giveback *g, uint64_t size, enum carried how)
{
    struct giveback_result *r = g->result;

    r->linked += how == CARRIED_LINKED;
    r->linked_bytes += how == CARRIED_LINKED ? size : 0;
    r->cloned += how == CARRIED_CLONED;
    r->cloned_bytes += how == CARRIED_CLONED ? size : 0;
    r->copied += how == CARRIED_COPIED;
    r->copied_bytes += how == CARRIED_COPIED ? size : 0;
    if (how != CARRIED_LINKED)
        r->why_not = g->carrier.why_not;
}

/* 1: it is lost, and told. */
static int carry_blob(struct giveback *g, const struct digest *d, const struct stat *st, int folder, struct err *e)
{
    struct blob_name name;
    enum carried how;
    struct err why;
    struct carry what = {.from = g->store->blobs->dir, .st = st, .digest = d, .to = folder, .to_name = LAYOUT_DATA};
    int rc;

    blob_name_of(d, &name);
    what.from_name = name.file;
    rc = carry(&g->carrier, &what, &how, &why);
    if (rc == 0)
        count_carried(g, (uint64_t)st->st_size, how);
    else if (rc > 0)
        giveback_odd(g, ODD_BLOB_DAMAGED, name.text, why.text);
    else
        *e = why;
    return rc;
}

static int bring_blob(struct giveback *g, const struct digest *d, const struct stat *st, struct err *e)
{
    char path[PATH_ROOM];
    struct stat there;
    int folder, rc = 0;

    name_folder(d, path);
    folder = tree_folder(g->tree.top, path, e);
    if (folder < 0)
        return -1;
    if (fstatat(folder, LAYOUT_DATA, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode) &&
        there.st_size == st->st_size)
        g->result->blobs_there++;
    else
        rc = carry_blob(g, d, st, folder, e);
    close(folder);
    return rc;
}

static int give_blob(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct giveback *g = arg;
    struct blob_name name;
    struct stat st;
    bool fresh;
    int rc = 0;

    blob_name_of(d, &name);
    if (fstatat(g->store->blobs->dir, name.file, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
        giveback_odd(g, ODD_BLOB_MISSING, name.text, "its file is not there; berth scrub says more");
        rc = 1;
    } else if ((uint64_t)st.st_size != size) {
        giveback_odd(g, ODD_BLOB_DAMAGED, name.text, "its file has another length; berth scrub says more");
        rc = 1;
    } else if (g->options->dry_run) {
        count_carried(g, size, g->options->copies ? CARRIED_COPIED : CARRIED_LINKED);
    } else {
        rc = bring_blob(g, d, &st, e);
        if (rc == 0)
            rc = tree_link(&g->tree, g->repository, LAYERS, d, clock_wall_s(), &fresh, e);
    }
    g->result->blobs_lost += rc > 0;
    return rc < 0 ? err_wrap(e, "blob %s", name.text) : giveback_step(g, e);
}

/* ---- manifests and tags ---- */

static int give_manifest(const struct manifest_view *view, uint64_t pushed, void *arg, struct err *e)
{
    struct giveback *g = arg;
    char path[PATH_ROOM + 8];
    bool fresh = true, linked;

    name_folder(&view->digest, path);
    strcat(path, "/" LAYOUT_DATA);
    if (!g->options->dry_run && (tree_write(&g->tree, path, view->bytes, pushed, &linked, e) != 0 ||
                                 tree_link(&g->tree, g->repository, REVISIONS, &view->digest, pushed, &fresh, e) != 0))
        return -1;
    g->result->manifests += fresh;
    g->result->manifests_there += !fresh;
    return giveback_step(g, e);
}

/* The index first: distribution looks there when it deletes the manifest. */
static int give_tag(struct str tag, const struct digest *d, uint64_t moved, void *arg, struct err *e)
{
    struct giveback *g = arg;
    char folder[TAG_MAX + 64], path[REPOSITORY_NAME_MAX + TAG_MAX + 64], text[DIGEST_TEXT_MAX];
    size_t n = digest_format(d, text);
    bool fresh = true, listed;

    snprintf(folder, sizeof(folder), "_manifests/tags/%.*s/index", (int)tag.n, tag.p);
    snprintf(path, sizeof(path), "repositories/%.*s/_manifests/tags/%.*s/current/link", (int)g->repository.n,
             g->repository.p, (int)tag.n, tag.p);
    if (!g->options->dry_run && (tree_link(&g->tree, g->repository, folder, d, moved, &listed, e) != 0 ||
                                 tree_write(&g->tree, path, (struct str){text, n}, moved, &fresh, e) != 0))
        return -1;
    g->result->tags += fresh;
    g->result->tags_there += !fresh;
    return giveback_step(g, e);
}

/* ---- what it has no more ---- */

static int clear_tag(const char *tag, int dir, void *arg, struct err *e)
{
    struct giveback *g = arg;
    struct manifest_view view;

    (void)dir;
    if (meta_tag_get(g->txn, g->repository, str_of(tag), &view, NULL) == 0)
        return 0;
    g->result->removed++;
    return g->options->dry_run ? 0 : tree_remove_tag(&g->tree, g->repository, tag, e);
}

static int clear_link(struct giveback *g, const char *folder, const struct layout_entry *entry, struct err *e)
{
    char path[2 * DIGEST_RAW_MAX + 8];
    struct layout_link link;

    snprintf(path, sizeof(path), "%s/link", entry->hex);
    if (layout_link(entry->dir, path, &link, e) != 0 && e->code == ERR_NOT_FOUND)
        return 0; /* it was deleted there */
    g->result->removed++;
    return g->options->dry_run ? 0 : tree_unlink(&g->tree, g->repository, folder, &entry->name, e);
}

static int clear_revision(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct giveback *g = arg;
    struct manifest_view view;

    return meta_manifest_get(g->txn, g->repository, &entry->name, &view, NULL) == 0
               ? 0
               : clear_link(g, REVISIONS, entry, e);
}

static int clear_layer(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct giveback *g = arg;
    struct blob_info info;

    return meta_blob_get(g->txn, g->repository, &entry->name, &info, NULL) == 0 ? 0 : clear_link(g, LAYERS, entry, e);
}

static int clear(struct giveback *g, struct err *e)
{
    if (g->there.repositories < 0)
        return 0;
    if (layout_tags(&g->there, g->repository, clear_tag, g, e) != 0 ||
        layout_links(&g->there, g->repository, LAYOUT_REVISIONS, clear_revision, g, e) != 0 ||
        layout_links(&g->there, g->repository, LAYOUT_LAYERS, clear_layer, g, e) != 0)
        return -1;
    return 0;
}

int giveback_repository(struct giveback *g, struct str name, struct err *e)
{
    int rc;

    g->repository = name;
    g->txn = meta_read(g->reader, e);
    if (g->txn == NULL)
        return -1;
    rc = meta_members_each(g->txn, name, give_blob, g, e);
    if (rc == 0)
        rc = meta_manifests_each(g->txn, name, give_manifest, g, e);
    if (rc == 0)
        rc = meta_tags_each(g->txn, name, give_tag, g, e);
    if (rc == 0)
        rc = clear(g, e);
    meta_done(g->reader);
    return rc == 0 ? 0 : err_wrap(e, "%.*s", (int)name.n, name.p);
}
