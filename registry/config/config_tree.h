/*
 * YAML text to a tree of nodes. The only file that knows libyaml.
 *
 * A configuration is small: at most 64 levels, 1,000 anchors, 100,000 nodes with every alias written out, 4,096 members
 * in one map or list. That bounds what a file of nested aliases can grow to and what comparing keys costs; an alias
 * inside its own anchor ends at the level limit.
 */
#ifndef BERTH_CONFIG_CONFIG_TREE_H
#define BERTH_CONFIG_CONFIG_TREE_H

#include <stdbool.h>

#include "registry/config/config_node.h"

enum { CONFIG_DEPTH_MAX = 64, CONFIG_NODES_MAX = 100000, CONFIG_ANCHORS_MAX = 1000, CONFIG_MEMBERS_MAX = 4096 };

/* One YAML document (an empty one is a null scalar). Aliases are copied, `<<` merges a map into the one it stands in.
 * `name` is borrowed by the tree: a file, whose nodes get line numbers, or an environment variable when `lines` is
 * false. NULL with ERR_INVALID ("<name>:<line>: …") on malformed YAML, duplicate keys, keys that are not scalars, NUL,
 * a second document, and anything over a limit. Thread: any. */
struct config_node *config_tree_parse(struct str yaml, struct str name, bool lines, struct err *e);

#endif
