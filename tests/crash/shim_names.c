/* The calls that take names. One that can change nothing (a directory that is there already, a file that is not) is let
 * through uncounted, or there would be a thousand points at every start that are all the same. */
#include "tests/crash/shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does a call of this kind on this name count: is it below the root, and there exactly if `there`? */
static bool is_named(struct call *call, enum call_kind kind, int dir, const char *name, bool there)
{
    struct stat st;

    *call = (struct call){.kind = kind, .fd = -1};
    path_at(dir, name, call->path);
    return below_root(call->path) && (lstat(call->path, &st) == 0) == there;
}

#define ON_NAME(call_name, kind, dir, file, there, ...) \
    NEXT(call_name);                                    \
    struct call call;                                   \
    if (!is_named(&call, kind, dir, file, there))       \
        return next(__VA_ARGS__);                       \
    return call_enter(&call) != 0 ? -1 : (int)call_leave(&call, next(__VA_ARGS__))

/* With a second name. */
#define ON_NAMES(call_name, kind, dir, file, to_dir, to_file, ...) \
    NEXT(call_name);                                               \
    struct call call;                                              \
    if (!is_named(&call, kind, dir, file, true))                   \
        return next(__VA_ARGS__);                                  \
    path_at(to_dir, to_file, call.to);                             \
    return call_enter(&call) != 0 ? -1 : (int)call_leave(&call, next(__VA_ARGS__))

/* The C library calls its parameters by names that are reserved for it.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

int mkdir(const char *name, mode_t mode)
{
    ON_NAME(mkdir, CALL_MKDIR, AT_FDCWD, name, false, name, mode);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
    ON_NAME(mkdirat, CALL_MKDIR, dir, name, false, dir, name, mode);
}

int rmdir(const char *name)
{
    ON_NAME(rmdir, CALL_RMDIR, AT_FDCWD, name, true, name);
}

int unlink(const char *name)
{
    ON_NAME(unlink, CALL_UNLINK, AT_FDCWD, name, true, name);
}

int unlinkat(int dir, const char *name, int flags)
{
    ON_NAME(unlinkat, (flags & AT_REMOVEDIR) != 0 ? CALL_RMDIR : CALL_UNLINK, dir, name, true, dir, name, flags);
}

int remove(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 && S_ISDIR(st.st_mode) ? rmdir(name) : unlink(name);
}

int rename(const char *old, const char *new)
{
    ON_NAMES(rename, CALL_RENAME, AT_FDCWD, old, AT_FDCWD, new, old, new);
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
    ON_NAMES(renameat, CALL_RENAME, old_dir, old, new_dir, new, old_dir, old, new_dir, new);
}

int renameat2(int old_dir, const char *old, int new_dir, const char *new, unsigned flags)
{
    ON_NAMES(renameat2, CALL_RENAME, old_dir, old, new_dir, new, old_dir, old, new_dir, new, flags);
}

int link(const char *old, const char *new)
{
    ON_NAMES(link, CALL_LINK, AT_FDCWD, old, AT_FDCWD, new, old, new);
}

int linkat(int old_dir, const char *old, int new_dir, const char *new, int flags)
{
    ON_NAMES(linkat, CALL_LINK, old_dir, old, new_dir, new, old_dir, old, new_dir, new, flags);
}

int truncate(const char *name, off_t length)
{
    ON_NAME(truncate, CALL_TRUNCATE, AT_FDCWD, name, true, name, length);
}

int chmod(const char *name, mode_t mode)
{
    ON_NAME(chmod, CALL_ATTRIBUTES, AT_FDCWD, name, true, name, mode);
}

int fchmodat(int dir, const char *name, mode_t mode, int flags)
{
    ON_NAME(fchmodat, CALL_ATTRIBUTES, dir, name, true, dir, name, mode, flags);
}

int utimensat(int dir, const char *name, const struct timespec times[2], int flags)
{
    ON_NAME(utimensat, CALL_ATTRIBUTES, dir, name, true, dir, name, times, flags);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
