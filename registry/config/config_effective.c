#include "registry/config/config_effective.h"

#include <string.h>

#include "registry/config/config_take.h"

#define MASK "********"

struct making {
    const struct config *config;
    const struct config_node *root;
};

static const struct config_origin by_default = {.name = STR("default")};

static struct config_node *node_of(const struct making *m, const struct config_key *key,
                                   const struct config_node *node);

bool config_effective_default(const struct config_node *node)
{
    return node->origin.name.p == by_default.name.p;
}

/* ---- secrets ---- */

static struct str last_name(const char *path)
{
    const char *dot = strrchr(path, '.');

    return str_of(dot == NULL ? path : dot + 1);
}

/* The names of a map that the user fills say nothing: a group may be called "secret". */
static bool is_secret(const struct config_key *key, const struct config_node *node)
{
    static const struct str words[] = {STR("password"),  STR("secret"),    STR("token"),
                                       STR("secretkey"), STR("accesskey"), STR("apikey")};
    struct str name = last_name(key->path);

    bool calls = str_starts(str_of(key->path), STR("notifications.")) || str_starts(str_of(key->path), STR("health."));

    if (calls && str_eq(name, STR("headers")))
        return true;
    if (key->type == CONFIG_TYPE_ANY && node->key != NULL)
        name = str_of(node->key);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_eq_nocase(name, words[i]))
            return true;
    return false;
}

/* https://user:password@host: what is between the second colon and the last @ before a slash. */
static void put_url(struct str text, struct sbuf *out)
{
    const char *scheme = memmem(text.p, text.n, "://", 3);
    size_t begin = scheme == NULL ? text.n : (size_t)(scheme - text.p) + 3, at = text.n, colon = text.n;

    for (size_t i = begin; i < text.n && strchr("/?#", text.p[i]) == NULL; i++) {
        if (text.p[i] == ':' && colon == text.n)
            colon = i;
        if (text.p[i] == '@')
            at = i;
    }
    if (at == text.n || colon > at) {
        sbuf_str(out, text);
        return;
    }
    sbuf_put(out, text.p, colon + 1);
    sbuf_printf(out, MASK);
    sbuf_str(out, str_from(text, at));
}

/* Whoever knows the address of a webhook may call it: often a token is in its path or query. */
static bool is_webhook(const struct config_key *key)
{
    return strcmp(key->path, "notifications.endpoints[].url") == 0;
}

/* The scheme and the host, which the log tells, too; the rest behind a mask. */
static void put_webhook(struct str text, struct sbuf *out)
{
    const char *scheme = memmem(text.p, text.n, "://", 3);
    size_t begin = scheme == NULL ? text.n : (size_t)(scheme - text.p) + 3, end, host = begin;

    for (end = begin; end < text.n && strchr("/?#", text.p[end]) == NULL; end++)
        if (text.p[end] == '@')
            host = end + 1;
    sbuf_put(out, text.p, begin);
    sbuf_printf(out, "%s", host > begin ? MASK "@" : "");
    sbuf_put(out, text.p + host, end - host);
    sbuf_printf(out, "%s", end < text.n ? "/" MASK : "");
}

static struct config_node *copy_scalar(const struct config_key *key, const struct config_node *node, bool hidden)
{
    struct config_node *copy;
    struct sbuf text = {0};

    if (hidden && !config_node_is_unset(node))
        sbuf_printf(&text, MASK);
    else if (is_webhook(key))
        put_webhook(str_of(node->text), &text);
    else
        put_url(str_of(node->text), &text);
    copy = config_node_scalar((struct str){text.p, text.n}, node->plain, node->origin);
    sbuf_free(&text);
    return copy;
}

/* Everything below a secret is one. */
static struct config_node *copy(const struct config_key *key, const struct config_node *node, bool hidden)
{
    struct config_node *container;

    hidden = hidden || is_secret(key, node);
    if (node->kind == CONFIG_SCALAR)
        return copy_scalar(key, node, hidden);
    container = config_node_container(node->kind, node->origin);
    for (size_t i = 0; i < node->n; i++) {
        struct config_node *member = copy(key, node->members[i], hidden);

        if (node->kind == CONFIG_MAP)
            config_node_put(container, str_of(node->members[i]->key), member);
        else
            config_node_put_at(container, i, member);
    }
    return container;
}

/* ---- defaults ---- */

/* What holds where the key was not set; NULL: nothing, or nothing that could be written there. */
static struct config_node *default_of(const struct making *m, const struct config_key *key)
{
    const char *text = key->worked_out != NULL ? key->worked_out(m->config) : key->preset;

    if (key->state != CONFIG_SERVED || text == NULL ||
        (key->with != NULL && config_node_find(m->root, key->with) == NULL) ||
        (key->unless != NULL && config_node_find(m->root, key->unless) != NULL))
        return NULL;
    return config_node_scalar(str_of(text), true, by_default);
}

/* ---- the tree ---- */

/* Does the row belong right below that of `parent`? */
static bool is_child(const struct config_key *key, const struct config_key *parent)
{
    struct str path = str_of(key->path), above = str_of(parent->path);
    struct str name = last_name(key->path);

    if (path.n == 0 || path.p[path.n - 1] == ']')
        return false;
    if (path.n == name.n)
        return above.n == 0;
    return str_eq((struct str){path.p, path.n - name.n - 1}, above);
}

/* A group that nobody wrote stands there for the defaults below it. */
static struct config_node *group_of(const struct making *m, const struct config_key *key,
                                    const struct config_node *node)
{
    struct config_node *map = config_node_container(CONFIG_MAP, node == NULL ? by_default : node->origin);
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 1; i < n; i++) {
        struct str name = last_name(keys[i].path);
        struct config_node *member = is_child(&keys[i], key) ? node_of(m, &keys[i], config_node_get(node, name)) : NULL;

        if (member != NULL)
            config_node_put(map, name, member);
    }
    if (map->n == 0)
        config_node_free(&map);
    return map;
}

static struct config_node *list_of(const struct making *m, const struct config_key *key, const struct config_node *node)
{
    struct config_node *list = config_node_container(CONFIG_LIST, node->origin);

    for (size_t i = 0; i < node->n; i++) {
        struct config_node *item = node_of(m, config_schema_item(key), node->members[i]);

        if (item == NULL)
            item = config_node_container(CONFIG_MAP, node->members[i]->origin);
        config_node_put_at(list, i, item);
    }
    return list;
}

/* `node` may be NULL: not set. */
static struct config_node *node_of(const struct making *m, const struct config_key *key, const struct config_node *node)
{
    bool unset = node == NULL || config_node_is_unset(node);

    if (key->type == CONFIG_TYPE_GROUP || key->type == CONFIG_TYPE_CHOICE)
        return group_of(m, key, unset ? NULL : node);
    if (unset)
        return default_of(m, key);
    return key->type == CONFIG_TYPE_LIST ? list_of(m, key, node) : copy(key, node, false);
}

struct config_node *config_effective(const struct config *config, const struct config_node *root)
{
    const struct making m = {config, root};
    size_t n;

    return group_of(&m, &config_schema_keys(&n)[0], root);
}

void config_effective_note(const struct config_key *key, const struct config_node *node, struct sbuf *out)
{
    if (key->state == CONFIG_ACCEPTED)
        sbuf_printf(out, "ignored: %s", key->note);
    else if (key->state == CONFIG_REFUSED_IF_SET)
        sbuf_printf(out, "off, as it has to be");
    else if (key->take == take_limit && strcmp(node->text, "0") == 0)
        sbuf_printf(out, "0 means the default%s%s", key->preset == NULL ? "" : ", ",
                    key->preset == NULL ? "" : key->preset);
}
