#include "storage/distribution/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/distribution/layout_internal.h"

enum { PATH_ROOM = REPOSITORY_NAME_MAX + TAG_MAX + 2 * DIGEST_RAW_MAX + 128, NAME_ROOM = 24 };

/* ---- folders ---- */

static int open_part(int dir, const char *part)
{
    return openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whatever the umask is: others read here. What is there by now may be somebody's link: no name is followed. */
static int make_part(int dir, const char *part)
{
    int fd, rc;

    if (mkdirat(dir, part, TREE_FOLDER_MODE) != 0)
        return errno == EEXIST ? 0 : -1;
    fd = directory_open(dir, part);
    if (fd < 0)
        return -1;
    rc = fchmod(fd, TREE_FOLDER_MODE);
    close_quietly(fd);
    return rc;
}

int tree_folder(int dir, const char *path, struct err *e)
{
    const char *rest = path;
    int at = dir;

    for (;;) {
        size_t n = strcspn(rest, "/");
        char part[NAME_MAX + 1];
        int next;

        snprintf(part, sizeof(part), "%.*s", (int)n, rest);
        next = open_part(at, part);
        if (next < 0 && errno == ENOENT && make_part(at, part) == 0)
            next = open_part(at, part);
        if (at != dir)
            close_quietly(at);
        if (next < 0)
            return err_errno(e, "%s", path);
        if (rest[n] == '\0')
            return next;
        at = next;
        rest += n + 1;
    }
}

/* ---- files ---- */

static bool is_same(int folder, const char *name, struct str bytes)
{
    struct sbuf found = {0};
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == bytes.n &&
                file_read_fd(fd, bytes.n + 1, &found, NULL) == 0 && str_eq((struct str){found.p, found.n}, bytes);

    if (fd >= 0)
        close(fd);
    sbuf_free(&found);
    return same;
}

static int fill(int fd, struct str bytes, uint64_t when, struct err *e)
{
    const struct timespec times[2] = {{.tv_sec = (time_t)when}, {.tv_sec = (time_t)when}};

    if (file_write(fd, bytes.p, bytes.n, e) != 0)
        return -1;
    if (fchmod(fd, TREE_FILE_MODE) != 0 || futimens(fd, times) != 0)
        return err_errno(e, "mode and time");
    return 0;
}

static int write_in(struct tree *t, int folder, const char *name, struct str bytes, uint64_t when, struct err *e)
{
    char made[NAME_ROOM];
    int fd, rc;

    snprintf(made, sizeof(made), "l%llu", (unsigned long long)t->serial++);
    fd = openat(t->workshop, made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, "make a file");
    rc = fill(fd, bytes, when, e);
    close(fd);
    if (rc == 0 && renameat(t->workshop, made, folder, name) != 0)
        rc = err_errno(e, "rename");
    if (rc != 0)
        unlinkat(t->workshop, made, 0);
    return rc;
}

int tree_write(struct tree *t, const char *path, struct str bytes, uint64_t when, bool *fresh, struct err *e)
{
    const char *name = strrchr(path, '/') + 1;
    char parent[PATH_ROOM];
    int folder, rc = 0;

    snprintf(parent, sizeof(parent), "%.*s", (int)(name - path - 1), path);
    folder = tree_folder(t->top, parent, e);
    if (folder < 0)
        return -1;
    *fresh = !is_same(folder, name, bytes);
    if (*fresh)
        rc = write_in(t, folder, name, bytes, when, e);
    close(folder);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

/* ---- links ---- */

static void name_link(char out[PATH_ROOM], struct str repository, const char *folder, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(d, text);
    snprintf(out, PATH_ROOM, "repositories/%.*s/%s/%s/%s", (int)repository.n, repository.p, folder,
             digest_alg_name(d->alg), strchr(text, ':') + 1);
}

int tree_link(struct tree *t, struct str repository, const char *folder, const struct digest *d, uint64_t when,
              bool *fresh, struct err *e)
{
    char path[PATH_ROOM + 8], text[DIGEST_TEXT_MAX];
    size_t n = digest_format(d, text);

    name_link(path, repository, folder, d);
    strcat(path, "/link");
    return tree_write(t, path, (struct str){text, n}, when, fresh, e);
}

static int removed(int rc, const char *path, struct err *e)
{
    return rc == 0 || errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "remove %s", path);
}

/* The file and the folder that it is in, which may be a new one's by now. */
static int remove_file(int dir, const char *path, const char *name, struct err *e)
{
    int folder = layout_open_below(dir, path, O_RDONLY | O_DIRECTORY);
    int rc;

    if (folder < 0)
        return removed(-1, path, e);
    rc = removed(unlinkat(folder, name, 0), path, e);
    close(folder);
    return rc;
}

int tree_unlink(struct tree *t, struct str repository, const char *folder, const struct digest *d, struct err *e)
{
    char path[PATH_ROOM];

    name_link(path, repository, folder, d);
    if (remove_file(t->top, path, "link", e) != 0)
        return -1;
    unlinkat(t->top, path, AT_REMOVEDIR); /* distribution takes an empty one for a manifest that was deleted, too */
    return 0;
}

/* What is below the open folder, which is closed; folders of a tag are not deep. */
static void remove_below(int fd, int depth)
{
    DIR *listing = directory_list(fd);
    const struct dirent *entry;

    while (listing != NULL && (entry = directory_next(listing)) != NULL) {
        if (unlinkat(dirfd(listing), entry->d_name, 0) == 0 || depth == 0)
            continue;
        remove_below(directory_open(dirfd(listing), entry->d_name), depth - 1);
        unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR);
    }
    if (listing != NULL)
        closedir(listing);
}

int tree_remove_tag(struct tree *t, struct str repository, const char *tag, struct err *e)
{
    enum { DEPTH = 4 };
    char path[PATH_ROOM], current[PATH_ROOM + 16];
    int fd;

    snprintf(path, sizeof(path), "repositories/%.*s/_manifests/tags/%s", (int)repository.n, repository.p, tag);
    snprintf(current, sizeof(current), "%s/current", path);
    if (remove_file(t->top, current, "link", e) != 0)
        return -1;
    fd = directory_open(t->top, path);
    if (fd >= 0)
        remove_below(fd, DEPTH);
    fd = layout_open_below(t->top, path, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return 0;
    close(fd);
    return removed(unlinkat(t->top, path, AT_REMOVEDIR), path, e);
}
