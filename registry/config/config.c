/*
 * From file and environment to a checked configuration:
 *
 *   find and read the file → YAML to a tree (config_tree) → variables over it (config_env) → every node against the
 * table of keys (config_check, config_schema.def), whose `take` functions fill the struct (config_take*) → what only
 * makes sense together (below).
 *
 * Nothing here touches the network or opens the files that the configuration names.
 */
#include "registry/config/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "auth/access.h"
#include "registry/config/address.h"
#include "registry/base/str.h"
#include "registry/config/ciphers.h"
#include "registry/config/config_check.h"
#include "registry/config/config_env.h"
#include "registry/config/config_source.h"
#include "registry/config/config_take.h"
#include "registry/config/config_tree.h"
#include "storage/upkeep/retention.h"

static const char *const candidates[] = {"/etc/berth/config.yml", "/etc/distribution/config.yml",
                                         "/etc/docker/registry/config.yml", NULL};

/* ---- rules about several keys ---- */

static int check_address(const struct config *config, const struct config_node *root, struct err *e)
{
    const struct config_node *addr = config_node_find(root, "http.addr");
    const struct config_node *net = config_node_find(root, "http.net");
    struct address address;
    struct err cause;

    if (strcmp(config->http_net, "unix") == 0) {
        if (addr == NULL)
            return config_node_fail(net, e,
                                    "unix needs a path in http.addr; write for example addr: /run/berth/berth.sock");
        if (strlen(config->http_addr) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return config_node_fail(addr, e, "a socket's path has at most 107 bytes; use a shorter one");
        return 0;
    }
    if (addr != NULL && address_parse(str_of(config->http_addr), true, &address, &cause) != 0)
        return config_node_fail(addr, e, "\"%.80s\": %s", addr->text, cause.text);
    return 0;
}

static int check_beside(const struct config *config, const struct config_node *root, struct err *e)
{
    const struct config_node *acme = config_node_find(root, "http.acme.addr");
    const struct config_node *debug = config_node_find(root, "http.debug.addr");
    struct address address;
    struct err cause;

    if (acme != NULL && config->acme_webroot == NULL)
        return config_node_fail(
            acme, e,
            "needs http.acme.webroot, the folder that your ACME client writes to; set it, or remove http.acme");
    if (acme != NULL && address_parse(str_of(config->acme_addr), true, &address, &cause) != 0)
        return config_node_fail(acme, e, "\"%.80s\": %s", acme->text, cause.text);
    if (config->debug_addr != NULL && address_parse(str_of(config->debug_addr), true, &address, &cause) != 0)
        return config_node_fail(debug, e, "\"%.80s\": %s", debug->text, cause.text);
    if (config->debug_addr == NULL && config->prometheus_enabled)
        log_warn("http.debug.prometheus has no effect without http.debug.addr");
    return 0;
}

static int check_tls(const struct config *config, const struct config_node *root, struct err *e)
{
    if (config->tls_certificate != NULL && config->tls_key == NULL)
        return config_node_fail(config_node_find(root, "http.tls.certificate"), e,
                                "there is no http.tls.key to it; set both, or neither for plain HTTP");
    if (config->tls_key != NULL && config->tls_certificate == NULL)
        return config_node_fail(config_node_find(root, "http.tls.key"), e,
                                "there is no http.tls.certificate to it; set both, or neither for plain HTTP");
    for (size_t i = 0; config->tls13_only && i < config->tls_ciphersuites.n; i++)
        if (!cipher_is_tls13(config->tls_ciphersuites.items[i]))
            log_warn("http.tls.ciphersuites: %s has no effect while http.tls.minimumtls is tls1.3",
                     config->tls_ciphersuites.items[i]);
    return 0;
}

static int check_auth(const struct config *config, const struct config_node *root, struct err *e)
{
    const struct config_node *auth = config_node_find(root, "auth");

    if (config->auth != CONFIG_AUTH_HTPASSWD || config->htpasswd_path != NULL)
        return 0;
    return config_node_fail(config_node_get(auth, STR("htpasswd")), e,
                            "needs auth.htpasswd.path, the file of users; write for example path: /etc/berth/htpasswd");
}

static int check_platforms(const struct config *config, const struct config_node *root, struct err *e)
{
    if (config->index_platforms == CONFIG_PLATFORMS_LIST && config->platform_count == 0)
        return config_node_fail(
            config_node_find(root, "validation.manifests.indexes.platforms"), e,
            "list needs platformlist beside it; write for example platformlist: [{os: linux, architecture: amd64}]");
    if (config->index_platforms != CONFIG_PLATFORMS_LIST && config->platform_count > 0)
        return config_node_fail(config_node_find(root, "validation.manifests.indexes.platformlist"), e,
                                "only read when platforms is list; write platforms: list, or remove it");
    return 0;
}

static int check_purging(const struct config *config, const struct config_node *root, struct err *e)
{
    if (!config->upload_purging.enabled || config->upload_purging.interval_s > 0)
        return 0;
    return config_node_fail(config_node_find(root, "storage.maintenance.uploadpurging.interval"), e,
                            "purging without a pause; write for example interval: 24h, or enabled: false");
}

static int check_sweeping(const struct config *config, const struct config_node *root, struct err *e)
{
    if (config->garbage_collection.grace_s == 0)
        return config_node_fail(config_node_find(root, "storage.maintenance.garbagecollection.grace"), e,
                                "without it the blobs of a push would go before its manifest comes; write for example "
                                "grace: 24h");
    if (!config->garbage_collection.enabled || config->garbage_collection.interval_s > 0)
        return 0;
    return config_node_fail(config_node_find(root, "storage.maintenance.garbagecollection.interval"), e,
                            "sweeping without a pause; write for example interval: 1h, or enabled: false");
}

static int check_scrubbing(const struct config *config, const struct config_node *root, struct err *e)
{
    if (!config->scrub.enabled)
        return 0;
    if (config->scrub.interval_s == 0)
        return config_node_fail(config_node_find(root, "storage.maintenance.scrub.interval"), e,
                                "scrubbing without a pause; write for example interval: 720h, or enabled: false");
    if (config->scrub.rate > 0)
        return 0;
    return config_node_fail(config_node_find(root, "storage.maintenance.scrub.rate"), e,
                            "scrubbing at no speed; write for example rate: 20MiB, or enabled: false");
}

static int check_throttle(const struct config *config, const struct config_node *root, struct err *e)
{
    if (config->throttle.recover_ms > 0)
        return 0;
    return config_node_fail(config_node_find(root, "access.throttle.recover"), e,
                            "attempts that come back at once throttle nobody; write for example recover: 6s, or "
                            "disabled: true");
}

static int check_together(const struct config *config, const struct config_node *root, struct err *e)
{
    static int (*const rules[])(const struct config *config, const struct config_node *root, struct err *e) = {
        check_address, check_beside,   check_tls,       check_auth,     check_platforms,
        check_purging, check_sweeping, check_scrubbing, check_throttle,
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i](config, root, e) != 0)
            return -1;
    return 0;
}

/* ---- loading ---- */

/* The tree of the file's text; an empty map when there is no file or nothing in it. */
static struct config_node *read_tree(const char *path, struct str text, struct err *e)
{
    struct config_node *root = NULL;

    if (path != NULL) {
        root = config_tree_parse(text, str_of(path), true, e);
        if (root == NULL)
            return NULL;
    }
    if (root == NULL || config_node_is_unset(root)) {
        log_info("%s%s: running with the defaults and the environment", path == NULL ? "no configuration file" : path,
                 path == NULL ? "" : ": empty");
        config_node_free(&root);
        return config_node_container(CONFIG_MAP, (struct config_origin){.name = STR("environment")});
    }
    if (root->kind == CONFIG_MAP && config_node_find(root, "version") == NULL) {
        err_set(e, ERR_INVALID, "%s:1: version: missing; add the line `version: 0.1`", path);
        config_node_free(&root);
        return NULL;
    }
    return root;
}

static int fill(struct config *config, struct config_node *root, char *const *environment, struct err *e)
{
    if (root->kind != CONFIG_MAP)
        return config_node_fail(root, e, "a configuration is a map of keys; begin with `version: 0.1`");
    config_schema_expand(root);
    if (config_env_apply(root, environment, e) != 0)
        return -1;
    if (config_check_defaults(config, e) != 0 || config_check_tree(config, root, e) != 0)
        return -1;
    if (check_together(config, root, e) != 0)
        return -1;
    if (config_settle_access(config, config_node_find(root, "access"), e) != 0)
        return -1;
    if (config_settle_retention(config, root, e) != 0)
        return -1;
    return config_settle_certificates(config, root, e);
}

/* *root is the tree that it was made of. */
static struct config *make(const char *path, struct str text, char *const *environment, struct config_node **root,
                           struct err *e)
{
    struct config *config;

    *root = read_tree(path, text, e);
    if (*root == NULL)
        return NULL;
    config = xcalloc(1, sizeof(*config));
    if (path != NULL)
        config->source = str_dup(str_of(path));
    if (fill(config, *root, environment, e) == 0)
        return config;
    config_free(&config);
    config_node_free(root);
    return NULL;
}

struct config *config_of_text(const char *path, struct str text, char *const *environment, struct err *e)
{
    struct config_node *root;
    struct config *config = make(path, text, environment, &root, e);

    config_node_free(&root);
    return config;
}

struct config *config_load_tree(const char *path, char *const *environment, struct config_node **root, struct err *e)
{
    struct config *config = NULL;
    struct sbuf text = {0};

    *root = NULL;
    path = config_source_find(path, environment, candidates);
    if (path == NULL || config_source_read(path, &text, e) == 0)
        config = make(path, (struct str){text.p, text.n}, environment, root, e);
    if (config != NULL && path != NULL)
        log_info("configuration: %s", path);
    sbuf_free(&text);
    return config;
}

struct config *config_load(const char *path, char *const *environment, struct err *e)
{
    struct config_node *root;
    struct config *config = config_load_tree(path, environment, &root, e);

    config_node_free(&root);
    return config;
}

bool config_verifies(enum config_client_auth mode)
{
    return mode == CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN || mode == CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY;
}

void config_free(struct config **config)
{
    struct config *c = *config;

    if (c == NULL)
        return;
    char *const texts[] = {c->log_file,        c->accesslog_file, c->root_directory, c->htpasswd_realm,
                           c->htpasswd_path,   c->http_addr,      c->http_net,       c->http_host,
                           c->tls_certificate, c->tls_key,        c->source,         c->access_file,
                           c->acme_addr,       c->acme_webroot,   c->debug_addr,     c->prometheus_path};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    access_free(&c->access);
    retention_free(&c->retention.rules);
    free(c->log_fields); /* with the texts behind them */
    config_headers_clear(c);
    config_platforms_clear(c);
    config_quotas_clear(c);
    config_checks_clear(c);
    config_endpoints_clear(c);
    config_list_clear(&c->tls_ciphersuites);
    config_list_clear(&c->client_cas);
    config_list_clear(&c->client_crls);
    config_list_clear(&c->urls_allow);
    config_list_clear(&c->urls_deny);
    free(c);
    *config = NULL;
}
