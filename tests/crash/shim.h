/*
 * A library that is loaded before the program's own (LD_PRELOAD) and stands between it and the C library: it numbers
 * the calls that change files below one directory or tell a client something, and can kill the process at one of them,
 * make some of them fail, or write down what they do.
 *
 * The environment:
 *   CRASH_ROOT     the directory, as an absolute path without symbolic links. Calls elsewhere are let through uncounted.
 *   CRASH_CONTROL  a file of CONTROL_WORDS words that is mapped and shared with whoever drives the test (control.py)
 *   CRASH_RECORD   a file to which every counted call is appended (shim_record.c); without it nothing is written down
 *   CRASH_BOOT     what stands in for /proc/sys/kernel/random/boot_id: a power cut is another boot
 *
 * What it sees are calls to the C library by the program and its libraries. Calls that the C library makes itself stay
 * unseen: none of them changes a file here, and coverage.py proves it with strace.
 *
 * Threads: calls may come from any of them. The counters are atomic; while recording, one lock is held from the number
 * of a call to its record, so that the order of the records is the order of the calls.
 */
#ifndef BERTH_TEST_SHIM_H
#define BERTH_TEST_SHIM_H

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Kinds of calls; control.py has the same list. */
enum call_kind {
    CALL_OPEN, /* of what is there: changes nothing, but can fail */
    CALL_CREATE,
    CALL_WRITE,
    CALL_TRUNCATE, /* and allocate */
    CALL_RENAME,
    CALL_LINK,
    CALL_UNLINK,
    CALL_MKDIR,
    CALL_RMDIR,
    CALL_ATTRIBUTES, /* mode, owner, times */
    CALL_SYNC,
    CALL_HINT, /* sync_file_range: promises nothing */
    CALL_SEND, /* to a socket */
    CALL_KINDS,
};

enum action {
    ACTION_NONE,
    ACTION_KILL_BEFORE, /* SIGKILL instead of call `first` */
    ACTION_KILL_AFTER,  /* SIGKILL once it has been made */
    ACTION_FAIL,        /* calls `first` to `last` of the kinds in `failing` fail with `error` */
    ACTION_SHORTEN,     /* such calls write half of what they were given */
};

/* The shared words, each 64 bits in the machine's order. All but the counters are written by the driver. */
struct control {
    uint64_t action;
    uint64_t first;
    uint64_t last;
    uint64_t error;
    uint64_t counting; /* kinds that are numbered, a bit each */
    uint64_t failing;
    uint64_t calls;    /* counter: the number of the newest call */
    uint64_t hits;     /* counter: how often the action was taken */
    uint64_t sent;     /* number of the newest CALL_SEND: set before the call, so whoever has its bytes can read it */
    uint64_t unsynced; /* counter: fsyncs, and writes with O_DSYNC, that were made to fail */
    uint64_t kinds[CALL_KINDS]; /* counters */
};

/* `next`: the C library's own function of that name. */
#define NEXT(name)                   \
    static __typeof__(&(name)) next; \
    if (next == NULL)                \
    next = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name)

/* One call on its way. The caller fills in what applies; the rest is the shim's. */
struct call {
    enum call_kind kind;
    int fd;              /* of the file; -1: it is named by `path` */
    char path[PATH_MAX]; /* what is created, removed or renamed */
    char to[PATH_MAX];   /* its new name */
    const struct iovec *spans;
    int span_count;
    int64_t offset; /* of a write, or the length of a truncation */
    bool created;   /* there was no such file before */
    bool truncated; /* by its opening */

    uint64_t number; /* 0: not counted */
    bool kill_after;
};

/* Number the call and take the action that is due. 0: make it; -1: it has failed, errno says how. `call` must then
 * go to call_leave(), unless it failed. May not return at all. */
int call_enter(struct call *call);
/* `result`: what the call returned; returned again, with errno as it was. */
int64_t call_leave(struct call *call, int64_t result);
/* May the write be whole? Otherwise only half of it is to be made. After call_enter(). */
bool call_shortened(const struct call *call);
/* Is it a write that is on disk when it returns? */
bool call_is_synced(const struct call *call);

/* Is the file below CRASH_ROOT? Its name goes to `path` (PATH_MAX bytes), also when it is not. */
bool below_root(const char *path);
bool fd_path(int fd, char *path);
/* The absolute name of `name`, relative to the directory `dir` (or AT_FDCWD). */
void path_at(int dir, const char *name, char *path);

/* NULL: nothing is recorded. Called with the lock held. */
void record_open(const char *file);
bool record_wanted(void);
void record_call(const struct call *call, int64_t result);

#endif
