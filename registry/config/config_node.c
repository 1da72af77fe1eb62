#include "registry/config/config_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config_node *config_node_scalar(struct str text, bool plain, struct config_origin origin)
{
    struct config_node *node = config_node_container(CONFIG_SCALAR, origin);

    node->text = str_dup(text);
    node->plain = plain;
    return node;
}

struct config_node *config_node_container(enum config_kind kind, struct config_origin origin)
{
    struct config_node *node = xcalloc(1, sizeof(*node));

    node->kind = kind;
    node->origin = origin;
    return node;
}

/* Depth is bounded by the reader and by the depth of the schema. */
void config_node_free(struct config_node **node)
{
    if (*node == NULL)
        return;
    for (size_t i = 0; i < (*node)->n; i++)
        config_node_free(&(*node)->members[i]);
    free((*node)->members);
    free((*node)->text);
    free((*node)->key);
    free(*node);
    *node = NULL;
}

bool config_node_is_unset(const struct config_node *node)
{
    struct str text = str_of(node->text);

    if (node->kind != CONFIG_SCALAR || text.n == 0)
        return node->kind == CONFIG_SCALAR;
    return node->plain && (str_eq(text, STR("~")) || str_eq_nocase(text, STR("null")));
}

bool config_node_bool(const struct config_node *node, bool *out)
{
    static const struct str yes[] = {STR("true"), STR("yes"), STR("on")};
    static const struct str no[] = {STR("false"), STR("no"), STR("off")};
    struct str text = str_of(node->text);

    for (size_t i = 0; i < 3; i++) {
        if (!str_eq_nocase(text, yes[i]) && !str_eq_nocase(text, no[i]))
            continue;
        *out = str_eq_nocase(text, yes[i]);
        return true;
    }
    return false;
}

static struct config_node *get(const struct config_node *map, struct str key, bool (*same)(struct str a, struct str b))
{
    if (map == NULL || map->kind != CONFIG_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (same(str_of(map->members[i]->key), key))
            return map->members[i];
    return NULL;
}

struct config_node *config_node_get(const struct config_node *map, struct str key)
{
    return get(map, key, str_eq);
}

struct config_node *config_node_get_nocase(const struct config_node *map, struct str key)
{
    return get(map, key, str_eq_nocase);
}

const struct config_node *config_node_find(const struct config_node *root, const char *path)
{
    struct str rest = str_of(path);

    while (rest.n > 0 && root != NULL) {
        size_t dot = str_find(rest, '.');

        root = config_node_get(root, (struct str){rest.p, dot});
        rest = str_from(rest, dot + 1);
    }
    return root == NULL || config_node_is_unset(root) ? NULL : root;
}

static void append(struct config_node *container, struct config_node *node)
{
    container->members = xrealloc(container->members, (container->n + 1) * sizeof(struct config_node *));
    container->members[container->n++] = node;
    node->parent = container;
}

static void replace(struct config_node *container, size_t i, struct config_node *node)
{
    config_node_free(&container->members[i]);
    container->members[i] = node;
    node->parent = container;
}

void config_node_put(struct config_node *map, struct str key, struct config_node *node)
{
    char *copy = str_dup(key); /* `key` may be the node's own */

    free(node->key);
    node->key = copy;
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->members[i]->key, copy) == 0) {
            replace(map, i, node);
            return;
        }
    }
    append(map, node);
}

void config_node_put_at(struct config_node *list, size_t index, struct config_node *node)
{
    while (list->n < index)
        append(list, config_node_scalar(STR(""), true, node->origin));
    if (index == list->n)
        append(list, node);
    else
        replace(list, index, node);
}

void config_node_path(const struct config_node *node, struct sbuf *out)
{
    const struct config_node *parent = node->parent;
    size_t index = 0; /* ends as the next one when the node is still to be put there */

    if (parent == NULL)
        return;
    config_node_path(parent, out);
    if (parent->kind == CONFIG_MAP) {
        sbuf_printf(out, "%s%s", parent->parent == NULL ? "" : ".", node->key);
        return;
    }
    while (index < parent->n && parent->members[index] != node)
        index++;
    sbuf_printf(out, "[%zu]", index);
}

void config_origin_put(struct config_origin origin, struct sbuf *out)
{
    sbuf_str(out, origin.name);
    if (origin.line > 0)
        sbuf_printf(out, ":%zu", origin.line);
}

int config_node_fail(const struct config_node *node, struct err *e, const char *fmt, ...)
{
    struct sbuf place = {0};
    char text[ERR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    config_origin_put(node->origin, &place);
    sbuf_printf(&place, ": ");
    config_node_path(node, &place);
    err_set(e, ERR_INVALID, node->parent == NULL ? "%s%s" : "%s: %s", sbuf_text(&place), text);
    sbuf_free(&place);
    return -1;
}
