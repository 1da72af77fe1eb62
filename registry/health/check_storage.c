/*
 * Is the storage there? The root directory takes a few bytes and keeps them: written over those of the last run, so that
 * nothing grows, and synced, so that it is the disk that answers. What a disk does that hangs, nobody can say before it
 * ends: the caller watches the time.
 */
#include "registry/health/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "health-check";

static int write_probe(int fd, struct err *e)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "berth looks whether it can write here\n");
    struct stat st;

    if (pwrite(fd, text, (size_t)n, 0) != n)
        return err_errno(e, "write");
    if (fsync(fd) != 0)
        return err_errno(e, "fsync");
    if (fstat(fd, &st) != 0)
        return err_errno(e, "stat");
    return st.st_size == n ? 0 : err_set(e, ERR_DAMAGED, "what was written has another length when it is looked at");
}

/* A full disk refuses pushes by itself and lets pull. */
static bool is_full(const struct err *e)
{
    return e->code == ERR_NO_SPACE;
}

static int look(const char *root, int directory, struct err *e)
{
    struct stat st;

    /* A directory whose disk was taken away is there, and has nothing in it. */
    return fstatat(directory, "blobs", &st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : err_errno(e, "%s/blobs", root);
}

static int write_there(const char *root, int directory, struct err *e)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), rc;

    if (fd < 0)
        return err_errno(e, "%s/%s", root, name);
    rc = write_probe(fd, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s/%s", root, name);
}

int check_run_storage(struct check *check, struct err *e)
{
    const char *root = check->config->root_directory;
    int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (directory < 0)
        return err_errno(e, "%s", root);
    rc = look(root, directory, e);
    if (rc == 0 && !atomic_load(&check->stopping) && !live_is_readonly(check->live))
        rc = write_there(root, directory, e);
    close(directory);
    return rc != 0 && is_full(e) ? 0 : rc;
}
