#include "storage/distribution/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/distribution/layout_internal.h"

static const char *const oddity_names[ODD_KINDS] = {
    [ODD_NAME] = "name",
    [ODD_LINK] = "link",
    [ODD_BLOB_MISSING] = "blob-missing",
    [ODD_BLOB_DAMAGED] = "blob-damaged",
    [ODD_MANIFEST_MISSING] = "manifest-missing",
    [ODD_MANIFEST_DAMAGED] = "manifest-damaged",
    [ODD_MANIFEST_REFUSED] = "manifest-refused",
    [ODD_INDEX_INCOMPLETE] = "index-incomplete",
    [ODD_TAG_DANGLING] = "tag-dangling",
    [ODD_TAG_NEWER] = "tag-newer",
    [ODD_REPOSITORY_EMPTY] = "repository-empty",
};

const char *oddity_name(enum oddity_kind kind)
{
    return oddity_names[kind];
}

void layout_odd(const struct layout *layout, enum oddity_kind kind, struct str repository, const char *what,
                const char *reason)
{
    if (layout->odd != NULL)
        layout->odd(&(struct oddity){.kind = kind, .repository = repository, .what = what, .reason = reason},
                    layout->arg);
}

/* ---- opening ---- */

void close_quietly(int fd)
{
    int number = errno;

    close(fd);
    errno = number;
}

int layout_open_below(int dir, const char *path, int flags)
{
    int at = dir;

    for (;;) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == '\0';
        char part[NAME_MAX + 1];
        int next = -1;

        errno = ENAMETOOLONG;
        if (n <= NAME_MAX) {
            snprintf(part, sizeof(part), "%.*s", (int)n, path);
            next = openat(at, part, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        }
        if (at != dir)
            close_quietly(at);
        if (next < 0 || last)
            return next;
        at = next;
        path += n + 1;
    }
}

int directory_open(int dir, const char *path)
{
    return layout_open_below(dir, path, O_RDONLY | O_DIRECTORY);
}

static bool has_directory(int dir, const char *path)
{
    int fd = directory_open(dir, path);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* v2/ at or below `source`. */
static int find_top(int source, const char **suffix)
{
    static const char *const ways[] = {"docker/registry/v2", "registry/v2", "v2", "."};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int top = directory_open(source, ways[i]);

        *suffix = ways[i];
        if (top < 0)
            continue;
        /* A folder of blobs alone has a data directory of Berth, too. */
        if (has_directory(top, "repositories") || (strcmp(ways[i], ".") != 0 && has_directory(top, "blobs")))
            return top;
        close(top);
    }
    return -1;
}

int layout_open(struct layout *layout, const char *source, oddity_cb *odd, void *arg, struct err *e)
{
    struct sbuf path = {0};
    const char *suffix;
    int fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *layout = (struct layout){.top = -1, .blobs = -1, .repositories = -1, .odd = odd, .arg = arg};
    if (fd < 0)
        return err_errno(e, "%s", source);
    layout->top = find_top(fd, &suffix);
    close(fd);
    if (layout->top < 0)
        return err_set(e, ERR_INVALID,
                       "%s is no data directory of distribution: there is no docker/registry/v2 with blobs and "
                       "repositories in it; name its storage.filesystem.rootdirectory, by default /var/lib/registry",
                       source);
    sbuf_printf(&path, strcmp(suffix, ".") == 0 ? "%s" : "%s/%s", source, suffix);
    layout->path = str_dup(str_of(sbuf_text(&path)));
    sbuf_free(&path);
    layout->blobs = directory_open(layout->top, "blobs");
    layout->repositories = directory_open(layout->top, "repositories");
    return 0;
}

void layout_close(struct layout *layout)
{
    const int fds[] = {layout->top, layout->blobs, layout->repositories};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(layout->path);
    *layout = (struct layout){.top = -1, .blobs = -1, .repositories = -1};
}

/* ---- walking over one directory ---- */

DIR *directory_list(int fd)
{
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);

    if (listing == NULL && fd >= 0)
        close_quietly(fd);
    return listing;
}

const struct dirent *directory_next(DIR *listing)
{
    const struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(listing);
    } while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry;
}

const char *why_not_opened(int number)
{
    return number == ELOOP || number == ENOTDIR ? "it is no directory, and symbolic links are not followed"
                                                : strerrordesc_np(number);
}

bool layout_holds_any(const struct layout *layout)
{
    DIR *listing = layout->repositories < 0 ? NULL : directory_list(directory_open(layout->repositories, "."));
    bool any = listing != NULL && directory_next(listing) != NULL;

    if (listing != NULL)
        closedir(listing);
    return any;
}

/* ---- repositories ---- */

enum { PATH_ROOM = REPOSITORY_NAME_MAX + 64 };

struct walk {
    const struct layout *layout;
    layout_repository_cb *visit;
    void *arg;
    char name[PATH_ROOM]; /* where it has come to */
    size_t n;
};

static int walk_into(struct walk *w, DIR *listing, struct err *e);

static void odd_here(const struct walk *w, const char *reason)
{
    struct sbuf what = {0};

    sbuf_printf(&what, "repositories/%.*s", (int)w->n, w->name);
    layout_odd(w->layout, ODD_NAME, (struct str){0}, sbuf_text(&what), reason);
    sbuf_free(&what);
}

/* One part of a name deeper. */
static int descend(struct walk *w, int dir, const char *part, struct err *e)
{
    size_t before = w->n;
    DIR *listing = NULL;
    int rc = 0;

    w->n += (size_t)snprintf(w->name + before, sizeof(w->name) - before, "%s%s", before > 0 ? "/" : "", part);
    if (w->n >= sizeof(w->name))
        w->n = sizeof(w->name) - 1;
    if (!repository_name_valid((struct str){w->name, w->n}))
        odd_here(w, "no repository can have this name");
    else if ((listing = directory_list(directory_open(dir, part))) == NULL && errno != ENOENT)
        odd_here(w, why_not_opened(errno));
    if (listing != NULL)
        rc = walk_into(w, listing, e);
    w->n = before;
    w->name[before] = '\0';
    return rc;
}

/* `listing` is closed. Depth is bounded by the length of names. */
static int walk_into(struct walk *w, DIR *listing, struct err *e)
{
    const struct dirent *entry;
    bool visited = w->n == 0;
    int rc = 0;

    while (rc == 0 && (entry = directory_next(listing)) != NULL) {
        bool is_part = strcmp(entry->d_name, "_manifests") == 0 || strcmp(entry->d_name, "_layers") == 0;

        if (entry->d_name[0] != '_' || w->n == 0) {
            rc = descend(w, dirfd(listing), entry->d_name, e);
        } else if (is_part && !visited) {
            visited = true;
            rc = w->visit((struct str){w->name, w->n}, w->arg, e);
        }
    }
    closedir(listing);
    return rc;
}

int layout_repositories(const struct layout *layout, layout_repository_cb *visit, void *arg, struct err *e)
{
    struct walk w = {.layout = layout, .visit = visit, .arg = arg};
    DIR *listing;

    if (layout->repositories < 0)
        return 0;
    listing = directory_list(directory_open(layout->repositories, "."));
    return listing == NULL ? err_errno(e, "%s/repositories", layout->path) : walk_into(&w, listing, e);
}
