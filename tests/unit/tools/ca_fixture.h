/* An authority in a fresh directory, and what the tests of its life do there. */
#ifndef BERTH_TEST_CA_FIXTURE_H
#define BERTH_TEST_CA_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"
#include "tools/ca/ca.h"

static char directory[256];
static char path[400];
__attribute__((unused)) static const struct ca authority = {directory, NULL};
__attribute__((unused)) static struct ca_pair pair;
__attribute__((unused)) static struct err e;

static inline const char *in(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static inline int shell(const char *command)
{
    char line[1300];

    snprintf(line, sizeof(line), "cd '%s' && exec >/dev/null 2>&1; %s", directory, command);
    return system(line);
}

#endif
