#include "registry/process/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* base */
#include "registry/base/log.h"
#include "registry/base/str.h"

/* storage */
#include "storage/distribution/inplace.h"
#include "storage/store.h"

enum { DEPTH_MAX = 8 }; /* of Berth's own folders; blobs have the most, with three */

static const struct {
    const char *name;
    bool given; /* false: may be there, and stays whose it is */
} known[] = {
    {"berth.lock", true},       {"blobs", true},      {"control", true},        {"exporting", true},
    {"health-check", true},     {"incoming", true},   {"meta", true},           {INPLACE_TAKEN_OVER, true},
    {INPLACE_UNFINISHED, true}, {"uploads", true},    {STORE_UNFINISHED, true}, {"docker", false},
    {"lost+found", false},      {"quarantine", true},
};

static int give_entry(int folder, const char *name, const struct run_as *user, unsigned depth, struct err *e);

/* ---- walking ---- */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Visit every entry of the open folder, which stays open. */
static int each_entry(int folder, int (*visit)(int folder, const char *name, void *context, struct err *e),
                      void *context, struct err *e)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int rc = 0;

    if (listing == NULL) {
        rc = err_errno(e, "list");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    errno = 0;
    while (rc == 0 && (entry = readdir(listing)) != NULL) {
        if (!is_dots(entry->d_name))
            rc = visit(folder, entry->d_name, context, e);
        errno = 0;
    }
    if (rc == 0 && errno != 0)
        rc = err_errno(e, "list");
    closedir(listing);
    return rc;
}

/* ---- giving ---- */

/* May anybody but root put something there? A hard link, say, of a file that is not to be given away. */
static bool is_open_to_others(const struct stat *st)
{
    return (st->st_mode & S_IWOTH) != 0 || ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0);
}

struct gift {
    const struct run_as *user;
    unsigned depth;
};

static int give_below(int folder, const char *name, void *context, struct err *e)
{
    const struct gift *gift = context;

    return give_entry(folder, name, gift->user, gift->depth, e);
}

/* A folder with all that is in it; one that is not root's any more is done. */
static int give_folder(int parent, const char *name, const struct run_as *user, unsigned depth, struct err *e)
{
    struct gift gift = {user, depth + 1};
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int rc;

    if (folder < 0)
        return err_errno(e, "%s", name);
    if (fstat(folder, &st) != 0)
        rc = err_errno(e, "stat");
    else if (is_open_to_others(&st))
        rc = err_set(e, ERR_DENIED,
                     "others than root may write to it, so what is in it is not given away; look at it, and run: "
                     "chmod -R go-w");
    else
        rc = depth < DEPTH_MAX ? each_entry(folder, give_below, &gift, e)
                               : err_set(e, ERR_INVALID, "folders deeper than Berth makes them");
    if (rc != 0)
        rc = err_wrap(e, "%s", name);
    else if (fchown(folder, user->uid, user->gid) != 0)
        rc = err_errno(e, "%s", name);
    close(folder);
    return rc;
}

static int give_entry(int folder, const char *name, const struct run_as *user, unsigned depth, struct err *e)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_errno(e, "%s", name);
    if (st.st_uid != geteuid())
        return 0;
    if (S_ISDIR(st.st_mode))
        return give_folder(folder, name, user, depth, e);
    if (fchownat(folder, name, user->uid, user->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return err_errno(e, "%s", name);
    return 0;
}

/* ---- the directory ---- */

struct look {
    bool parts;           /* there are some to give */
    const char *stranger; /* points into `name`; NULL: everything is known */
    char name[NAME_MAX + 1];
};

static int look_at(int folder, const char *name, void *context, struct err *e)
{
    struct look *look = context;

    (void)folder;
    (void)e;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].name) == 0) {
            look->parts = look->parts || known[i].given;
            return 0;
        }
    snprintf(look->name, sizeof(look->name), "%s", name);
    look->stranger = look->name;
    return 0;
}

static int give_parts(int directory, const struct run_as *user, struct err *e)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!known[i].given || faccessat(directory, known[i].name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (give_entry(directory, known[i].name, user, 0, e) != 0)
            return -1;
    }
    return 0;
}

/* What is made on the way is the user's, too: he has to pass. */
static int make_for(char *path, const struct run_as *user, struct err *e)
{
    char *slash = strrchr(path, '/');
    int rc = 0;

    if (access(path, F_OK) == 0)
        return 0;
    if (slash != NULL && slash != path) {
        *slash = '\0';
        rc = make_for(path, user, e);
        *slash = '/';
    }
    if (rc == 0 && (mkdir(path, 0700) != 0 || chown(path, user->uid, user->gid) != 0))
        rc = err_errno(e, "make %s", path);
    return rc;
}

static int make_missing(const char *path, const struct run_as *user, struct err *e)
{
    char copy[PATH_MAX];

    if (access(path, F_OK) == 0)
        return 0;
    if (errno != ENOENT)
        return err_errno(e, "%s", path);
    if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
        return err_set(e, ERR_INVALID, "%.80s…: the name is too long", path);
    return make_for(copy, user, e);
}

static int give_directory(int directory, const char *path, const struct run_as *user, struct err *e)
{
    struct look look = {0};
    struct stat st;

    if (fstat(directory, &st) != 0)
        return err_errno(e, "stat");
    if (st.st_uid != geteuid() || st.st_uid == user->uid)
        return 0;
    if (each_entry(directory, look_at, &look, e) != 0)
        return -1;
    if (look.stranger != NULL) {
        log_warn("%s is left to root, because %s in it is nothing of Berth's", path, look.stranger);
        return 0;
    }
    if (look.parts && is_open_to_others(&st)) {
        log_warn(
            "%s is left to root, because others may write to it and there is something in it; look at it, and run: "
            "chmod go-w on it",
            path);
        return 0;
    }
    if (give_parts(directory, user, e) != 0)
        return -1;
    if (fchown(directory, user->uid, user->gid) != 0)
        return err_errno(e, "chown");
    log_info("%s was root's and belongs to %s now", path, user->name);
    return 0;
}

int adopt_directory(const char *path, const struct run_as *user, struct err *e)
{
    int directory, rc;

    if (make_missing(path, user, e) != 0)
        return -1;
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return err_errno(e, "%s", path);
    rc = give_directory(directory, path, user, e);
    close(directory);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
