/*
 * The configuration in force as a tree: what was set, with the defaults of what was not. Written as YAML it means the
 * same to a server.
 *
 * Thread: any.
 */
#ifndef BERTH_CONFIG_CONFIG_EFFECTIVE_H
#define BERTH_CONFIG_CONFIG_EFFECTIVE_H

#include "registry/config/config_schema.h"

/* Of the finished `config` and the tree that it was made of (config_load_tree()). In the order of the table of keys;
 * secrets are masked: what is called password or secret, headers that go to others, and passwords in URLs. The caller
 * frees it; it borrows what `root` borrows. */
struct config_node *config_effective(const struct config *config, const struct config_node *root);

/* Was the node not set by anybody? */
bool config_effective_default(const struct config_node *node);

/* Append why the value of a node of `key` is not what it seems: "ignored: …"; nothing when it is. */
void config_effective_note(const struct config_key *key, const struct config_node *node, struct sbuf *out);

#endif
