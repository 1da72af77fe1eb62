/*
 * Configuration: distribution's YAML and environment, checked against one table of keys.
 *
 * Thread: config_load() once at start-up; the result is read-only.
 */
#ifndef BERTH_CONFIG_CONFIG_H
#define BERTH_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/log.h"
#include "registry/base/str.h"

struct access;
struct config_node;
struct retention;

enum config_auth { CONFIG_AUTH_NONE, CONFIG_AUTH_HTPASSWD };

/* http.tls.clientauth: is a certificate asked for, must there be one, and is it verified? */
enum config_client_auth {
    CONFIG_CLIENT_AUTH_NONE, /* not asked for */
    CONFIG_CLIENT_AUTH_REQUEST,
    CONFIG_CLIENT_AUTH_REQUIRE_ANY,
    CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN,
    CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY,
};
/* access.certificates.name: which name of a verified certificate is its user's. */
enum config_certificate_name {
    CONFIG_CERTIFICATE_CN,
    CONFIG_CERTIFICATE_DNS,
    CONFIG_CERTIFICATE_EMAIL,
    CONFIG_CERTIFICATE_URI,
};
/* access.certificates.policy: who is the user? */
enum config_certificate_policy {
    CONFIG_CERTIFICATE_CONNECTION, /* whom the password names; the certificate only opens the connection */
    CONFIG_CERTIFICATE_EITHER,     /* whom the certificate names, or a password */
    CONFIG_CERTIFICATE_BOTH,       /* whom the certificate names, with that very user's password */
};
enum config_platforms { CONFIG_PLATFORMS_ALL, CONFIG_PLATFORMS_NONE, CONFIG_PLATFORMS_LIST };

enum { CONFIG_MANIFEST_MAX = 16 * 1024 * 1024 };

struct config_list {
    char **items;
    size_t n;
};

/* One reply header: http.headers is a map of lists. */
struct config_header {
    char *name;
    char *value;
};

/* storage.quotas */
struct config_quota {
    char *path; /* without a slash at its end; empty: all repositories */
    uint64_t limit;
};

/* health.file, health.http, health.tcp */
enum config_check_kind { CONFIG_CHECK_FILE, CONFIG_CHECK_HTTP, CONFIG_CHECK_TCP };

struct config_check {
    enum config_check_kind kind;
    char *target; /* a path, an http or https address, "host:port" */
    uint64_t interval_ms;
    uint64_t timeout_ms;
    uint64_t threshold; /* failures one after the other, from 1, that make it count */
    uint64_t status;    /* of HTTP that is expected */
    struct config_header *headers;
    size_t header_count;
};

struct config_platform {
    char *os;
    char *architecture;
    char *variant; /* or NULL */
};

/* What notifications tell of. */
enum event_action { ACTION_PUSH, ACTION_PULL, ACTION_MOUNT, ACTION_DELETE, ACTIONS };
extern const char *const event_action_names[ACTIONS];

/* notifications.endpoints */
struct config_endpoint {
    char *name;
    char *url; /* may hold secrets, as may the headers */
    bool disabled;
    struct config_header *headers;
    size_t header_count;
    uint64_t timeout_ms;
    uint64_t threshold; /* failures in a row before it waits */
    uint64_t backoff_ms;
    struct config_list ignored_types;
    bool ignored[ACTIONS];
    char *ca_file; /* or NULL */
};

struct config {
    /* log */
    enum log_level log_level;
    enum log_format log_format;
    struct log_field *log_fields;
    size_t log_field_count;
    char *log_file; /* NULL: stderr */
    bool accesslog_disabled;
    bool accesslog_json;  /* else combined */
    char *accesslog_file; /* NULL: stdout */

    /* storage */
    char *root_directory;
    bool delete_enabled;
    bool readonly;
    struct {
        bool enabled;
        bool dry_run;
        uint64_t age_s;
        uint64_t interval_s;
    } upload_purging;
    struct {
        bool enabled;
        uint64_t grace_s;
        uint64_t interval_s;
        uint64_t rate; /* blobs removed a second, at most */
        bool delete_untagged;
    } garbage_collection;
    struct {
        bool enabled;
        uint64_t interval_s;
        struct retention *rules; /* NULL: none */
    } retention;
    uint64_t history_keep_s; /* 0: forgotten at the next sweep */
    struct {
        bool enabled;
        uint64_t interval_s; /* from the end of one pass to the start of the next */
        uint64_t rate;       /* bytes read a second, at most */
    } scrub;

    struct config_quota *quotas;
    size_t quota_count;
    uint64_t reserve; /* bytes of the file system that uploads leave free */
    struct {
        uint64_t total; /* sessions at once */
        uint64_t per_repository;
    } upload_limits;

    /* auth */
    enum config_auth auth;
    char *htpasswd_realm;
    char *htpasswd_path;

    /* http */
    char *http_addr;
    char *http_net;  /* "tcp" or "unix" */
    char *http_host; /* scheme://host[:port] put in front of Locations, or NULL: Locations are relative */
    bool http_relative_urls;
    uint64_t drain_timeout_ms;
    struct {
        uint64_t connections; /* at once; 0: as many as there are descriptors for */
        uint64_t per_address;
        uint64_t queue;          /* requests that wait for a worker or for the metadata writer */
        uint64_t manifest_bytes; /* at most CONFIG_MANIFEST_MAX */
        uint64_t rate;           /* bytes a second that a body and a reply must move at least */
    } limits;
    struct {
        uint64_t handshake_ms; /* for TLS to be agreed on */
        uint64_t head_ms;      /* for a head to come, from its first byte */
        uint64_t idle_ms;      /* between two requests */
        uint64_t stall_ms;     /* the time over which limits.rate is measured */
    } timeouts;
    struct config_header *headers;
    size_t header_count;
    char *tls_certificate; /* NULL: plain HTTP */
    char *tls_key;
    bool tls13_only;                     /* http.tls.minimumtls: tls1.3 */
    struct config_list tls_ciphersuites; /* OpenSSL names, translated from Go's; empty: default */
    enum config_client_auth client_auth;
    struct config_list client_cas;  /* PEM files of the authorities of client certificates */
    struct config_list client_crls; /* PEM files of revocation lists */

    /* access */
    char *access_file;     /* the rules are in a file of their own */
    struct access *access; /* the rules that are here; NULL: none */
    struct {
        bool disabled;
        uint64_t address_burst;
        uint64_t user_burst;
        uint64_t recover_ms;
    } throttle; /* as of auth/throttle.h */

    /* access.certificates */
    enum config_certificate_name certificate_name;
    enum config_certificate_policy certificate_policy;

    /* servers beside the registry (registry/side.h) */
    char *acme_addr;
    char *acme_webroot; /* NULL: no ACME server */
    char *debug_addr;   /* NULL: no debug server */
    bool prometheus_enabled;
    char *prometheus_path; /* begins with a slash */

    /* limits */
    uint64_t catalog_max_entries;
    uint64_t tags_max;

    /* validation */
    bool validation_disabled;
    struct config_list urls_allow; /* regular expressions (POSIX extended) */
    struct config_list urls_deny;
    enum config_platforms index_platforms;
    struct config_platform *platforms; /* of CONFIG_PLATFORMS_LIST */
    size_t platform_count;

    /* health */
    struct {
        bool enabled;
        uint64_t interval_ms;
        uint64_t threshold;
    } storage_check;
    struct config_check *checks;
    size_t check_count;
    struct {
        struct config_endpoint *endpoints;
        size_t count;
        bool references;      /* manifests' events name what they refer to */
        uint64_t queue_limit; /* bytes */
    } notifications;

    char *source; /* the file it came from, or NULL: defaults and environment only */
};

/* Read `path` (NULL: REGISTRY_CONFIGURATION_PATH, else the first that exists of /etc/berth/config.yml,
 * /etc/distribution/config.yml, /etc/docker/registry/config.yml), apply `environment` (as environ(7)), check. Errors
 * read "FILE:LINE: KEY: what is wrong; what to do". Unknown environment variables are logged with the nearest key. */
struct config *config_load(const char *path, char *const *environment, struct err *e);
/* The same of the text of a file called `path`; NULL: there is no file, and `text` is empty. */
struct config *config_of_text(const char *path, struct str text, char *const *environment, struct err *e);
/* As config_load(), for whoever wants to know where it says what: *root is the tree that it was made of, with the
 * environment over it, which the caller frees, and which borrows from `path` and `environment`. NULL after a failure. */
struct config *config_load_tree(const char *path, char *const *environment, struct config_node **root, struct err *e);
void config_free(struct config **config);

/* Are the certificates that clients show verified? Only such a certificate says anything about its owner. */
bool config_verifies(enum config_client_auth mode);

#endif
