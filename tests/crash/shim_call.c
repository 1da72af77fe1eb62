/* Numbers, actions, and which calls count: see shim.h. */
#include "tests/crash/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct control *control;
static const char *root;
static size_t root_length;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER; /* order of numbers is order of records */

/* By number, since open() is the shim's own. */
static struct control *map_control(const char *file)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    void *words = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (words == MAP_FAILED) {
        dprintf(STDERR_FILENO, "shim: %s: %s\n", file, strerror(errno));
        abort();
    }
    close(fd);
    return words;
}

__attribute__((constructor)) static void set_up(void)
{
    const char *file = getenv("CRASH_CONTROL");

    root = getenv("CRASH_ROOT");
    if (root == NULL || file == NULL)
        return;
    root_length = strlen(root);
    if (getenv("CRASH_RECORD") != NULL)
        record_open(getenv("CRASH_RECORD"));
    control = map_control(file);
}

bool below_root(const char *path)
{
    return control != NULL && strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == '\0');
}

bool fd_path(int fd, char *path)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = '\0';
    return n >= 0;
}

void path_at(int dir, const char *name, char *path)
{
    size_t n;

    path[0] = '\0';
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (dir == AT_FDCWD ? getcwd(path, PATH_MAX) == NULL : !fd_path(dir, path))
        return;
    n = strlen(path);
    snprintf(path + n, PATH_MAX - n, "/%s", name);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

bool call_is_synced(const struct call *call)
{
    int flags = call->kind == CALL_WRITE ? fcntl(call->fd, F_GETFL) : 0;

    return flags >= 0 && (flags & O_DSYNC) != 0;
}

/* The action is taken; `spoils`: the call does not do what it was asked to. */
static void hit(const struct call *call, bool spoils)
{
    atomic_fetch_add((_Atomic uint64_t *)&control->hits, 1);
    if (spoils && (call->kind == CALL_SYNC || call_is_synced(call)))
        atomic_fetch_add((_Atomic uint64_t *)&control->unsynced, 1);
}

/* Is the action for calls from `first` to `last` due for this one? */
static bool due(const struct call *call)
{
    return call->number >= control->first && call->number <= control->last && (control->failing >> call->kind & 1) != 0;
}

static int act(struct call *call)
{
    switch ((enum action)control->action) {
    case ACTION_KILL_BEFORE:
    case ACTION_KILL_AFTER:
        if (call->number != control->first)
            return 0;
        hit(call, false);
        if (control->action == ACTION_KILL_BEFORE)
            die();
        call->kill_after = true;
        return 0;
    case ACTION_FAIL:
        if (!due(call))
            return 0;
        hit(call, true);
        errno = (int)control->error;
        return -1;
    case ACTION_SHORTEN:
        if (due(call))
            hit(call, true);
        return 0;
    case ACTION_NONE:
        break;
    }
    return 0;
}

int call_enter(struct call *call)
{
    call->number = 0;
    if (control == NULL || (control->counting >> call->kind & 1) == 0)
        return 0;
    if (record_wanted())
        pthread_mutex_lock(&recording);
    call->number = atomic_fetch_add((_Atomic uint64_t *)&control->calls, 1) + 1;
    atomic_fetch_add((_Atomic uint64_t *)&control->kinds[call->kind], 1);
    if (call->kind == CALL_SEND)
        control->sent = call->number;
    if (act(call) == 0)
        return 0;
    if (record_wanted())
        pthread_mutex_unlock(&recording);
    return -1;
}

bool call_shortened(const struct call *call)
{
    return call->number != 0 && control->action == ACTION_SHORTEN && due(call);
}

int64_t call_leave(struct call *call, int64_t result)
{
    int before = errno;

    if (call->number == 0)
        return result;
    if (call->kill_after)
        die();
    if (record_wanted())
        record_call(call, result);
    if (record_wanted())
        pthread_mutex_unlock(&recording);
    errno = before;
    return result;
}
