/*
 * What the program `berth` takes: one description for its own command line, and for the ones that a server is sent
 * (registry/ops/control.h).
 */
#ifndef BERTH_COMMANDS_PROGRAM_H
#define BERTH_COMMANDS_PROGRAM_H

#include "registry/base/options.h"

const struct program_spec *berth_program(void);

#endif
