/*
 * The commands of `berth` (main.c has their table). Each returns an exit status.
 *
 * Thread: main, before any other is started.
 */
#ifndef BERTH_REGISTRY_COMMANDS_H
#define BERTH_REGISTRY_COMMANDS_H

#include "registry/base/options.h"

/* The options of all commands. */
enum command_option { OPTION_CONFIG, OPTION_RULES, OPTION_ADDRESS, OPTION_CERTIFICATE, OPTION_ALL, OPTION_JSON };

/* serve [CONFIG]: until SIGTERM. */
int command_serve(const struct invocation *call);
/* access explain USER ACTION REPOSITORY, access check: what the rules say. */
int command_access(const struct invocation *call);

#endif
