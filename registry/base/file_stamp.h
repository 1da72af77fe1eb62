/*
 * What tells one version of a file from the next without reading it: device, inode, size, time of modification.
 *
 * A file that is written twice within one tick of its file system's clock can change without any of them changing. A
 * stamp taken less than two seconds after the file was modified (a tick on FAT) is therefore not settled, and never the
 * same as a later one: whoever follows the file reads it once more.
 *
 * A file that is not there has a stamp, too: absent then and absent now is the same.
 *
 * Thread: any; blocks for as long as stat(2) does.
 */
#ifndef BERTH_BASE_FILE_STAMP_H
#define BERTH_BASE_FILE_STAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "registry/base/err.h"

struct file_stamp {
    bool present; /* false: the other fields are zero */
    bool settled;
    dev_t device;
    ino_t inode;
    off_t size; /* bytes */
    struct timespec modified;
};

/* Look at the file `path`, following symbolic links. -1 when there is none (ERR_NOT_FOUND), when it cannot be looked
 * at, or when it is not a regular file (ERR_INVALID): then the stamp says absent. `e` may be NULL. */
int file_stamp_take(const char *path, struct file_stamp *out, struct err *e);
/* Is what was seen `then` certainly what is there `now`? */
bool file_stamp_same(const struct file_stamp *then, const struct file_stamp *now);

#endif
