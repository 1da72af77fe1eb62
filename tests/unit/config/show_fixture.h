/* The configuration in force, as `berth config show` tells it. */
#ifndef BERTH_TEST_SHOW_FIXTURE_H
#define BERTH_TEST_SHOW_FIXTURE_H

#include "registry/config/config_effective.h"
#include "registry/config/config_show.h"
#include "tests/unit/config/config_fixture.h"

/* The text of a file, with variables, as `berth config show` tells it. */
static inline struct sbuf show_as(const char *yaml, const char *variables, bool json)
{
    char **environment = environment_new(variables);
    struct config_node *root, *effective;
    struct sbuf out = {0};
    struct config *config;
    struct loaded l;
    struct err e;

    load(yaml, variables, &l);
    unload(&l);
    log_quiet(true);
    config = config_load_tree("config.yml", environment, &root, &e);
    log_quiet(false);
    if (config == NULL)
        test_fail(__FILE__, __LINE__, "does not load: %s\n%s", e.text, yaml);
    effective = config_effective(config, root);
    (json ? config_show_json : config_show_yaml)(effective, &out);
    if (!json)
        config_show_unset(effective, false, &out);
    config_node_free(&effective);
    config_node_free(&root);
    config_free(&config);
    environment_free(environment);
    sbuf_text(&out);
    return out;
}

#endif
