/*
 * The section `health`: what is checked beside the server itself. What a check does is said in registry/health/health.h.
 */
#include "registry/config/config_take.h"

#include <stdlib.h>

#include "registry/config/address.h"
#include "registry/config/duration.h"

enum {
    INTERVAL_MS = 10 * 1000,
    INTERVAL_LEAST_MS = 100,
    TIMEOUT_MS = 5 * 1000,
    MOST_MS = 24 * 60 * 60 * 1000,
    STATUS_LEAST = 100,
    STATUS_MOST = 599,
    STATUS_PRESET = 200,
};

static void clear(struct config_check *check)
{
    for (size_t i = 0; i < check->header_count; i++) {
        free(check->headers[i].name);
        free(check->headers[i].value);
    }
    free(check->headers);
    free(check->target);
}

/* Those of one kind, or all. */
static void drop(struct config *config, const enum config_check_kind *kind)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->check_count; i++) {
        if (kind == NULL || config->checks[i].kind == *kind)
            clear(&config->checks[i]);
        else
            config->checks[kept++] = config->checks[i];
    }
    config->check_count = kept;
}

void config_checks_clear(struct config *config)
{
    drop(config, NULL);
    free(config->checks);
    config->checks = NULL;
}

/* ---- times and numbers ---- */

/* A time that is not there, or 0, is the default, as in distribution. */
static int take_time(const struct config_node *check, const char *name, uint64_t preset_ms, uint64_t least_ms,
                     uint64_t *ms, struct err *e)
{
    const struct config_node *node = config_node_find(check, name);
    uint64_t nanoseconds = 0;
    struct err cause;

    if (node != NULL && duration_parse(str_of(node->text), &nanoseconds, &cause) != 0)
        return config_node_fail(node, e, "%s", cause.text);
    *ms = nanoseconds == 0 ? preset_ms : nanoseconds / 1000000;
    if (*ms < least_ms || *ms > MOST_MS)
        return config_node_fail(node, e, "write %s to 24h", least_ms > 1 ? "100ms" : "1ms");
    return 0;
}

static int take_count(const struct config_node *check, const char *name, uint64_t preset, uint64_t *out)
{
    const struct config_node *node = config_node_find(check, name);

    *out = 0;
    if (node != NULL)
        str_to_u64(str_of(node->text), out); /* its type was checked */
    if (*out == 0)
        *out = preset;
    return 0;
}

static int take_times(struct config_check *check, const struct config_node *node, struct err *e)
{
    if (take_time(node, "interval", INTERVAL_MS, INTERVAL_LEAST_MS, &check->interval_ms, e) != 0 ||
        take_time(node, "timeout", TIMEOUT_MS, 1, &check->timeout_ms, e) != 0)
        return -1;
    return take_count(node, "threshold", 1, &check->threshold);
}

int take_check_interval(struct config *config, const struct config_key *key, const struct config_node *node,
                        struct err *e)
{
    uint64_t *ms = (uint64_t *)(void *)((char *)config + key->field);
    uint64_t nanoseconds;
    struct err cause;

    if (duration_parse(str_of(node->text), &nanoseconds, &cause) != 0)
        return config_node_fail(node, e, "%s", cause.text);
    *ms = nanoseconds == 0 ? INTERVAL_MS : nanoseconds / 1000000;
    return *ms >= INTERVAL_LEAST_MS && *ms <= MOST_MS ? 0 : config_node_fail(node, e, "write 100ms to 24h");
}

/* ---- what is checked ---- */

static int check_file(const struct config_node *target, struct err *e)
{
    return target->text[0] == '/' ? 0
                                  : config_node_fail(target, e,
                                                     "\"%.80s\" depends on where the server was started; "
                                                     "write it from / on",
                                                     target->text);
}

/* The uri is the check's name, and shown. */
static int check_uri(const struct config_node *target, struct err *e)
{
    struct str uri = str_of(target->text);
    struct str rest = str_from(uri, str_starts(uri, STR("https://")) ? 8 : 7);

    if (!str_starts(uri, STR("http://")) && !str_starts(uri, STR("https://")))
        return config_node_fail(target, e,
                                "\"%.80s\" is no address of a web server; write for example "
                                "https://backend.example.com/health",
                                target->text);
    if (str_find((struct str){rest.p, str_find(rest, '/')}, '@') < str_find(rest, '/'))
        return config_node_fail(target, e,
                                "credentials in an address are shown to whoever asks for health; send them "
                                "with headers: {Authorization: [...]}");
    return 0;
}

static int check_addr(const struct config_node *target, struct err *e)
{
    struct address address;
    struct err cause;

    return address_parse(str_of(target->text), true, &address, &cause) == 0
               ? 0
               : config_node_fail(target, e, "%s", cause.text);
}

static void take_check_headers(struct config_check *check, const struct config_node *names)
{
    for (size_t i = 0; names != NULL && i < names->n; i++) {
        const struct config_node *name = names->members[i];

        for (size_t j = 0; j < name->n; j++) {
            check->headers = xrealloc(check->headers, (check->header_count + 1) * sizeof(*check->headers));
            check->headers[check->header_count++] = (struct config_header){str_dup(str_of(name->key)),
                                                                           str_dup(str_of(name->members[j]->text))};
        }
    }
}

static int check_headers(const struct config_node *names, struct err *e)
{
    for (size_t i = 0; names != NULL && i < names->n; i++)
        if (config_check_header(names->members[i], e) != 0)
            return -1;
    return 0;
}

/* ---- the lists ---- */

static const struct {
    const char *target; /* the member that says what is checked */
    int (*check)(const struct config_node *target, struct err *e);
    const char *example;
} kinds[] = {
    [CONFIG_CHECK_FILE] = {"file", check_file, "{file: /etc/berth/maintenance}"},
    [CONFIG_CHECK_HTTP] = {"uri", check_uri, "{uri: https://backend.example.com/health}"},
    [CONFIG_CHECK_TCP] = {"addr", check_addr, "{addr: \"db.example.com:5432\"}"},
};

static int take_check(struct config_check *check, const struct config_node *node, struct err *e)
{
    const struct config_node *target = config_node_find(node, kinds[check->kind].target);
    const struct config_node *status = config_node_find(node, "statuscode");
    const struct config_node *headers = config_node_find(node, "headers");

    if (target == NULL)
        return config_node_fail(node, e, "a check needs %s; write for example %s", kinds[check->kind].target,
                                kinds[check->kind].example);
    if (kinds[check->kind].check(target, e) != 0 || take_times(check, node, e) != 0 || check_headers(headers, e) != 0)
        return -1;
    take_count(node, "statuscode", STATUS_PRESET, &check->status);
    if (check->status < STATUS_LEAST || check->status > STATUS_MOST)
        return config_node_fail(status, e, "%s is no status of HTTP; write for example 200", status->text);
    check->target = str_dup(str_of(target->text));
    take_check_headers(check, headers);
    return 0;
}

static int take_checks(struct config *config, enum config_check_kind kind, const struct config_node *node,
                       struct err *e)
{
    drop(config, &kind);
    config->checks = xrealloc(config->checks, (config->check_count + node->n + 1) * sizeof(*config->checks));
    for (size_t i = 0; i < node->n; i++) {
        struct config_check check = {.kind = kind};

        if (take_check(&check, node->members[i], e) != 0)
            return -1;
        config->checks[config->check_count++] = check;
    }
    return 0;
}

int take_file_checks(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    return take_checks(config, CONFIG_CHECK_FILE, node, e);
}

int take_http_checks(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    return take_checks(config, CONFIG_CHECK_HTTP, node, e);
}

int take_tcp_checks(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    return take_checks(config, CONFIG_CHECK_TCP, node, e);
}
