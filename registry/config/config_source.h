/* Which file the configuration comes from. */
#ifndef BERTH_CONFIG_CONFIG_SOURCE_H
#define BERTH_CONFIG_CONFIG_SOURCE_H

#include "registry/base/err.h"
#include "registry/base/str.h"

/* `path` when given, else REGISTRY_CONFIGURATION_PATH, else the first of `candidates` (ended by NULL) that exists, else
 * NULL: no file. Borrowed from the arguments. Only the first two need to exist; config_source_read() finds out. Blocks.
 */
const char *config_source_find(const char *path, char *const *environment, const char *const *candidates);

/* The text of the file, at most 1 MiB. The error says what to do. Blocks. */
int config_source_read(const char *path, struct sbuf *out, struct err *e);

#endif
