#include "registry/base/file_stamp.h"

#include <sys/stat.h>

#include "registry/base/clock.h"

enum { SETTLED_S = 2 }; /* longer than a tick of any file system's clock (2 s on FAT) */

int file_stamp_take(const char *path, struct file_stamp *out, struct err *e)
{
    struct stat st;

    *out = (struct file_stamp){0};
    if (stat(path, &st) != 0)
        return err_errno(e, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "%s: not a regular file", path);
    *out = (struct file_stamp){
        .present = true,
        .settled = st.st_mtim.tv_sec + SETTLED_S < (time_t)clock_wall_s(),
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = st.st_size,
        .modified = st.st_mtim,
    };
    return 0;
}

bool file_stamp_same(const struct file_stamp *then, const struct file_stamp *now)
{
    if (!then->present || !now->present)
        return then->present == now->present;
    return then->settled && then->device == now->device && then->inode == now->inode && then->size == now->size &&
           then->modified.tv_sec == now->modified.tv_sec && then->modified.tv_nsec == now->modified.tv_nsec;
}
