/*
 * The configuration as a tree of scalars, maps and lists; every node remembers where it was written.
 *
 * Ownership: a container owns its members, whoever holds the root owns the tree. Origins (file and variable names) are
 * borrowed and must outlive the tree.
 * Thread: one.
 */
#ifndef BERTH_CONFIG_CONFIG_NODE_H
#define BERTH_CONFIG_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum config_kind { CONFIG_SCALAR, CONFIG_MAP, CONFIG_LIST };

/* Where a node was written: a line of a file, or (line 0) an environment variable. */
struct config_origin {
    struct str name;
    size_t line; /* from 1 */
};

struct config_node {
    enum config_kind kind;
    struct config_origin origin;
    struct config_node *parent; /* NULL: the root */
    char *key;                  /* its name in a map, else NULL */

    /* of a scalar */
    char *text;
    bool plain; /* written without quotes: may mean null */

    /* of a map or list */
    struct config_node **members;
    size_t n;
};

struct config_node *config_node_scalar(struct str text, bool plain, struct config_origin origin);
struct config_node *config_node_container(enum config_kind kind, struct config_origin origin);
/* With all below it. Must not be a member of a tree any more. */
void config_node_free(struct config_node **node);

/* Says nothing, so that a default holds: `key:`, `~`, `null`, or an empty text. */
bool config_node_is_unset(const struct config_node *node);
/* YAML 1.1's true false yes no on off, in any case. False when it is none of them. */
bool config_node_bool(const struct config_node *node, bool *out);

/* A member of a map, or NULL; `map` may be NULL or anything else, which has none. */
struct config_node *config_node_get(const struct config_node *map, struct str key);
struct config_node *config_node_get_nocase(const struct config_node *map, struct str key);
/* A node below `root` by its path of names ("http.tls.key"), or NULL. Unset nodes count as absent. */
const struct config_node *config_node_find(const struct config_node *root, const char *path);

/* Put `node` into a map or list, freeing what was there. A list grows by null scalars up to `index`. */
void config_node_put(struct config_node *map, struct str key, struct config_node *node);
void config_node_put_at(struct config_node *list, size_t index, struct config_node *node);

/* "http.tls.ciphersuites[1]" */
void config_node_path(const struct config_node *node, struct sbuf *out);
/* "config.yml:12", or the variable's name. */
void config_origin_put(struct config_origin origin, struct sbuf *out);

/* Fill `e` with ERR_INVALID and "<origin>: <path>: <text>". Returns -1. */
int config_node_fail(const struct config_node *node, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
