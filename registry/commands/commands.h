/*
 * The commands of `berth` (program.c has their table) that are no operations (ops/op.h). Each returns an exit
 * status.
 *
 * Thread: main, before any other is started.
 */
#ifndef BERTH_COMMANDS_COMMANDS_H
#define BERTH_COMMANDS_COMMANDS_H

#include "registry/base/options.h"

/* The options of all commands. */
enum command_option {
    OPTION_CONFIG,
    OPTION_RULES,
    OPTION_ADDRESS,
    OPTION_CERTIFICATE,
    OPTION_ALL,
    OPTION_JSON,
    OPTION_DRY_RUN,
    OPTION_DELETE_UNTAGGED,
    OPTION_QUIET,
    OPTION_GRACE,
    OPTION_USER,
    OPTION_COPY,
    OPTION_LINK,
    OPTION_VERIFY,
    OPTION_KEEP,
    OPTION_SNAPSHOT,
    OPTION_TO,
    OPTION_INCOMPLETE,
    OPTION_FORGET_HISTORY,
    OPTION_AT,
    OPTION_DIGEST,
    OPTION_RATE,
    OPTION_METADATA_ONLY,
    OPTION_DEPTH,
    OPTION_HOST,
    OPTION_TIMEOUT,
    OPTION_NO_VERIFY,
    OPTION_REPOSITORY,
    OPTION_TAG,
    OPTION_PASSWORD_FILE,
    OPTION_AUTHFILE,
    OPTION_CA,
    OPTION_INSECURE,
    OPTION_PLAIN_HTTP,
    OPTION_JOBS,
    OPTION_NO_REFERRERS,
    OPTION_OVERWRITE,
};

/* serve [CONFIG]: until SIGTERM. */
int command_serve(const struct invocation *call);
/* access explain USER ACTION REPOSITORY, access check: what the rules say. */
int command_access(const struct invocation *call);
/* health [CONFIG]: does the server that it describes live? */
int command_health(const struct invocation *call);
/* config show, check [CONFIG], keys [KEY], man: what is configured, and what can be. */
int command_config(const struct invocation *call);
/* doctor [CONFIG]: what is wrong with the set-up? */
int command_doctor(const struct invocation *call);
/* backup DIR (an operation), backup list DIR, backup verify DIR: snapshots of the data directory. */
int command_backup(const struct invocation *call);
/* restore DIR: a new data directory from one. */
int command_restore(const struct invocation *call);

#endif
