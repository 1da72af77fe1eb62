/*
 * notifications.endpoints. URLs and headers hold secrets: no error shows them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/config/address.h"
#include "registry/config/config_take.h"
#include "registry/config/duration.h"
#include "registry/config/size.h"

enum {
    NAME_MAX_BYTES = 255,
    TIMEOUT_MS = 1000, /* these three are distribution's defaults */
    THRESHOLD = 10,
    BACKOFF_MS = 1000,
    QUEUE_LEAST = 1024 * 1024,
};

const char *const event_action_names[ACTIONS] = {
    [ACTION_PUSH] = "push",
    [ACTION_PULL] = "pull",
    [ACTION_MOUNT] = "mount",
    [ACTION_DELETE] = "delete",
};

static void clear(struct config_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->header_count; i++) {
        free(endpoint->headers[i].name);
        free(endpoint->headers[i].value);
    }
    free(endpoint->headers);
    config_list_clear(&endpoint->ignored_types);
    free(endpoint->name);
    free(endpoint->url);
    free(endpoint->ca_file);
}

void config_endpoints_clear(struct config *config)
{
    for (size_t i = 0; i < config->notifications.count; i++)
        clear(&config->notifications.endpoints[i]);
    free(config->notifications.endpoints);
    config->notifications.endpoints = NULL;
    config->notifications.count = 0;
}

/* ---- the keys of one ---- */

/* One without a name, which distribution allows, is called by its place. */
static int take_name(struct config_endpoint *endpoint, const struct config_node *node, size_t index, struct err *e)
{
    const struct config_node *name = config_node_find(node, "name");
    struct sbuf number = {0};

    if (name == NULL) {
        sbuf_printf(&number, "endpoint-%zu", index);
        endpoint->name = str_dup((struct str){number.p, number.n});
        sbuf_free(&number);
        return 0;
    }
    if (strlen(name->text) > NAME_MAX_BYTES)
        return config_node_fail(name, e, "a name has at most %d bytes; shorten it", NAME_MAX_BYTES);
    for (const char *p = name->text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return config_node_fail(name, e, "a control character in the name; remove it");
    endpoint->name = str_dup(str_of(name->text));
    return 0;
}

/* The host and port of a URL, without who logs in there; empty when it is none that can be called. */
static struct str authority_of(struct str url)
{
    static const struct str schemes[] = {STR("https://"), STR("http://")};
    struct str authority = {0};
    size_t at;

    for (size_t i = 0; i < 2; i++)
        if (str_eq_nocase((struct str){url.p, schemes[i].n < url.n ? schemes[i].n : url.n}, schemes[i]))
            authority = str_from(url, schemes[i].n);
    for (size_t i = 0; i < authority.n; i++)
        if (authority.p[i] == '/' || authority.p[i] == '?' || authority.p[i] == '#')
            authority.n = i;
    while ((at = str_find(authority, '@')) < authority.n)
        authority = str_from(authority, at + 1);
    return authority;
}

static int take_url(struct config_endpoint *endpoint, const struct config_node *node, struct err *e)
{
    static const char example[] = "https://hooks.example.com/events";
    const struct config_node *url = config_node_find(node, "url");
    struct address address;
    struct str authority;

    if (url == NULL)
        return endpoint->disabled ? 0
                                  : config_node_fail(node, e, "there is no url; write for example url: %s", example);
    for (const char *p = url->text; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return config_node_fail(url, e, "a blank or control character in the URL; remove it, or write %%20");
    authority = authority_of(str_of(url->text));
    if (authority.n == 0 || address_parse(authority, false, &address, NULL) != 0 || address.host.n == 0)
        return config_node_fail(url, e, "not a URL with http:// or https:// and a host; write for example %s", example);
    endpoint->url = str_dup(str_of(url->text));
    return 0;
}

static void add_header(struct config_endpoint *endpoint, const char *name, const char *value)
{
    endpoint->headers = xrealloc(endpoint->headers, (endpoint->header_count + 1) * sizeof(*endpoint->headers));
    endpoint->headers[endpoint->header_count++] = (struct config_header){str_dup(str_of(name)), str_dup(str_of(value))};
}

static int take_header(struct config_endpoint *endpoint, const struct config_node *header, struct err *e)
{
    if (header->kind != CONFIG_LIST)
        return config_node_fail(header, e, "wants a list; put the value in brackets: [value]");
    for (size_t i = 0; i < header->n; i++)
        if (header->members[i]->kind != CONFIG_SCALAR)
            return config_node_fail(header->members[i], e, "wants one value; write it in quotes");
    if (config_check_header(header, e) != 0)
        return -1;
    for (size_t i = 0; i < header->n; i++)
        add_header(endpoint, header->key, header->members[i]->text);
    return 0;
}

static int take_all_headers(struct config_endpoint *endpoint, const struct config_node *node, struct err *e)
{
    const struct config_node *headers = config_node_find(node, "headers");

    for (size_t i = 0; headers != NULL && i < headers->n; i++)
        if (take_header(endpoint, headers->members[i], e) != 0)
            return -1;
    return 0;
}

/* 0 is the default, as it is in distribution. */
static void take_time(const struct config_node *node, const char *key, uint64_t preset_ms, uint64_t *ms)
{
    const struct config_node *duration = config_node_find(node, key);
    uint64_t nanoseconds = 0;

    if (duration != NULL)
        (void)duration_parse(str_of(duration->text), &nanoseconds, NULL); /* its type was checked */
    *ms = nanoseconds == 0 ? preset_ms : nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
}

static void take_types(struct config_endpoint *endpoint, const struct config_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++)
        config_list_add(&endpoint->ignored_types, str_of(list->members[i]->text));
}

static int take_action(struct config_endpoint *endpoint, const struct config_node *name, struct err *e)
{
    for (size_t i = 0; i < ACTIONS; i++)
        if (strcmp(name->text, event_action_names[i]) == 0) {
            endpoint->ignored[i] = true;
            return 0;
        }
    return config_node_fail(name, e, "\"%.80s\" is no action; write push, pull, mount or delete", name->text);
}

static int take_ignored(struct config_endpoint *endpoint, const struct config_node *node, struct err *e)
{
    const struct config_node *actions = config_node_find(node, "ignore.actions");

    take_types(endpoint, config_node_find(node, "ignoredmediatypes"));
    take_types(endpoint, config_node_find(node, "ignore.mediatypes"));
    for (size_t i = 0; actions != NULL && i < actions->n; i++)
        if (take_action(endpoint, actions->members[i], e) != 0)
            return -1;
    return 0;
}

static int take_endpoint(struct config_endpoint *endpoint, const struct config_node *node, size_t index, struct err *e)
{
    const struct config_node *disabled = config_node_find(node, "disabled");
    const struct config_node *threshold = config_node_find(node, "threshold");
    const struct config_node *ca_file = config_node_find(node, "cafile");

    if (disabled != NULL)
        config_node_bool(disabled, &endpoint->disabled);
    if (threshold != NULL)
        str_to_u64(str_of(threshold->text), &endpoint->threshold);
    if (endpoint->threshold == 0)
        endpoint->threshold = THRESHOLD;
    take_time(node, "timeout", TIMEOUT_MS, &endpoint->timeout_ms);
    take_time(node, "backoff", BACKOFF_MS, &endpoint->backoff_ms);
    if (ca_file != NULL)
        endpoint->ca_file = str_dup(str_of(ca_file->text));
    if (take_name(endpoint, node, index, e) != 0 || take_url(endpoint, node, e) != 0 ||
        take_all_headers(endpoint, node, e) != 0)
        return -1;
    return take_ignored(endpoint, node, e);
}

/* ---- all of them ---- */

static bool name_is_taken(const struct config *config, const char *name)
{
    for (size_t i = 0; i + 1 < config->notifications.count; i++)
        if (strcmp(config->notifications.endpoints[i].name, name) == 0)
            return true;
    return false;
}

int take_endpoints(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    config_endpoints_clear(config);
    config->notifications.endpoints = xcalloc(node->n == 0 ? 1 : node->n, sizeof(struct config_endpoint));
    for (size_t i = 0; i < node->n; i++) {
        struct config_endpoint *endpoint = &config->notifications.endpoints[i];

        config->notifications.count++;
        if (take_endpoint(endpoint, node->members[i], i, e) != 0)
            return -1;
        if (name_is_taken(config, endpoint->name))
            return config_node_fail(node->members[i], e,
                                    "a second endpoint of the name %.80s; what waits for an endpoint is kept under its "
                                    "name, so choose another",
                                    endpoint->name);
    }
    return 0;
}

int take_queue_limit(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    if (take_size(config, key, node, e) != 0)
        return -1;
    if (config->notifications.queue_limit < QUEUE_LEAST)
        return config_node_fail(node, e,
                                "too small to keep what happens while an endpoint restarts; write at least "
                                "1MiB");
    return 0;
}
