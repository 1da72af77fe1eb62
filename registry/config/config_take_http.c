#include "registry/config/config_take.h"

#include <stdlib.h>
#include <string.h>

#include "registry/config/address.h"
#include "registry/config/ciphers.h"
#include "registry/config/duration.h"
#include "registry/config/size.h"

enum { MANIFEST_LEAST = 64 * 1024 };

int take_net(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    if (strcmp(node->text, "tcp") != 0 && strcmp(node->text, "unix") != 0)
        return config_node_fail(node, e, "\"%.80s\" is no kind of network; write tcp, or unix with a path in http.addr",
                                node->text);
    return take_text(config, key, node, e);
}

/* Kept without a final slash: Locations are this text and a path. */
int take_host(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    static const struct str schemes[] = {STR("https://"), STR("http://")};
    struct str url = str_of(node->text), authority = {0};
    struct address address;
    struct err cause;

    (void)key;
    for (size_t i = 0; i < 2; i++)
        if (str_eq_nocase((struct str){url.p, schemes[i].n < url.n ? schemes[i].n : url.n}, schemes[i]))
            authority = str_from(url, schemes[i].n);
    if (authority.n == 0)
        return config_node_fail(node, e,
                                "not a URL with http:// or https://; write for example https://registry.example.com");
    if (authority.p[authority.n - 1] == '/') {
        authority.n--;
        url.n--;
    }
    if (str_find(authority, '/') < authority.n)
        return config_node_fail(node, e, "a path behind the host; write only scheme, host and port");
    if (address_parse(authority, false, &address, &cause) != 0)
        return config_node_fail(node, e, "%s", cause.text);
    if (address.host.n == 0)
        return config_node_fail(node, e, "no host in the URL; write for example https://registry.example.com");
    free(config->http_host);
    config->http_host = str_dup(url);
    return 0;
}

static int check_header_name(const struct config_node *header, struct err *e)
{
    /* Framing and connection belong to the protocol (RFC 9112 §6, RFC 9110 §7.6.1). */
    static const struct str own[] = {
        STR("Connection"), STR("Content-Length"), STR("Keep-Alive"), STR("Proxy-Connection"),
        STR("TE"),         STR("Trailer"),        STR("Upgrade"),    STR("Transfer-Encoding")};
    struct str name = str_of(header->key);

    if (!str_is_token(name))
        return config_node_fail(header, e, "not a header name (RFC 9110); use letters, digits and hyphens");
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (str_eq_nocase(name, own[i]))
            return config_node_fail(header, e, "this header frames the reply and is the server's alone; remove it");
    return 0;
}

/* RFC 9110 §5.5: a line break in a value would begin another header. */
static int check_header_value(const struct config_node *value, struct err *e)
{
    for (const char *p = value->text; *p != '\0'; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return config_node_fail(value, e, "a line break or control character in a header; write it on one line");
    return 0;
}

int config_check_header(const struct config_node *header, struct err *e)
{
    if (check_header_name(header, e) != 0)
        return -1;
    for (size_t j = 0; j < header->n; j++)
        if (check_header_value(header->members[j], e) != 0)
            return -1;
    return 0;
}

void config_headers_clear(struct config *config)
{
    for (size_t i = 0; i < config->header_count; i++) {
        free(config->headers[i].name);
        free(config->headers[i].value);
    }
    free(config->headers);
    config->headers = NULL;
    config->header_count = 0;
}

static void add_header(struct config *config, const struct config_node *name, const struct config_node *value)
{
    config->headers = xrealloc(config->headers, (config->header_count + 1) * sizeof(struct config_header));
    config->headers[config->header_count++] = (struct config_header){str_dup(str_of(name->key)),
                                                                     str_dup(str_of(value->text))};
}

int take_headers(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    config_headers_clear(config);
    for (size_t i = 0; i < node->n; i++) {
        const struct config_node *header = node->members[i];

        if (config_check_header(header, e) != 0)
            return -1;
        for (size_t j = 0; j < header->n; j++)
            add_header(config, header, header->members[j]);
    }
    return 0;
}

/* Compared with paths as they are sent: so nothing that would have to be escaped. */
int take_prometheus_path(struct config *config, const struct config_key *key, const struct config_node *node,
                         struct err *e)
{
    static const struct str marks = STR("/-._~");

    for (const char *p = node->text; *p != '\0'; p++) {
        bool alphanumeric = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

        if (!alphanumeric && str_find(marks, *p) == marks.n)
            return config_node_fail(node, e,
                                    "a path has letters, digits and / - . _ ~ only; write for example /metrics");
    }
    if (node->text[0] != '/')
        return config_node_fail(node, e, "a path begins with a slash; write for example /metrics");
    if (strcmp(node->text, "/debug/health") == 0 || strcmp(node->text, "/livez") == 0 ||
        strcmp(node->text, "/readyz") == 0)
        return config_node_fail(node, e, "this path tells the server's health; choose another, for example /metrics");
    return take_text(config, key, node, e);
}

int take_minimum_tls(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    (void)key;
    if (strcmp(node->text, "tls1.0") == 0 || strcmp(node->text, "tls1.1") == 0)
        return config_node_fail(node, e, "%s is broken and not served (RFC 8996); write tls1.2 or tls1.3", node->text);
    if (strcmp(node->text, "tls1.2") != 0 && strcmp(node->text, "tls1.3") != 0)
        return config_node_fail(node, e, "\"%.80s\" is no TLS version; write tls1.2 or tls1.3", node->text);
    config->tls13_only = strcmp(node->text, "tls1.3") == 0;
    return 0;
}

int take_ciphersuites(struct config *config, const struct config_key *key, const struct config_node *node,
                      struct err *e)
{
    (void)key;
    config_list_clear(&config->tls_ciphersuites);
    for (size_t i = 0; i < node->n; i++) {
        struct err cause;
        const char *name = cipher_from_go(str_of(node->members[i]->text), &cause);

        if (name == NULL)
            return config_node_fail(node->members[i], e, "%s", cause.text);
        config_list_add(&config->tls_ciphersuites, str_of(name));
    }
    return 0;
}

int take_manifest_size(struct config *config, const struct config_key *key, const struct config_node *node,
                       struct err *e)
{
    uint64_t bytes;

    if (size_parse(str_of(node->text), &bytes, NULL) != 0 || bytes < MANIFEST_LEAST || bytes > CONFIG_MANIFEST_MAX)
        return config_node_fail(node, e, "\"%.80s\" is not between 64KiB and 16MiB", node->text);
    return take_size(config, key, node, e);
}

/* The timers tick once a second; none at all would keep what a client has left behind for ever. */
int take_timeout(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    uint64_t nanoseconds;

    if (duration_parse(str_of(node->text), &nanoseconds, NULL) != 0 || nanoseconds < 1000000000)
        return config_node_fail(node, e, "\"%.80s\" is less than a second, the least there is; write for example %s",
                                node->text, key->preset);
    return take_milliseconds(config, key, node, e);
}
