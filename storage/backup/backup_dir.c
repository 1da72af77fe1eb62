#include "storage/backup/backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"

static const char marker[] = "berth-backup";
static const char marker_text[] = "Backups of a Berth registry: see berth backup --help and berth restore --help.\n"
                                  "Copy this directory as a whole, with its hidden files and hard links or without.\n";

int backup_path(const struct backup_dir *dir, const char *name, char out[PATH_MAX], struct err *e)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/%s", dir->path, name) >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the backup directory is too long");
    return 0;
}

/* ---- opening ---- */

int directory_is_empty(const char *path, const char *besides, bool *empty, struct err *e)
{
    DIR *listing = opendir(path);
    const struct dirent *entry;

    *empty = true;
    if (listing == NULL)
        return err_errno(e, "%s", path);
    while ((entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0 && (besides == NULL || strcmp(entry->d_name, besides) != 0))
            *empty = false;
    closedir(listing);
    return 0;
}

/* Only the last part of the name: where a disk is mounted is there before, and if it is not, the disk is not either. */
static int make_directory(const char *path, struct err *e)
{
    char parent[PATH_MAX];

    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return 0;
        if (errno == ENOENT)
            return err_set(e, ERR_NOT_FOUND, "%s: the directory that it is to be in is not there; make or mount that",
                           path);
        return err_errno(e, "mkdir %s", path);
    }
    if ((size_t)snprintf(parent, sizeof(parent), "%s/..", path) >= sizeof(parent))
        return err_set(e, ERR_INVALID, "%s: name too long", path);
    return file_sync_dir(parent, e);
}

/* One that a power cut left empty is as good. */
int mark_make(const char *directory, const char *path, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = file_write(fd, text, strlen(text), e);
    if (rc == 0 && fsync(fd) != 0)
        rc = err_errno(e, "fsync");
    close(fd);
    return rc == 0 ? file_sync_dir(directory, e) : err_wrap(e, "%s", path);
}

static int make_marker(const struct backup_dir *dir, const char *path, struct err *e)
{
    bool empty;

    if (directory_is_empty(dir->path, NULL, &empty, e) != 0)
        return -1;
    if (!empty)
        return err_set(e, ERR_INVALID, "%s is neither empty nor a directory of backups; choose another", dir->path);
    return mark_make(dir->path, path, marker_text, e);
}

static int open_marker(struct backup_dir *dir, enum backup_use use, struct err *e)
{
    char path[PATH_MAX];

    if (use == BACKUP_WRITE && make_directory(dir->path, e) != 0)
        return -1;
    if (backup_path(dir, marker, path, e) != 0)
        return -1;
    if (use == BACKUP_WRITE && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0 && make_marker(dir, path, e) != 0)
        return -1;
    dir->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (dir->lock_fd < 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "%s is no directory of backups: there is no %s in it", dir->path, marker);
    return dir->lock_fd >= 0 ? 0 : err_errno(e, "%s", path);
}

static int lock_marker(const struct backup_dir *dir, enum backup_use use, struct err *e)
{
    if (flock(dir->lock_fd, (use == BACKUP_WRITE ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return err_errno(e, "%s/%s: flock", dir->path, marker);
    return err_set(e, ERR_BUSY, "%s is in use by another backup%s; wait for its end", dir->path,
                   use == BACKUP_WRITE ? ", or is being read" : "");
}

/* Who can put a link there would choose where a backup writes and removes. */
static int check_parts(const struct backup_dir *dir, struct err *e)
{
    static const char *const parts[] = {"blobs", "snapshots", "incoming"};
    char path[PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (backup_path(dir, parts[i], path, e) != 0)
            return -1;
        if (lstat(path, &st) != 0) {
            if (errno != ENOENT)
                return err_errno(e, "%s", path);
        } else if (S_ISLNK(st.st_mode)) {
            return err_set(e, ERR_INVALID,
                           "%s is a symbolic link, which backups do not follow; put the directory there", path);
        }
    }
    return 0;
}

struct backup_dir *backup_dir_open(const char *path, enum backup_use use, struct err *e)
{
    struct backup_dir *dir = xcalloc(1, sizeof(*dir));

    dir->lock_fd = -1;
    dir->path = str_dup(str_of(path));
    if (open_marker(dir, use, e) != 0 || lock_marker(dir, use, e) != 0 ||
        (use == BACKUP_WRITE && check_parts(dir, e) != 0))
        backup_dir_close(&dir);
    return dir;
}

void backup_dir_close(struct backup_dir **dir)
{
    if (*dir == NULL)
        return;
    if ((*dir)->lock_fd >= 0)
        close((*dir)->lock_fd);
    free((*dir)->path);
    free(*dir);
    *dir = NULL;
}
