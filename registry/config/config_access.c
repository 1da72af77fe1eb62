#include "registry/config/config_access.h"

#include "registry/config/config.h"
#include "registry/config/config_check.h"
#include "registry/config/config_schema.h"
#include "registry/config/config_take.h"
#include "registry/config/config_tree.h"

static struct access *taken_from(struct config *config)
{
    struct access *access = config->access;

    config->access = NULL;
    return access;
}

/* A file of rules holds what may change while the server runs, and nothing else of the section. */
static int check_names(const struct config_node *root, struct err *e)
{
    static const struct str names[] = {STR("groups"), STR("rules"), STR("preset")};

    if (root->kind != CONFIG_MAP)
        return config_node_fail(root, e, "a file of rules is a map; begin with `rules:`");
    for (size_t i = 0; i < root->n; i++) {
        struct str name = str_of(root->members[i]->key);

        if (!str_eq(name, names[0]) && !str_eq(name, names[1]) && !str_eq(name, names[2]))
            return config_node_fail(root->members[i], e, "a file of rules has groups, rules and preset only");
    }
    if (config_node_find(root, "rules") == NULL && config_node_find(root, "preset") == NULL)
        return config_node_fail(root, e, "neither rules nor preset: that would deny everything to everybody");
    return 0;
}

static int read_section(const struct config_node *root, struct access **out, struct err *e)
{
    struct config *config = xcalloc(1, sizeof(*config));
    int rc = check_names(root, e);

    if (rc == 0)
        rc = config_check_section(config, STR("access"), root, e);
    if (rc == 0)
        rc = config_settle_access(config, root, e);
    if (rc == 0)
        *out = taken_from(config);
    config_free(&config);
    return rc;
}

int config_access_of_file(const char *path, struct str text, struct access **out, struct err *e)
{
    struct config_node *root = config_tree_parse(text, str_of(path), true, e);
    int rc = root == NULL ? -1 : read_section(root, out, e);

    config_node_free(&root);
    return rc;
}

int config_access_of_text(const char *path, struct str text, char *const *environment, struct access **out,
                          struct err *e)
{
    struct config *config;
    int rc = 0;

    log_quiet(true);
    config = config_of_text(path, text, environment, e);
    log_quiet(false);
    if (config == NULL)
        return -1;
    if (config->access_file == NULL)
        *out = taken_from(config);
    else
        rc = err_set(e, ERR_INVALID, "%s: access.file: the rules have moved to a file of their own; restart the server",
                     path == NULL ? "environment" : path);
    config_free(&config);
    return rc;
}
