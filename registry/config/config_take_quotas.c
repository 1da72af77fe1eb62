#include "registry/config/config_take.h"

#include <stdlib.h>
#include <string.h>

#include "registry/config/size.h"
#include "storage/reference.h"

void config_quotas_clear(struct config *config)
{
    for (size_t i = 0; i < config->quota_count; i++)
        free(config->quotas[i].path);
    free(config->quotas);
    config->quotas = NULL;
    config->quota_count = 0;
}

/* "team-a/" and "team-a" are the same: what is at and below it. */
static int take_path(struct config_quota *quota, const struct config_node *prefix, struct err *e)
{
    struct str path = str_of(prefix == NULL ? "" : prefix->text);

    if (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    if (prefix != NULL && !repository_name_valid(path))
        return config_node_fail(
            prefix, e,
            "\"%.80s\" is no repository or path of repositories; write for example team-a/, or \"\" "
            "for all",
            prefix->text);
    quota->path = str_dup(path);
    return 0;
}

static int take_quota(struct config *config, const struct config_node *node, struct err *e)
{
    const struct config_node *limit = config_node_find(node, "limit");
    struct config_quota *quota = &config->quotas[config->quota_count];

    if (limit == NULL)
        return config_node_fail(node, e, "a quota needs a limit; write for example {prefix: team-a/, limit: 100GiB}");
    if (take_path(quota, config_node_find(node, "prefix"), e) != 0)
        return -1;
    config->quota_count++;
    if (size_parse(str_of(limit->text), &quota->limit, e) != 0)
        return -1; /* its type was checked */
    for (size_t i = 0; i + 1 < config->quota_count; i++)
        if (strcmp(config->quotas[i].path, quota->path) == 0)
            return config_node_fail(node, e, "a second quota for \"%.80s\"; keep one", quota->path);
    return 0;
}

int take_quotas(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    config_quotas_clear(config);
    config->quotas = xcalloc(node->n == 0 ? 1 : node->n, sizeof(struct config_quota));
    for (size_t i = 0; i < node->n; i++)
        if (take_quota(config, node->members[i], e) != 0)
            return -1;
    return 0;
}
