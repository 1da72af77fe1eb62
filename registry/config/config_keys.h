/*
 * The reference of all keys, from the table that the server works by (config_schema.h).
 *
 * Thread: main.
 */
#ifndef BERTH_CONFIG_CONFIG_KEYS_H
#define BERTH_CONFIG_CONFIG_KEYS_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* Append the keys at and below `path` (empty: all) in two lines each, or as JSON objects, one a line: type, default,
 * variable of the environment, whether it is served, and what it is for or why not. ERR_NOT_FOUND, with the nearest key,
 * when there is none. */
int config_keys_put(struct str path, bool json, struct sbuf *out, struct err *e);
/* Print berth-config(5), in man(7). */
void config_keys_man(void);

#endif
