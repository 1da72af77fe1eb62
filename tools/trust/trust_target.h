/*
 * The hosts that are to trust a registry, and the command that reaches each of them.
 *
 *     local                   this machine
 *     [user@]host[:port]      through the system's ssh; host may be an alias of its configuration, an IPv4 address, or
 * an IPv6 address, in brackets when a port follows machine:NAME            through docker-machine ssh
 *
 * Nothing of a target can be taken for an option by the program it is given to.
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_TARGET_H
#define BERTH_TOOLS_TRUST_TRUST_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum trust_reach { REACH_LOCAL, REACH_SSH, REACH_MACHINE };

enum { TRUST_TARGETS_MAX = 4096, TRUST_ARGUMENTS_MAX = 96, TRUST_SSH_OPTIONS_MAX = 32 };

struct trust_target {
    enum trust_reach reach;
    char *text; /* as given */
    char *user; /* of ssh; NULL: ssh decides */
    char *host; /* of ssh without brackets, or the machine's name */
    char *port; /* of ssh; NULL: ssh decides */
};

struct trust_targets {
    struct trust_target *items; /* none twice, in the order they came */
    size_t n;
};

/* How ssh is called. The strings are borrowed. */
struct trust_ssh {
    const char *options[TRUST_SSH_OPTIONS_MAX]; /* each for -o */
    size_t option_count;
    const char *identity; /* for -i; NULL: ssh decides */
    bool may_ask;         /* somebody can type a passphrase */
};

/* Add one, unless it is there already. ERR_INVALID says what is wrong, ERR_TOO_LARGE past TRUST_TARGETS_MAX. */
int trust_targets_add(struct trust_targets *targets, const char *text, struct err *e);
/* Add those of a file: one a line, blank lines and what follows "#" do not count. An error names file and line. */
int trust_targets_read(struct trust_targets *targets, const char *path, struct err *e);
void trust_targets_free(struct trust_targets *targets);

/* The command that runs a shell on the target as root, reading its script from standard input. `as_root` false: as who
 * it is (for local only). The pointers live as long as target and ssh do; the last is NULL. */
void trust_target_command(const struct trust_target *target, const struct trust_ssh *ssh, bool as_root,
                          const char *out[TRUST_ARGUMENTS_MAX]);

#endif
