/*
 * What is sent to a host: assignments, then trust_host.sh, trust_install.sh and trust_check.sh as one script for any
 * POSIX shell. Values stand between single quotes, whatever they hold.
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_SCRIPT_H
#define BERTH_TOOLS_TRUST_TRUST_SCRIPT_H

#include <stdbool.h>

/* tools */
#include "tools/trust/trust_files.h"
#include "tools/trust/trust_registry.h"
#include "registry/base/clock.h"
#include "registry/base/str.h"

enum trust_action {
    TRUST_INSTALL,
    TRUST_CHECK,
    TRUST_REMOVE,
    TRUST_READ,   /* show daemon.json */
    TRUST_DAEMON, /* write daemon.json */
};

/* What a run is to do on every host. The pointers are borrowed. */
struct trust_request {
    enum trust_action action;
    const struct trust_registry *registry;
    const struct trust_files *files;
    const char *runtimes; /* "docker containerd", ""; the words have been checked */
    const char *root;     /* of an image's tree; "": the host itself */
    bool dry, system, insecure, reboot;
    char stamp[CLOCK_TEXT_ROOM]; /* for backups */
};

/* Append the script for one step. `daemon` is what daemon.json is to hold instead of `daemon_was`; NULL: it is not
 * touched. The script holds the client's key: wipe it. */
void trust_script_put(const struct trust_request *request, enum trust_action step, const char *daemon,
                      const char *daemon_was, struct sbuf *out);

#endif
