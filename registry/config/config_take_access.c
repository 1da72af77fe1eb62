/*
 * The section `access`: rules, groups and presets into a set of rules (auth/access.h). What a rule means is checked
 * there; here it is told where it stands.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/access.h"
#include "registry/base/str.h"
#include "registry/config/config_take.h"

/* ---- rules ---- */

/* The texts of a list; empty when there is none. The caller frees the items, the texts are the tree's. */
static struct access_list list_of(const struct config_node *rule, struct str key)
{
    const struct config_node *list = config_node_get(rule, key);
    size_t n = list == NULL || list->kind != CONFIG_LIST ? 0 : list->n;
    struct str *items = xcalloc(n + 1, sizeof(*items));

    for (size_t i = 0; i < n; i++)
        items[i] = str_of(list->members[i]->text);
    return (struct access_list){items, n};
}

static void list_free(struct access_list *list)
{
    free((struct str *)(uintptr_t)list->items);
    *list = (struct access_list){NULL, 0};
}

/* An empty list would mean "all" to the rules, and looks like "none" to whoever reads it. */
static int check_lists(const struct config_node *rule, struct err *e)
{
    for (size_t i = 0; i < rule->n; i++)
        if (rule->members[i]->kind == CONFIG_LIST && rule->members[i]->n == 0)
            return config_node_fail(rule->members[i], e, "an empty list; fill it, or remove the key to mean all");
    return 0;
}

static int read_effect(const struct config_node *rule, bool *deny, struct err *e)
{
    const struct config_node *effect = config_node_find(rule, "effect");

    *deny = effect != NULL && strcmp(effect->text, "deny") == 0;
    if (effect == NULL || *deny || strcmp(effect->text, "allow") == 0)
        return 0;
    return config_node_fail(effect, e, "\"%.80s\" is no effect; write allow or deny", effect->text);
}

static int add_rule(struct access *access, const struct config_node *node, struct err *e)
{
    struct access_rule rule = {.deny = false};
    struct sbuf origin = {0};
    int rc;

    if (check_lists(node, e) != 0 || read_effect(node, &rule.deny, e) != 0)
        return -1;
    rule.repositories = list_of(node, STR("repositories"));
    rule.subjects = list_of(node, STR("subjects"));
    rule.actions = list_of(node, STR("actions"));
    rule.networks = list_of(node, STR("networks"));
    config_origin_put(node->origin, &origin);
    rule.origin = (struct str){origin.p, origin.n};
    rc = access_add_rule(access, &rule, e);
    sbuf_free(&origin);
    list_free(&rule.networks);
    list_free(&rule.actions);
    list_free(&rule.subjects);
    list_free(&rule.repositories);
    return rc;
}

static struct access *access_of(struct config *config)
{
    if (config->access == NULL)
        config->access = access_new();
    return config->access;
}

int take_access_rules(struct config *config, const struct config_key *key, const struct config_node *node,
                      struct err *e)
{
    (void)key;
    for (size_t i = 0; i < node->n; i++)
        if (add_rule(access_of(config), node->members[i], e) != 0)
            return -1;
    return 0;
}

/* ---- groups ---- */

static int add_group(struct access *access, const struct config_node *group, struct err *e)
{
    struct err cause;

    if (access_add_group(access, str_of(group->key), &cause) != 0)
        return config_node_fail(group, e, "%s", cause.text);
    for (size_t i = 0; i < group->n; i++)
        if (access_add_member(access, str_of(group->key), str_of(group->members[i]->text), &cause) != 0)
            return config_node_fail(group->members[i], e, "%s", cause.text);
    return 0;
}

int take_access_groups(struct config *config, const struct config_key *key, const struct config_node *node,
                       struct err *e)
{
    (void)key;
    for (size_t i = 0; i < node->n; i++)
        if (add_group(access_of(config), node->members[i], e) != 0)
            return -1;
    return 0;
}

/* ---- the section as a whole ---- */

/* Of the three ways to say it only one; groups go with rules. */
static int check_one_way(const struct config_node *section, struct err *e)
{
    const struct config_node *file = config_node_find(section, "file");
    const struct config_node *preset = config_node_find(section, "preset");
    const struct config_node *rules = config_node_find(section, "rules");
    const struct config_node *groups = config_node_find(section, "groups");

    if (file != NULL && (preset != NULL || rules != NULL || groups != NULL))
        return config_node_fail(file, e, "rules in a file and here; keep them in one place");
    if (preset != NULL && (rules != NULL || groups != NULL))
        return config_node_fail(preset, e, "a preset is a list of rules by name; write rules, or the preset, not both");
    if (groups != NULL && rules == NULL)
        return config_node_fail(groups, e, "groups without rules; add rules that name them as @group");
    if (rules != NULL && rules->n == 0)
        return config_node_fail(rules, e, "no rules deny everything to everybody; add one, or remove the key");
    return 0;
}

int config_settle_access(struct config *config, const struct config_node *section, struct err *e)
{
    const struct config_node *preset = config_node_find(section, "preset");
    struct err cause;

    if (section == NULL || section->kind != CONFIG_MAP)
        return 0;
    if (check_one_way(section, e) != 0)
        return -1;
    if (preset != NULL) {
        config->access = access_preset(str_of(preset->text), &cause);
        return config->access != NULL ? 0 : config_node_fail(preset, e, "%s", cause.text);
    }
    if (config->access == NULL || access_finish(config->access, &cause) == 0)
        return 0;
    return config_node_fail(config_node_find(section, "rules"), e, "%s", cause.text);
}
