/*
 * What the server gives up because it does not need it.
 *
 *   umask 077          nobody else reads what it makes
 *   no new privileges  nothing it could be made to run gains any (PR_SET_NO_NEW_PRIVS)
 *   no core dumps      keys and passwords are in memory: RLIMIT_CORE 0, and PR_SET_DUMPABLE 0, which also keeps other
 *                      processes of the same user from attaching or reading /proc/PID/mem
 *   capabilities       all but those that reading files of others takes, when it runs as root
 *
 * For developers: root attaches gdb, strace and perf as ever. BERTH_DUMPABLE=yes in the environment leaves core dumps
 * and attaching by the same user on, and so does a build with sanitizers, because the leak checker attaches to its own
 * process.
 *
 * Thread: main, before any other is started: capabilities belong to a thread, and new ones inherit them.
 */
#ifndef BERTH_PROCESS_HARDEN_H
#define BERTH_PROCESS_HARDEN_H

#include <stdint.h>

#include "registry/base/err.h"
#include "registry/config/config.h"

/* umask, privileges, core dumps. What the kernel refuses is logged. */
void harden_process(void);
/* Once more after the user has changed, for the kernel then sets it anew. */
void harden_dumps(void);
/* As root: drop capabilities. CAP_DAC_READ_SEARCH stays, because certificates, keys, users and rules may belong to
 * others and are read again when they change; CAP_DAC_OVERRIDE stays only when the data directory or the directory of
 * the user file belongs to somebody else. Ports are bound and limits raised before. */
int harden_capabilities(const struct config *config, struct err *e);
/* The capabilities that may be used, as bits by their numbers; 0 where that cannot be told. */
uint64_t harden_permitted(void);
/* Use those of the permitted ones for now; the others can still be had. */
int harden_use(uint64_t capabilities, struct err *e);
/* Of the permitted ones only these stay, and are used. For root who became another user with his capabilities kept
 * (run_as_become_keeping()). */
int harden_keep(uint64_t capabilities, struct err *e);

#endif
