/* What a repository has, and the blobs: reading links without trusting them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/distribution/layout_internal.h"

enum { LINK_BYTES_MOST = 1024, PATH_ROOM = REPOSITORY_NAME_MAX + 64 };

/* ---- links ---- */

struct place {
    const struct layout *layout;
    struct str repository;
    const char *folder; /* for people */
};

static void odd_link(const struct place *place, const char *name, const char *reason)
{
    struct sbuf what = {0};

    sbuf_printf(&what, "repositories/%.*s/%s/%s", (int)place->repository.n, place->repository.p, place->folder, name);
    layout_odd(place->layout, ODD_LINK, place->repository, sbuf_text(&what), reason);
    sbuf_free(&what);
}

static int visit_algorithm(const struct place *place, int dir, const char *alg, layout_entry_cb *visit, void *arg,
                           struct err *e)
{
    struct layout_entry entry = {0};
    const struct dirent *found;
    DIR *listing = directory_list(directory_open(dir, alg));
    int rc = 0;

    if (listing == NULL) {
        if (errno != ENOENT)
            odd_link(place, alg, why_not_opened(errno));
        return 0;
    }
    entry.dir = dirfd(listing);
    while (rc == 0 && (found = directory_next(listing)) != NULL) {
        char text[DIGEST_TEXT_MAX + NAME_MAX];
        int n = snprintf(text, sizeof(text), "%s:%s", alg, found->d_name);

        entry.hex = found->d_name;
        if (digest_parse((struct str){text, (size_t)n}, &entry.name, NULL) == 0)
            rc = visit(&entry, arg, e);
        else
            odd_link(place, found->d_name, "its name is no digest");
    }
    closedir(listing);
    return rc;
}

/* The folders of all algorithms in `fd`, which is closed. */
static int visit_links(const struct place *place, int fd, layout_entry_cb *visit, void *arg, struct err *e)
{
    DIR *listing = directory_list(fd);
    const struct dirent *found;
    enum digest_alg alg;
    int rc = 0;

    if (listing == NULL) {
        if (errno != ENOENT)
            odd_link(place, ".", why_not_opened(errno));
        return 0;
    }
    while (rc == 0 && (found = directory_next(listing)) != NULL) {
        if (digest_alg_parse(str_of(found->d_name), &alg, NULL) == 0)
            rc = visit_algorithm(place, dirfd(listing), found->d_name, visit, arg, e);
        else
            odd_link(place, found->d_name, "no digests of this kind are known");
    }
    closedir(listing);
    return rc;
}

static const char *folder_of(enum layout_links which)
{
    return which == LAYOUT_LAYERS ? "_layers" : "_manifests/revisions";
}

static int open_in_repository(const struct layout *layout, struct str repository, const char *folder)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), "%.*s/%s", (int)repository.n, repository.p, folder);
    return directory_open(layout->repositories, path);
}

int layout_links(const struct layout *layout, struct str repository, enum layout_links which, layout_entry_cb *visit,
                 void *arg, struct err *e)
{
    const struct place place = {layout, repository, folder_of(which)};

    return visit_links(&place, open_in_repository(layout, repository, place.folder), visit, arg, e);
}

int layout_tag_index(const struct layout *layout, struct str repository, int dir, layout_entry_cb *visit, void *arg,
                     struct err *e)
{
    const struct place place = {layout, repository, "_manifests/tags/…/index"};

    return visit_links(&place, directory_open(dir, "index"), visit, arg, e);
}

int layout_link(int dir, const char *path, struct layout_link *out, struct err *e)
{
    struct sbuf text = {0};
    struct str trimmed;
    struct stat st;
    int fd = layout_open_below(dir, path, O_RDONLY | O_NONBLOCK);
    int rc;

    *out = (struct layout_link){.written = 1};
    if (fd < 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "there is no link");
    if (fd < 0)
        return err_set(e, ERR_INVALID, "its link cannot be opened: %s",
                       errno == ELOOP || errno == ENOTDIR ? "symbolic links are not followed" : strerrordesc_np(errno));
    rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_INVALID, "its link is not a regular file");
    if (rc == 0 && file_read_fd(fd, LINK_BYTES_MOST, &text, e) != 0)
        rc = err_set(e, ERR_INVALID, "its link cannot be read");
    close(fd);
    while (rc == 0 && text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]) != NULL && text.p[text.n - 1] != '\0') {
        text.n--;
        out->untidy = true;
    }
    trimmed = (struct str){text.p, text.n};
    if (rc == 0 && digest_parse(trimmed, &out->target, NULL) != 0)
        rc = err_set(e, ERR_INVALID, "its link holds no digest");
    if (rc == 0 && st.st_mtime > 0)
        out->written = (uint64_t)st.st_mtime;
    sbuf_free(&text);
    return rc;
}

/* ---- tags ---- */

int layout_tags(const struct layout *layout, struct str repository, layout_tag_cb *visit, void *arg, struct err *e)
{
    DIR *listing = directory_list(open_in_repository(layout, repository, "_manifests/tags"));
    const struct dirent *found;
    int rc = 0;

    if (listing == NULL) {
        if (errno != ENOENT)
            layout_odd(layout, ODD_LINK, repository, "_manifests/tags", why_not_opened(errno));
        return 0;
    }
    while (rc == 0 && (found = directory_next(listing)) != NULL) {
        int dir;

        if (!tag_valid(str_of(found->d_name))) {
            layout_odd(layout, ODD_NAME, repository, found->d_name, "no tag can have this name");
            continue;
        }
        dir = directory_open(dirfd(listing), found->d_name);
        if (dir < 0) {
            if (errno != ENOENT)
                layout_odd(layout, ODD_LINK, repository, found->d_name, why_not_opened(errno));
            continue;
        }
        rc = visit(found->d_name, dir, arg, e);
        close(dir);
    }
    closedir(listing);
    return rc;
}

/* ---- counting ---- */

static uint64_t count_entries(int fd)
{
    DIR *listing = directory_list(fd);
    uint64_t n = 0;

    while (listing != NULL && directory_next(listing) != NULL)
        n++;
    if (listing != NULL)
        closedir(listing);
    return n;
}

void layout_count(const struct layout *layout, struct str repository, struct layout_count *add)
{
    static const enum digest_alg algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};
    char path[64];

    add->tags += count_entries(open_in_repository(layout, repository, "_manifests/tags"));
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        snprintf(path, sizeof(path), "_layers/%s", digest_alg_name(algorithms[i]));
        add->layers += count_entries(open_in_repository(layout, repository, path));
        snprintf(path, sizeof(path), "_manifests/revisions/%s", digest_alg_name(algorithms[i]));
        add->revisions += count_entries(open_in_repository(layout, repository, path));
    }
}

/* ---- blobs ---- */

static int blob_missing(struct err *e)
{
    if (errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "its file is not there");
    if (errno == EACCES)
        return err_set(e, ERR_DENIED, "its file is closed to user %u; run this as root", (unsigned)geteuid());
    if (errno == ELOOP || errno == ENOTDIR)
        return err_set(e, ERR_DAMAGED, "it is no file, and symbolic links are not followed");
    return err_errno(e, "its file");
}

int layout_blob_find(const struct layout *layout, const struct digest *d, struct layout_blob *out, struct err *e)
{
    char text[DIGEST_TEXT_MAX], path[DIGEST_TEXT_MAX + 8];
    const char *hex;

    digest_format(d, text);
    hex = strchr(text, ':') + 1;
    snprintf(path, sizeof(path), "%s/%.2s/%s", digest_alg_name(d->alg), hex, hex);
    errno = ENOENT;
    out->dir = layout->blobs < 0 ? -1 : layout_open_below(layout->blobs, path, O_PATH | O_DIRECTORY);
    if (out->dir < 0)
        return blob_missing(e);
    if (fstatat(out->dir, LAYOUT_DATA, &out->st, AT_SYMLINK_NOFOLLOW) != 0) {
        close_quietly(out->dir);
        return blob_missing(e);
    }
    if (S_ISREG(out->st.st_mode))
        return 0;
    close(out->dir);
    return err_set(e, ERR_DAMAGED, "it is no file, and symbolic links are not followed");
}

int layout_blob_open(const struct layout *layout, const struct digest *d, int *fd, struct stat *st, struct err *e)
{
    struct layout_blob blob;

    if (layout_blob_find(layout, d, &blob, e) != 0)
        return -1;
    *fd = layout_open_below(blob.dir, LAYOUT_DATA, O_RDONLY | O_NONBLOCK);
    close_quietly(blob.dir);
    if (*fd < 0)
        return blob_missing(e);
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return 0;
    close(*fd);
    return err_set(e, ERR_DAMAGED, "it is no file");
}
