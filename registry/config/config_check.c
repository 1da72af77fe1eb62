#include "registry/config/config_check.h"

#include "registry/base/log.h"
#include "registry/config/duration.h"
#include "registry/config/size.h"

static const struct {
    enum config_kind kind;
    const char *wanted;
    const char *example;
} types[] = {
    [CONFIG_TYPE_ANY] = {CONFIG_SCALAR, "anything", NULL},
    [CONFIG_TYPE_GROUP] = {CONFIG_MAP, "a map of keys", NULL},
    [CONFIG_TYPE_CHOICE] = {CONFIG_MAP, "a map of keys", NULL},
    [CONFIG_TYPE_NAMES] = {CONFIG_MAP, "a map of names", "{name: value}"},
    [CONFIG_TYPE_LIST] = {CONFIG_LIST, "a list", "[{...}]"},
    [CONFIG_TYPE_TEXTS] = {CONFIG_LIST, "a list", "[one, two]"},
    [CONFIG_TYPE_TEXT] = {CONFIG_SCALAR, "one value", "text"},
    [CONFIG_TYPE_BOOL] = {CONFIG_SCALAR, "true or false", "true"},
    [CONFIG_TYPE_COUNT] = {CONFIG_SCALAR, "a whole number", "1000"},
    [CONFIG_TYPE_DURATION] = {CONFIG_SCALAR, "a duration", "30s"},
    [CONFIG_TYPE_SIZE] = {CONFIG_SCALAR, "a size", "64MiB"},
};

struct walk {
    struct config *config;
    struct err *e;
};

static int visit(struct walk *w, const struct config_key *key, const struct config_node *node);

/* Nothing that would change what the server does: empty, false, disabled, or made of such things only. An entry of a
 * list that is no map counts as set even when it is empty: somebody wanted something there. */
static bool is_off(const struct config_node *node)
{
    const struct config_node *disabled = config_node_find(node, "disabled");
    bool value = true;

    if (node->kind == CONFIG_SCALAR)
        return config_node_is_unset(node) || (config_node_bool(node, &value) && !value);
    if (disabled != NULL && disabled->kind == CONFIG_SCALAR && config_node_bool(disabled, &value) && value)
        return true;
    for (size_t i = 0; i < node->n; i++)
        if ((node->kind == CONFIG_LIST && node->members[i]->kind == CONFIG_SCALAR) || !is_off(node->members[i]))
            return false;
    return true;
}

static int fail_kind(struct walk *w, const struct config_key *key, const struct config_node *node)
{
    static const char *const got[] = {[CONFIG_SCALAR] = "one value", [CONFIG_MAP] = "a map", [CONFIG_LIST] = "a list"};
    const char *example = key->preset != NULL ? key->preset : types[key->type].example;

    if (example == NULL)
        return config_node_fail(node, w->e, "wants %s, not %s; indent the keys below it", types[key->type].wanted,
                                got[node->kind]);
    if (key->type == CONFIG_TYPE_TEXTS && node->kind == CONFIG_SCALAR)
        return config_node_fail(node, w->e, "wants a list, not one value; write [%.80s]", node->text);
    return config_node_fail(node, w->e, "wants %s, not %s; write for example %s%s%s", types[key->type].wanted,
                            got[node->kind], node->key == NULL ? "" : node->key, node->key == NULL ? "" : ": ",
                            example);
}

static bool has_type(enum config_type type, const struct config_node *node)
{
    struct str text = str_of(node->text);
    uint64_t number;
    bool truth;

    switch (type) {
    case CONFIG_TYPE_BOOL:
        return config_node_bool(node, &truth);
    case CONFIG_TYPE_COUNT:
        return str_to_u64(text, &number);
    case CONFIG_TYPE_DURATION:
        return duration_parse(text, &number, NULL) == 0;
    case CONFIG_TYPE_SIZE:
        return size_parse(text, &number, NULL) == 0;
    default:
        return true;
    }
}

static int check_type(struct walk *w, const struct config_key *key, const struct config_node *node)
{
    if (key->type == CONFIG_TYPE_ANY)
        return 0;
    if (node->kind != types[key->type].kind)
        return fail_kind(w, key, node);
    if (has_type(key->type, node))
        return 0;
    return config_node_fail(node, w->e, "\"%.80s\" is not %s; write for example %s: %s", node->text,
                            types[key->type].wanted, node->key,
                            key->preset != NULL ? key->preset : types[key->type].example);
}

static int check_state(struct walk *w, const struct config_key *key, const struct config_node *node)
{
    bool off = is_off(node) ||
               (key->preset != NULL && node->kind == CONFIG_SCALAR && str_eq(str_of(node->text), str_of(key->preset)));

    if (key->state == CONFIG_REFUSED_IF_SET && !off)
        return config_node_fail(node, w->e, "%s", key->note);
    return 0;
}

static int fail_unknown(struct walk *w, const struct config_node *node)
{
    struct sbuf path = {0};
    const struct config_key *nearest;

    config_node_path(node, &path);
    nearest = config_schema_nearest((struct str){path.p, path.n});
    if (nearest != NULL)
        config_node_fail(node, w->e, "unknown key; did you mean %s?", nearest->path);
    else
        config_node_fail(node, w->e, "unknown key; remove it, or see the commented example configuration for all keys");
    sbuf_free(&path);
    return -1;
}

static int visit_members(struct walk *w, const struct config_key *key, const struct config_node *node)
{
    if (key->type == CONFIG_TYPE_ANY)
        return 0;
    for (size_t i = 0; i < node->n; i++) {
        const struct config_node *member = node->members[i];
        const struct config_key *row = node->kind == CONFIG_LIST ? config_schema_item(key)
                                                                 : config_schema_member(key, str_of(member->key));

        if (row == NULL)
            return fail_unknown(w, member);
        if (node->kind == CONFIG_LIST && config_node_is_unset(member))
            return config_node_fail(member, w->e, "an empty entry; fill it or remove it");
        if (visit(w, row, member) != 0)
            return -1;
    }
    return 0;
}

static int visit(struct walk *w, const struct config_key *key, const struct config_node *node)
{
    if (key->state == CONFIG_REFUSED)
        return config_node_fail(node, w->e, "%s", key->note);
    if (config_node_is_unset(node))
        return key->instead == NULL ? 0 : config_node_fail(node, w->e, "no value; %s", key->instead);
    if (check_type(w, key, node) != 0 || check_state(w, key, node) != 0 || visit_members(w, key, node) != 0)
        return -1;
    return key->take == NULL ? 0 : key->take(w->config, key, node, w->e);
}

int config_check_defaults(struct config *config, struct err *e)
{
    struct config_origin origin = {.name = STR("default")};
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 0; i < n; i++) {
        struct config_node *node;
        int rc;

        if (keys[i].take == NULL || keys[i].preset == NULL)
            continue;
        node = config_node_scalar(str_of(keys[i].preset), true, origin);
        rc = keys[i].take(config, &keys[i], node, e);
        config_node_free(&node);
        if (rc != 0)
            return err_wrap(e, "%s", keys[i].path);
    }
    return 0;
}

int config_check_tree(struct config *config, const struct config_node *root, struct err *e)
{
    struct walk w = {config, e};
    size_t n;

    return visit(&w, &config_schema_keys(&n)[0], root);
}

int config_check_section(struct config *config, struct str name, const struct config_node *section, struct err *e)
{
    struct walk w = {config, e};
    size_t n;

    return visit(&w, config_schema_member(&config_schema_keys(&n)[0], name), section);
}
