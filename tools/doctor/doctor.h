/*
 * `berth doctor`: what is wrong with a registry's set-up, and what to do about each.
 *
 * It reads what a server would read, as the user who serves where that matters, and changes nothing. What is measured
 * on the data directory's disk goes into a file without a name, which is gone with its descriptor.
 *
 * Thread: main; the user of the process is changed for moments. Takes a few seconds at most.
 */
#ifndef BERTH_TOOLS_DOCTOR_DOCTOR_H
#define BERTH_TOOLS_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/types.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* Who serves. */
struct doctor_user {
    const char *name;
    uid_t uid;
    gid_t gid;
};

/* What the machine says; tests say something else. NULL, 0: asked. */
struct doctor_world {
    const char *proc; /* "/proc" */
    int (*look_at_disk)(const char *path, struct statfs *out);
    int64_t now_s; /* seconds since the epoch */
    bool (*clock_is_synchronised)(void);
    bool (*measure_sync)(const char *directory, uint64_t *median_us); /* false: it cannot be measured */
};

struct doctor_request {
    const char *config; /* NULL: as for serve */
    char *const *environment;
    const struct doctor_user *user; /* NULL: us, or as root the owner of the data directory */
    const char *const *hosts;       /* what clients call the registry */
    size_t host_count;
    bool json;
    struct doctor_world world;
};

/* Append the findings, which checks ran, and the lines for clients; in JSON one object. Returns how many errors were
 * found; -1 with ERR_INVALID when one of `hosts` is none. */
int doctor_run(const struct doctor_request *request, struct sbuf *out, struct err *e);

#endif
