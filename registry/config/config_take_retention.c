/*
 * The rules of storage.maintenance.retention. What a rule means is said in storage/upkeep/retention.h; here is told what is wrong
 * with one, and where it stands.
 */
#include <stdlib.h>

/* storage */
#include "storage/upkeep/retention.h"

/* config */
#include "registry/config/config_take.h"
#include "registry/config/duration.h"

static int check_list(const struct config_node *list, struct err *e)
{
    return list == NULL || list->n > 0 ? 0 : config_node_fail(list, e, "an empty list; fill it, or remove the key");
}

static int take_repositories(struct retention_rule *rule, const struct config_node *node, struct err *e)
{
    const struct config_node *list = config_node_find(node, "repositories");

    if (check_list(list, e) != 0)
        return -1;
    rule->repositories = xcalloc(list == NULL ? 1 : list->n, sizeof(*rule->repositories));
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        struct pattern *pattern = &rule->repositories[i];
        struct err cause;

        if (pattern_parse(str_of(list->members[i]->text), pattern, &cause) != 0)
            return config_node_fail(list->members[i], e, "%s", cause.text);
        rule->repository_count++;
        if (!pattern_possible(pattern, STR("")))
            return config_node_fail(list->members[i], e, "${user} means nobody here; write * or a name");
    }
    return 0;
}

static int take_keep_matching(struct retention_rule *rule, const struct config_node *node, struct err *e)
{
    const struct config_node *list = config_node_find(node, "keepmatching");

    if (list == NULL || check_list(list, e) != 0)
        return list == NULL ? 0 : -1;
    rule->keep_matching = xcalloc(list->n, sizeof(*rule->keep_matching));
    for (size_t i = 0; i < list->n; i++)
        rule->keep_matching[rule->keep_matching_count++] = str_dup(str_of(list->members[i]->text));
    return 0;
}

static int take_keep_last(struct retention_rule *rule, const struct config_node *node, struct err *e)
{
    const struct config_node *count = config_node_find(node, "keeplast");

    if (count == NULL)
        return 0;
    str_to_u64(str_of(count->text), &rule->keep_last);
    return rule->keep_last > 0 ? 0 : config_node_fail(count, e, "keeps nothing; write at least 1, or remove the key");
}

static int take_condition(uint64_t *seconds, const struct config_node *node, const char *key, struct err *e)
{
    const struct config_node *duration = config_node_find(node, key);
    uint64_t nanoseconds = 0;
    struct err cause;

    if (duration == NULL)
        return 0;
    if (duration_parse(str_of(duration->text), &nanoseconds, &cause) != 0)
        return config_node_fail(duration, e, "%s", cause.text);
    *seconds = nanoseconds / 1000000000;
    return *seconds > 0 ? 0
                        : config_node_fail(duration, e,
                                           "less than a second holds for every tag; write for example 720h, or remove "
                                           "the key");
}

static int take_rule(struct retention_rule *rule, const struct config_node *node, struct err *e)
{
    struct sbuf origin = {0};
    const char *flaw;

    config_origin_put(node->origin, &origin);
    rule->origin = str_dup((struct str){origin.p, origin.n});
    sbuf_free(&origin);
    if (take_repositories(rule, node, e) != 0 || take_keep_last(rule, node, e) != 0 ||
        take_keep_matching(rule, node, e) != 0 || take_condition(&rule->older_than_s, node, "olderthan", e) != 0 ||
        take_condition(&rule->not_pulled_for_s, node, "notpulledfor", e) != 0)
        return -1;
    flaw = retention_rule_flaw(rule);
    return flaw == NULL ? 0 : config_node_fail(node, e, "%s", flaw);
}

int take_retention_rules(struct config *config, const struct config_key *key, const struct config_node *node,
                         struct err *e)
{
    struct retention *retention = xcalloc(1, sizeof(*retention));

    (void)key;
    retention_free(&config->retention.rules);
    config->retention.rules = retention;
    retention->rules = xcalloc(node->n == 0 ? 1 : node->n, sizeof(*retention->rules));
    for (size_t i = 0; i < node->n; i++) {
        retention->n++;
        if (take_rule(&retention->rules[i], node->members[i], e) != 0)
            return -1;
    }
    return 0;
}

int config_settle_retention(const struct config *config, const struct config_node *root, struct err *e)
{
    const struct config_node *enabled = config_node_find(root, "storage.maintenance.retention.enabled");

    if (!config->retention.enabled || enabled == NULL ||
        (config->retention.rules != NULL && config->retention.rules->n > 0))
        return 0;
    return config_node_fail(enabled, e, "there are no rules; add some, or remove the key");
}
