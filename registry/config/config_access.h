/*
 * Access rules from YAML: the section `access` of the configuration, or a file that holds `groups`, `rules` or `preset`
 * alone.
 *
 * Thread: any.
 */
#ifndef BERTH_CONFIG_CONFIG_ACCESS_H
#define BERTH_CONFIG_CONFIG_ACCESS_H

#include "auth/access.h"

enum { CONFIG_ACCESS_FILE_MAX = 4 * 1024 * 1024 }; /* bytes of a file of rules */

/* The rules in the text of a file of rules. ERR_INVALID: "<path>:<line>: <key>: what is wrong; what to do". A file
 * without rules is an error: it would deny everything to everybody. */
int config_access_of_file(const char *path, struct str text, struct access **out, struct err *e);

/* The rules in the text of a configuration file with the environment over it; *out is NULL when there are none. `path`
 * is NULL when there is no file. The rest of the configuration is checked, too, but its warnings are config_load()'s and
 * are not logged again. ERR_INVALID also when the text names a file of rules instead: to follow another file is decided
 * at start. */
int config_access_of_text(const char *path, struct str text, char *const *environment, struct access **out,
                          struct err *e);

#endif
