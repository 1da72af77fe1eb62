/*
 * The configuration in force (config_effective.h), for people and programs.
 *
 * Thread: any.
 */
#ifndef BERTH_CONFIG_CONFIG_SHOW_H
#define BERTH_CONFIG_CONFIG_SHOW_H

#include "registry/config/config_schema.h"

/* As YAML that a server would take again, each value with a comment that tells where it comes from, and why it has no
 * effect if it has none. Anything a terminal would obey is escaped. */
void config_show_yaml(const struct config_node *effective, struct sbuf *out);
/* One JSON object a line and value: {"key":…, "value":…, "source":"file", "file":…, "line":…}, with "environment" and
 * "variable", or "default"; and "note" where there is one. Keys have their indices: http.tls.clientcas[0]. */
void config_show_json(const struct config_node *effective, struct sbuf *out);
/* The keys that are served and have no value, as comments of YAML or as objects with the source "none". */
void config_show_unset(const struct config_node *effective, bool json, struct sbuf *out);

#endif
