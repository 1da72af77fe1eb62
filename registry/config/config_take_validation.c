#include "registry/config/config_take.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

void config_list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

void config_list_add(struct config_list *list, struct str item)
{
    list->items = xrealloc(list->items, (list->n + 1) * sizeof(char *));
    list->items[list->n++] = str_dup(item);
}

/* The older spelling of validation.disabled, turned round. */
int take_validation_enabled(struct config *config, const struct config_key *key, const struct config_node *node,
                            struct err *e)
{
    const struct config_node *other = config_node_find(node->parent, "disabled");
    bool enabled = false, disabled = false;

    (void)key;
    config_node_bool(node, &enabled);
    if (other != NULL && config_node_bool(other, &disabled) && enabled == disabled)
        return config_node_fail(node, e, "contradicts validation.disabled; keep only that one");
    config->validation_disabled = !enabled;
    return 0;
}

/*
 * Expressions were written for Go's RE2 and are run as POSIX extended ones (regex(7)). Most are the same in both;
 * regcomp() turns down `(?i)` and its kin, but reads some others as something else without a word, which would let URLs
 * through. Those are refused here: escapes that glibc does not know, and any backslash between brackets, where POSIX
 * has no escapes.
 */
static const char *foreign_syntax(const char *expression)
{
    bool brackets = false;

    for (const char *p = expression; *p != '\0'; p++) {
        if (*p == '\\' && brackets)
            return "a backslash between brackets; write classes as [[:digit:]] and put - or ] first or last instead";
        if (*p == '\\' && p[1] != '\0') {
            p++;
            if (((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')) &&
                strchr("wWsSbB", *p) == NULL)
                return "an escape that POSIX extended expressions do not have; write for example [0-9] instead of \\d";
        } else if (*p == '[' && brackets && strchr(":.=", p[1]) != NULL && p[1] != '\0') {
            const char close[] = {p[1], ']', '\0'};
            const char *end = strstr(p + 2, close);

            p = end == NULL ? p : end + 1; /* behind [:class:]; unclosed is regcomp()'s to tell */
        } else if (*p == '[' && !brackets) {
            brackets = true;
            p += p[1] == '^';
            p += p[1] == ']'; /* first, it is an ordinary character */
        } else if (*p == ']') {
            brackets = false;
        }
    }
    return NULL;
}

static int check_expression(const struct config_node *node, struct err *e)
{
    const char *foreign = foreign_syntax(node->text);
    regex_t compiled;
    int rc;

    if (foreign != NULL)
        return config_node_fail(node, e, "%s", foreign);
    rc = regcomp(&compiled, node->text, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        char reason[128];

        regerror(rc, &compiled, reason, sizeof(reason));
        return config_node_fail(node, e, "not a POSIX extended regular expression: %s; correct it, see regex(7)",
                                reason);
    }
    regfree(&compiled);
    return 0;
}

int take_expressions(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    struct config_list *list = (struct config_list *)(void *)((char *)config + key->field);

    config_list_clear(list);
    for (size_t i = 0; i < node->n; i++) {
        if (check_expression(node->members[i], e) != 0)
            return -1;
        config_list_add(list, str_of(node->members[i]->text));
    }
    return 0;
}

int take_platforms(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    static const struct str names[] = {[CONFIG_PLATFORMS_ALL] = STR("all"),
                                       [CONFIG_PLATFORMS_NONE] = STR("none"),
                                       [CONFIG_PLATFORMS_LIST] = STR("list")};

    (void)key;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!str_eq_nocase(names[i], str_of(node->text)))
            continue;
        config->index_platforms = (enum config_platforms)i;
        return 0;
    }
    return config_node_fail(node, e, "\"%.80s\" is unknown; write all, none or list", node->text);
}

void config_platforms_clear(struct config *config)
{
    for (size_t i = 0; i < config->platform_count; i++) {
        free(config->platforms[i].os);
        free(config->platforms[i].architecture);
        free(config->platforms[i].variant);
    }
    free(config->platforms);
    config->platforms = NULL;
    config->platform_count = 0;
}

static char *text_below(const struct config_node *map, const char *key)
{
    const struct config_node *node = config_node_find(map, key);

    return node == NULL || node->text[0] == '\0' ? NULL : str_dup(str_of(node->text));
}

int take_platform_list(struct config *config, const struct config_key *key, const struct config_node *node,
                       struct err *e)
{
    (void)key;
    config_platforms_clear(config);
    config->platforms = xcalloc(node->n == 0 ? 1 : node->n, sizeof(struct config_platform));
    for (size_t i = 0; i < node->n; i++) {
        struct config_platform *platform = &config->platforms[config->platform_count++];

        platform->os = text_below(node->members[i], "os");
        platform->architecture = text_below(node->members[i], "architecture");
        platform->variant = text_below(node->members[i], "variant");
        if (platform->os == NULL || platform->architecture == NULL)
            return config_node_fail(node->members[i], e,
                                    "a platform needs both; write for example {os: linux, architecture: amd64}");
    }
    return 0;
}
