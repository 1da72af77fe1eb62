/*
 * `berth config`: what a server would make of a configuration, and what there is to configure. Everything comes from
 * the tree and the table that the server works by; no server is asked.
 */
#include "registry/commands/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/log.h"

/* config */
#include "registry/config/config.h"
#include "registry/config/config_effective.h"
#include "registry/config/config_keys.h"
#include "registry/config/config_show.h"

static int print(struct sbuf *text)
{
    fwrite(text->p, 1, text->n, stdout);
    sbuf_free(text);
    return EXIT_DONE;
}

static const char *name_of(const struct config *config)
{
    return config->source == NULL ? "no file: the defaults and the environment" : config->source;
}

/* ---- show, check ---- */

static int show(const struct invocation *call, const char *path)
{
    bool json = call->given[OPTION_JSON];
    struct config_node *root, *effective;
    struct sbuf out = {0};
    struct err e;
    struct config *config = config_load_tree(path, environ, &root, &e);

    if (config == NULL)
        return program_fail(call, &e);
    effective = config_effective(config, root);
    if (json)
        config_show_json(effective, &out);
    else
        config_show_yaml(effective, &out);
    if (call->given[OPTION_ALL])
        config_show_unset(effective, json, &out);
    config_node_free(&effective);
    config_node_free(&root);
    config_free(&config);
    return print(&out);
}

static int check(const struct invocation *call, const char *path)
{
    struct err e;
    struct config *config = config_load(path, environ, &e);

    if (config == NULL)
        return program_fail(call, &e);
    printf("%s: good\n", name_of(config));
    config_free(&config);
    return EXIT_DONE;
}

/* ---- keys, man ---- */

static int keys(const struct invocation *call, const char *below)
{
    struct sbuf out = {0};
    struct err e;

    if (config_keys_put(str_of(below == NULL ? "" : below), call->given[OPTION_JSON], &out, &e) != 0)
        return program_fail(call, &e);
    return print(&out);
}

static int man(const struct invocation *call, const char *unused)
{
    struct err e;

    if (unused != NULL) {
        err_set(&e, ERR_INVALID, "config man takes nothing more");
        return program_misused(call, &e);
    }
    config_keys_man();
    return EXIT_DONE;
}

int command_config(const struct invocation *call)
{
    static const struct {
        const char *name;
        int (*run)(const struct invocation *call, const char *argument);
    } words[] = {{"show", show}, {"check", check}, {"keys", keys}, {"man", man}};
    struct err e;

    log_init(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, 0); /* of variables that mean no key */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(call->arguments[0], words[i].name) == 0)
            return words[i].run(call, call->argument_count > 1 ? call->arguments[1] : NULL);
    err_set(&e, ERR_INVALID, "config %.80s? show, check, keys or man", call->arguments[0]);
    return program_misused(call, &e);
}
