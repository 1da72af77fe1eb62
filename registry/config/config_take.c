#include "registry/config/config_take.h"

#include <stdlib.h>
#include <string.h>

#include "registry/config/duration.h"
#include "registry/config/size.h"

static void *field_of(struct config *config, const struct config_key *key)
{
    return (char *)config + key->field;
}

int take_text(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    char **field = field_of(config, key);

    (void)e;
    free(*field);
    *field = str_dup(str_of(node->text));
    return 0;
}

int take_absolute(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    if (node->text[0] != '/')
        return config_node_fail(node, e, "\"%.80s\" depends on where the server was started; write it from / on",
                                node->text);
    return take_text(config, key, node, e);
}

int take_bool(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)e;
    config_node_bool(node, field_of(config, key));
    return 0;
}

/* A field narrower than a nanosecond's count keeps at least one unit of a duration that is not zero. */
static int take_duration(uint64_t *field, uint64_t unit, const struct config_node *node, struct err *e)
{
    uint64_t nanoseconds;
    struct err cause;

    if (duration_parse(str_of(node->text), &nanoseconds, &cause) != 0)
        return config_node_fail(node, e, "%s", cause.text);
    *field = nanoseconds / unit + (nanoseconds % unit != 0);
    return 0;
}

int take_seconds(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    return take_duration(field_of(config, key), 1000000000, node, e);
}

int take_milliseconds(struct config *config, const struct config_key *key, const struct config_node *node,
                      struct err *e)
{
    return take_duration(field_of(config, key), 1000000, node, e);
}

int take_size(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    struct err cause;

    if (size_parse(str_of(node->text), field_of(config, key), &cause) != 0)
        return config_node_fail(node, e, "%s", cause.text);
    return 0;
}

int take_limit(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    uint64_t limit;

    if (!str_to_u64(str_of(node->text), &limit))
        return config_node_fail(node, e, "not a whole number");
    if (limit > 0)
        *(uint64_t *)field_of(config, key) = limit;
    return 0;
}

int take_texts(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    struct config_list *list = field_of(config, key);

    (void)e;
    config_list_clear(list);
    for (size_t i = 0; i < node->n; i++)
        config_list_add(list, str_of(node->members[i]->text));
    return 0;
}

int take_some_texts(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    if (node->n == 0)
        return config_node_fail(node, e, "an empty list; fill it, or remove the key");
    return take_texts(config, key, node, e);
}

int take_version(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)config;
    (void)key;
    if (strcmp(node->text, "0.1") != 0)
        return config_node_fail(node, e, "\"%.80s\" is no version of this file's format; write `version: 0.1`",
                                node->text);
    return 0;
}

static int level_of(const struct config_node *node, enum log_level *level, struct err *e)
{
    static const struct {
        struct str name;
        enum log_level level;
    } levels[] = {
        {STR("error"), LOG_LEVEL_ERROR}, {STR("warn"), LOG_LEVEL_WARN},   {STR("warning"), LOG_LEVEL_WARN},
        {STR("info"), LOG_LEVEL_INFO},   {STR("debug"), LOG_LEVEL_DEBUG}, {STR("trace"), LOG_LEVEL_DEBUG},
        {STR("fatal"), LOG_LEVEL_ERROR}, {STR("panic"), LOG_LEVEL_ERROR},
    };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (!str_eq_nocase(levels[i].name, str_of(node->text)))
            continue;
        *level = levels[i].level;
        return 0;
    }
    return config_node_fail(node, e, "\"%.80s\" is no log level; write error, warn, info or debug", node->text);
}

int take_log_level(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    return level_of(node, &config->log_level, e);
}

/* The top-level `loglevel` of old files; log.level wins where both are there. */
int take_old_log_level(struct config *config, const struct config_key *key, const struct config_node *node,
                       struct err *e)
{
    enum log_level level;

    (void)key;
    if (level_of(node, &level, e) != 0)
        return -1;
    if (config_node_find(node->parent, "log.level") == NULL)
        config->log_level = level;
    return 0;
}

int take_log_formatter(struct config *config, const struct config_key *key, const struct config_node *node,
                       struct err *e)
{
    bool text = strcmp(node->text, "text") == 0;

    (void)key;
    /* Logstash reads JSON lines. */
    if (!text && strcmp(node->text, "json") != 0 && strcmp(node->text, "logstash") != 0)
        return config_node_fail(node, e, "\"%.80s\" is no log format; write text or json", node->text);
    config->log_format = text ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    return 0;
}

int take_accesslog_formatter(struct config *config, const struct config_key *key, const struct config_node *node,
                             struct err *e)
{
    (void)key;
    config->accesslog_json = strcmp(node->text, "json") == 0;
    if (config->accesslog_json || strcmp(node->text, "combined") == 0)
        return 0;
    return config_node_fail(node, e, "\"%.80s\" is no format of the access log; write combined or json", node->text);
}

/* Both log formats write the key bare, beside the keys that every line has. */
static int check_field_name(const struct config_node *field, struct err *e)
{
    static const char *const own[] = {"time", "level", "msg"};
    struct str name = str_of(field->key);

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(field->key, own[i]) == 0)
            return config_node_fail(field, e, "every log line has a field of this name already; choose another");
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '=' || name.p[i] == '"')
            return config_node_fail(field, e, "a field's name has no blanks, = or quotes; choose another");
    return name.n > 0 ? 0 : config_node_fail(field, e, "a field without a name; give it one");
}

/* The fields and their texts share one allocation, the array in front. */
int take_log_fields(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    size_t size = node->n * sizeof(struct log_field);
    char *text;

    (void)key;
    for (size_t i = 0; i < node->n; i++) {
        if (check_field_name(node->members[i], e) != 0)
            return -1;
        size += strlen(node->members[i]->key) + strlen(node->members[i]->text) + 2;
    }
    free(config->log_fields);
    config->log_fields = xmalloc(size);
    config->log_field_count = node->n;
    text = (char *)(config->log_fields + node->n);
    for (size_t i = 0; i < node->n; i++) {
        struct log_field *field = &config->log_fields[i];

        field->key = text;
        text = stpcpy(text, node->members[i]->key) + 1;
        field->value = (struct str){text, strlen(node->members[i]->text)};
        text = stpcpy(text, node->members[i]->text) + 1;
    }
    return 0;
}

int take_auth(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    if (node->n > 1)
        return config_node_fail(node, e, "more than one provider (%.80s, %.80s); keep one", node->members[0]->key,
                                node->members[1]->key);
    config->auth = config_node_get(node, STR("htpasswd")) != NULL ? CONFIG_AUTH_HTPASSWD : CONFIG_AUTH_NONE;
    return 0;
}

/* Sent as a quoted-string (RFC 9110 §11.5). */
int take_realm(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    for (const char *p = node->text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return config_node_fail(node, e, "a control character in the realm; remove it");
    return take_text(config, key, node, e);
}
