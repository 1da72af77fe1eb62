/*
 * Environment variables over the tree: REGISTRY_ and the path of a key in upper case, joined by '_'.
 *
 * Values are YAML; where a single value is wanted, text that is not one YAML scalar ("[::]:5000") is taken as it
 * stands. Variables are applied in the order of their names, so that REGISTRY_AUTH comes before
 * REGISTRY_AUTH_HTPASSWD_PATH. What a variable sets replaces what was there, with all below it. Lists go by index,
 * names that the user chooses (http.headers, log.fields) are matched in any case and kept as written when they are new.
 */
#ifndef BERTH_CONFIG_CONFIG_ENV_H
#define BERTH_CONFIG_CONFIG_ENV_H

#include "registry/config/config_node.h"

/* Apply every REGISTRY_ variable of `environment` (as environ(7)), which must outlive the tree. Variables that name no
 * key are logged and ignored, except below REGISTRY_AUTH_, REGISTRY_HTTP_TLS_ and REGISTRY_ACCESS_: a mistyped lock is
 * not left open, so those fail. ERR_INVALID also for malformed YAML where a map or list is wanted; the tree is then
 * half changed. Thread: the caller's. */
int config_env_apply(struct config_node *root, char *const *environment, struct err *e);

/* Append the variable of a key's path: REGISTRY_HTTP_ADDR, with 0 for an index and <name> for a name. */
void config_env_name(const char *path, struct sbuf *out);

/* The value of variable `name`, or NULL when it is not there or empty. */
const char *config_env_get(char *const *environment, const char *name);

#endif
