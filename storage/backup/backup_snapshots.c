/* The snapshots of a backup directory (backup_dir.h): what there is, and how they come and go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/backup/backup_dir.h"

int snapshot_path(const struct backup_dir *dir, const char *stamp, const char *suffix, const char *name,
                  char out[PATH_MAX], struct err *e)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/snapshots/%s%s%s%s", dir->path, stamp, suffix, name == NULL ? "" : "/",
                         name == NULL ? "" : name) >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the backup directory is too long");
    return 0;
}

static bool stamp_read(const char *text, int64_t *seconds)
{
    char again[CLOCK_TEXT_ROOM];
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H%M%SZ", &utc);

    if (end == NULL || *end != '\0')
        return false;
    *seconds = timegm(&utc);
    return clock_stamp(*seconds, again) && strcmp(text, again) == 0;
}

static bool is_partial(const char *name)
{
    char stamp[CLOCK_TEXT_ROOM];
    size_t n = strlen(name), tail = sizeof(SNAPSHOT_PARTIAL) - 1;
    int64_t seconds;

    if (n <= tail || n - tail >= sizeof(stamp) || strcmp(name + n - tail, SNAPSHOT_PARTIAL) != 0)
        return false;
    memcpy(stamp, name, n - tail);
    stamp[n - tail] = '\0';
    return stamp_read(stamp, &seconds);
}

/* ---- what there is ---- */

static int compare_stamps(const void *a, const void *b)
{
    return strcmp(((const struct snapshot *)a)->stamp, ((const struct snapshot *)b)->stamp);
}

static DIR *open_snapshots(const struct backup_dir *dir, char path[PATH_MAX], struct err *e)
{
    DIR *listing = NULL;

    if (backup_path(dir, "snapshots", path, e) == 0 && (listing = opendir(path)) == NULL)
        err_errno(e, "%s", path);
    return listing;
}

/* Names only. */
static int list_stamps(const struct backup_dir *dir, struct snapshot **out, size_t *count, struct err *e)
{
    const struct dirent *entry;
    char path[PATH_MAX];
    size_t room = 0;
    DIR *listing;

    *out = NULL;
    *count = 0;
    listing = open_snapshots(dir, path, e);
    if (listing == NULL)
        return e != NULL && e->code == ERR_NOT_FOUND ? 0 : -1; /* none was ever made */
    while ((entry = readdir(listing)) != NULL) {
        int64_t seconds;

        if (!stamp_read(entry->d_name, &seconds))
            continue;
        if (*count == room) {
            room = room * 2 + 16;
            *out = xrealloc(*out, room * sizeof(**out));
        }
        (*out)[*count] = (struct snapshot){0};
        clock_stamp(seconds, (*out)[*count].stamp);
        ++*count;
    }
    closedir(listing);
    if (*count > 0)
        qsort(*out, *count, sizeof(**out), compare_stamps);
    return 0;
}

int snapshots_load(const struct backup_dir *dir, struct snapshot **out, size_t *count, struct err *e)
{
    if (list_stamps(dir, out, count, e) != 0)
        return -1;
    for (size_t i = 0; i < *count; i++) {
        struct snapshot *s = &(*out)[i];
        char path[PATH_MAX];

        if (snapshot_path(dir, s->stamp, "", NULL, path, &s->unreadable) == 0 &&
            snapshot_load(path, s, &s->unreadable) == 0)
            s->unreadable.code = ERR_NONE;
    }
    return 0;
}

static int choose(const struct backup_dir *dir, const struct snapshot *all, size_t count, const char *stamp,
                  struct snapshot *out, struct err *e)
{
    for (size_t i = count; i-- > 0;) {
        const struct snapshot *s = &all[i];

        if (stamp == NULL ? s->unreadable.code != ERR_NONE || s->lost > 0 : strcmp(s->stamp, stamp) != 0)
            continue;
        *out = *s;
        return s->unreadable.code == ERR_NONE ? 0 : err_set(e, s->unreadable.code, "%s", s->unreadable.text);
    }
    if (stamp != NULL)
        return err_set(e, ERR_NOT_FOUND, "%s: there is no snapshot %s; 'berth backup list %s' shows them", dir->path,
                       stamp, dir->path);
    if (count > 0)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: none of the %zu snapshots is complete; 'berth backup list %s' shows them, and --snapshot "
                       "STAMP names one",
                       dir->path, count, dir->path);
    return err_set(e, ERR_NOT_FOUND, "%s: there is no snapshot in it", dir->path);
}

int snapshot_find(const struct backup_dir *dir, const char *stamp, struct snapshot *out, struct err *e)
{
    struct snapshot *all;
    size_t count;
    int rc;

    if (snapshots_load(dir, &all, &count, e) != 0)
        return -1;
    rc = choose(dir, all, count, stamp, out, e);
    free(all);
    return rc;
}

/* ---- coming ---- */

/* Behind all others even when the clock was set back, and when two backups are made within a second. */
static int new_stamp(const struct backup_dir *dir, char stamp[CLOCK_TEXT_ROOM], struct err *e)
{
    int64_t now = (int64_t)clock_wall_s(), newest;
    struct snapshot *all;
    size_t count;

    if (list_stamps(dir, &all, &count, e) != 0)
        return -1;
    if (count > 0 && stamp_read(all[count - 1].stamp, &newest) && newest >= now)
        now = newest + 1;
    free(all);
    return clock_stamp(now, stamp) ? 0 : err_set(e, ERR_INVALID, "the clock shows a time that no calendar has");
}

static int sync_snapshots(const struct backup_dir *dir, struct err *e)
{
    char path[PATH_MAX];

    return backup_path(dir, "snapshots", path, e) == 0 ? file_sync_dir(path, e) : -1;
}

int snapshot_begin(const struct backup_dir *dir, char stamp[CLOCK_TEXT_ROOM], struct err *e)
{
    char path[PATH_MAX];

    if (backup_path(dir, "snapshots", path, e) != 0 || file_mkdirs(path, 0700, e) != 0 ||
        file_sync_dir(dir->path, e) != 0 || new_stamp(dir, stamp, e) != 0 ||
        snapshot_path(dir, stamp, SNAPSHOT_PARTIAL, NULL, path, e) != 0)
        return -1;
    return mkdir(path, 0700) == 0 ? 0 : err_errno(e, "mkdir %s", path);
}

int snapshot_finish(const struct backup_dir *dir, const char *stamp, struct err *e)
{
    char from[PATH_MAX], to[PATH_MAX];

    if (snapshot_path(dir, stamp, SNAPSHOT_PARTIAL, NULL, from, e) != 0 ||
        snapshot_path(dir, stamp, "", NULL, to, e) != 0)
        return -1;
    if (rename(from, to) != 0)
        return err_errno(e, "%s: rename", from);
    return sync_snapshots(dir, e);
}

/* ---- going ---- */

/* A snapshot's directory has files and no directories. What is elsewhere behind a symbolic link is not touched. */
static int remove_directory(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int rc = 0;

    if (listing == NULL) {
        rc = fd < 0 && errno == ENOENT ? 0 : err_errno(e, "%s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (rc == 0 && (entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(dirfd(listing), entry->d_name, 0) != 0)
            rc = err_errno(e, "%s: remove %s", path, entry->d_name);
    closedir(listing);
    if (rc == 0 && rmdir(path) != 0)
        rc = err_errno(e, "%s: rmdir", path);
    return rc;
}

int snapshot_remove(const struct backup_dir *dir, const char *stamp, struct err *e)
{
    char from[PATH_MAX], to[PATH_MAX];

    if (snapshot_path(dir, stamp, "", NULL, from, e) != 0 ||
        snapshot_path(dir, stamp, SNAPSHOT_PARTIAL, NULL, to, e) != 0)
        return -1;
    if (rename(from, to) != 0)
        return err_errno(e, "%s: rename", from);
    return sync_snapshots(dir, e) == 0 ? remove_directory(to, e) : -1;
}

int partials_remove(const struct backup_dir *dir, struct err *e)
{
    const struct dirent *entry;
    char path[PATH_MAX];
    DIR *listing = open_snapshots(dir, path, e);
    int rc = 0;

    if (listing == NULL)
        return e != NULL && e->code == ERR_NOT_FOUND ? 0 : -1;
    while (rc == 0 && (entry = readdir(listing)) != NULL)
        if (is_partial(entry->d_name)) {
            rc = snapshot_path(dir, entry->d_name, "", NULL, path, e);
            if (rc == 0)
                rc = remove_directory(path, e);
        }
    closedir(listing);
    return rc;
}
