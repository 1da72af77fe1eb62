/* Configurations that load, and what they mean. */
#include "tests/unit/config/config_fixture.h"

TEST(defaults, "without file and variables every field has its default")
{
    struct loaded l;

    LOAD("", "", &l);
    CHECK_INT(l.config->log_level, LOG_LEVEL_INFO);
    CHECK_INT(l.config->log_format, LOG_FORMAT_TEXT);
    CHECK_INT(l.config->log_field_count, 0);
    CHECK(!l.config->accesslog_disabled && !l.config->accesslog_json);
    CHECK(l.config->log_file == NULL && l.config->accesslog_file == NULL);
    CHECK_TEXT(l.config->root_directory, "/var/lib/registry");
    CHECK(!l.config->delete_enabled && !l.config->readonly);
    CHECK(l.config->upload_purging.enabled && !l.config->upload_purging.dry_run);
    CHECK_INT(l.config->upload_purging.age_s, 168 * 3600);
    CHECK_INT(l.config->upload_purging.interval_s, 24 * 3600);
    CHECK(l.config->garbage_collection.enabled);
    CHECK_INT(l.config->garbage_collection.grace_s, 24 * 3600);
    CHECK_INT(l.config->garbage_collection.interval_s, 3600);
    CHECK_INT(l.config->garbage_collection.rate, 500);
    CHECK_INT(l.config->reserve, 64 << 20);
    CHECK_INT(l.config->upload_limits.total, 10000);
    CHECK_INT(l.config->upload_limits.per_repository, 1000);
    CHECK_INT(l.config->limits.connections, 0);
    CHECK_INT(l.config->limits.per_address, 1000);
    CHECK_INT(l.config->limits.queue, 4096);
    CHECK_INT(l.config->limits.manifest_bytes, 4 << 20);
    CHECK_INT(l.config->limits.rate, 128);
    CHECK_INT(l.config->timeouts.handshake_ms, 10000);
    CHECK_INT(l.config->timeouts.head_ms, 30000);
    CHECK_INT(l.config->timeouts.idle_ms, 120000);
    CHECK_INT(l.config->timeouts.stall_ms, 30000);
    CHECK_INT(l.config->auth, CONFIG_AUTH_NONE);
    CHECK_TEXT(l.config->http_addr, ":5000");
    CHECK_TEXT(l.config->http_net, "tcp");
    CHECK(l.config->http_host == NULL && !l.config->http_relative_urls);
    CHECK_INT(l.config->drain_timeout_ms, 30000);
    CHECK_INT(l.config->header_count, 0);
    CHECK(l.config->tls_certificate == NULL && l.config->tls_key == NULL && !l.config->tls13_only);
    CHECK_INT(l.config->tls_ciphersuites.n, 0);
    CHECK_INT(l.config->catalog_max_entries, 1000);
    CHECK_INT(l.config->tags_max, 1000);
    CHECK(!l.config->validation_disabled);
    CHECK_INT(l.config->urls_allow.n + l.config->urls_deny.n, 0);
    CHECK_INT(l.config->index_platforms, CONFIG_PLATFORMS_ALL);
    CHECK_INT(l.config->platform_count, 0);
    CHECK_TEXT(l.config->source, "config.yml");
    CHECK(strstr(l.log.p, "config.yml: empty: running with the defaults and the environment") != NULL);
    unload(&l);
}

TEST(everything, "every served key reaches its field")
{
    struct loaded l;

    LOAD("version: 0.1\n"
         "log: {level: debug, formatter: json, fields: {service: registry, number: 5, empty: }, accesslog: {disabled: "
         "true, formatter: json, file: /log/access}, file: /log/berth}\n"
         "storage:\n"
         "  filesystem: {rootdirectory: /data, maxthreads: 100}\n"
         "  delete: {enabled: true}\n"
         "  maintenance: {uploadpurging: {enabled: no, age: 1h30m, interval: 300ms, dryrun: ON}, readonly: {enabled: "
         "Yes},\n"
         "    garbagecollection: {enabled: false, grace: 90m, interval: 2500ms, rate: 7}}\n"
         "auth: {htpasswd: {realm: Our Realm, path: /auth/htpasswd}}\n"
         "http:\n"
         "  addr: '[2001:db8::5]:443'\n"
         "  net: tcp\n"
         "  host: https://registry.example.com:8443/\n"
         "  relativeurls: true\n"
         "  draintimeout: 1500000000\n"
         "  headers: {X-Content-Type-Options: [nosniff], Via: [a, b]}\n"
         "  secret: x\n"
         "  http2: {disabled: true}\n"
         "  h2c: {enabled: true}\n"
         "  tls:\n"
         "    certificate: /certs/c.pem\n"
         "    key: /certs/k.pem\n"
         "    minimumtls: tls1.3\n"
         "    ciphersuites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
         "catalog: {maxentries: 50}\n"
         "tags: {maxtags: 60}\n"
         "validation:\n"
         "  disabled: true\n"
         "  manifests:\n"
         "    urls: {allow: ['^https?://([^/]+\\.)*example\\.com/'], deny: ['^https?://www\\.example\\.com/', x]}\n"
         "    indexes: {platforms: List, platformlist: [{os: linux, architecture: arm, variant: v7}, {architecture: "
         "amd64, os: linux}]}\n",
         "", &l);
    CHECK_INT(l.config->log_level, LOG_LEVEL_DEBUG);
    CHECK_INT(l.config->log_format, LOG_FORMAT_JSON);
    CHECK_INT(l.config->log_field_count, 3);
    CHECK_TEXT(l.config->log_fields[0].key, "service");
    CHECK(str_eq(l.config->log_fields[0].value, STR("registry")));
    CHECK_TEXT(l.config->log_fields[1].key, "number");
    CHECK(str_eq(l.config->log_fields[1].value, STR("5")));
    CHECK(str_eq(l.config->log_fields[2].value, STR("")));
    CHECK(l.config->accesslog_disabled && l.config->accesslog_json);
    CHECK_TEXT(l.config->log_file, "/log/berth");
    CHECK_TEXT(l.config->accesslog_file, "/log/access");
    CHECK_TEXT(l.config->root_directory, "/data");
    CHECK(l.config->delete_enabled && l.config->readonly);
    CHECK(!l.config->upload_purging.enabled && l.config->upload_purging.dry_run);
    CHECK_INT(l.config->upload_purging.age_s, 5400);
    CHECK_INT(l.config->upload_purging.interval_s, 1);
    CHECK(!l.config->garbage_collection.enabled);
    CHECK_INT(l.config->garbage_collection.grace_s, 5400);
    CHECK_INT(l.config->garbage_collection.interval_s, 3);
    CHECK_INT(l.config->garbage_collection.rate, 7);
    CHECK_INT(l.config->auth, CONFIG_AUTH_HTPASSWD);
    CHECK_TEXT(l.config->htpasswd_realm, "Our Realm");
    CHECK_TEXT(l.config->htpasswd_path, "/auth/htpasswd");
    CHECK_TEXT(l.config->http_addr, "[2001:db8::5]:443");
    CHECK_TEXT(l.config->http_host, "https://registry.example.com:8443");
    CHECK(l.config->http_relative_urls);
    CHECK_INT(l.config->drain_timeout_ms, 1500);
    CHECK_INT(l.config->header_count, 3);
    CHECK_TEXT(l.config->headers[0].name, "X-Content-Type-Options");
    CHECK_TEXT(l.config->headers[0].value, "nosniff");
    CHECK_TEXT(l.config->headers[2].name, "Via");
    CHECK_TEXT(l.config->headers[2].value, "b");
    CHECK_TEXT(l.config->tls_certificate, "/certs/c.pem");
    CHECK_TEXT(l.config->tls_key, "/certs/k.pem");
    CHECK(l.config->tls13_only);
    CHECK_INT(l.config->tls_ciphersuites.n, 2);
    CHECK_TEXT(l.config->tls_ciphersuites.items[0], "TLS_AES_128_GCM_SHA256");
    CHECK_TEXT(l.config->tls_ciphersuites.items[1], "ECDHE-RSA-AES128-GCM-SHA256");
    CHECK(strstr(l.log.p, "ECDHE-RSA-AES128-GCM-SHA256 has no effect while http.tls.minimumtls is tls1.3") != NULL);
    CHECK_INT(l.config->catalog_max_entries, 50);
    CHECK_INT(l.config->tags_max, 60);
    CHECK(l.config->validation_disabled);
    CHECK_INT(l.config->urls_allow.n, 1);
    CHECK_TEXT(l.config->urls_allow.items[0], "^https?://([^/]+\\.)*example\\.com/");
    CHECK_INT(l.config->urls_deny.n, 2);
    CHECK_INT(l.config->index_platforms, CONFIG_PLATFORMS_LIST);
    CHECK_INT(l.config->platform_count, 2);
    CHECK_TEXT(l.config->platforms[0].os, "linux");
    CHECK_TEXT(l.config->platforms[0].variant, "v7");
    CHECK_TEXT(l.config->platforms[1].architecture, "amd64");
    CHECK(l.config->platforms[1].variant == NULL);
    unload(&l);
}

/* The file in the image registry:2, word for word in meaning. */
TEST(stock_image, "the configuration of the stock container image loads unchanged and in silence")
{
    struct loaded l;

    LOAD("version: 0.1\n"
         "log:\n  fields:\n    service: registry\n"
         "storage:\n  cache:\n    blobdescriptor: inmemory\n  filesystem:\n    rootdirectory: /var/lib/registry\n"
         "http:\n  addr: :5000\n  headers:\n    X-Content-Type-Options: [nosniff]\n"
         "health:\n  storagedriver:\n    enabled: true\n    interval: 10s\n    threshold: 3\n",
         "PATH=/bin", &l);
    CHECK_TEXT(l.config->http_addr, ":5000");
    CHECK_INT(l.config->header_count, 1);
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    unload(&l);
}

TEST(beside, "the servers beside the registry are off until they are asked for")
{
    struct loaded l;

    LOAD("version: 0.1\n", "", &l);
    CHECK(l.config->acme_webroot == NULL);
    CHECK(l.config->debug_addr == NULL);
    CHECK(!l.config->prometheus_enabled);
    unload(&l);
    LOAD("version: 0.1\nhttp: {debug: {addr: '', prometheus: {enabled: false}}, acme: {addr: '', webroot: ''}}\n", "",
         &l);
    CHECK(l.config->acme_webroot == NULL);
    CHECK(l.config->debug_addr == NULL);
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    unload(&l);
}

TEST(acme, "an ACME webroot is served on port 80 unless told otherwise")
{
    struct loaded l;

    LOAD("version: 0.1\nhttp: {acme: {webroot: /srv/acme}}\n", "", &l);
    CHECK_TEXT(l.config->acme_addr, ":80");
    CHECK_TEXT(l.config->acme_webroot, "/srv/acme");
    unload(&l);
    LOAD("version: 0.1\n", "REGISTRY_HTTP_ACME_ADDR=[::1]:8080\nREGISTRY_HTTP_ACME_WEBROOT=/w", &l);
    CHECK_TEXT(l.config->acme_addr, "[::1]:8080");
    CHECK_TEXT(l.config->acme_webroot, "/w");
    unload(&l);
}

TEST(debug_server, "distribution's keys of the debug server and its metrics are served")
{
    struct loaded l;

    LOAD("version: 0.1\nhttp: {debug: {addr: 'localhost:5001', prometheus: {enabled: true}}}\n", "", &l);
    CHECK_TEXT(l.config->debug_addr, "localhost:5001");
    CHECK(l.config->prometheus_enabled);
    CHECK_TEXT(l.config->prometheus_path, "/metrics");
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    unload(&l);
    LOAD("version: 0.1\nhttp: {debug: {addr: ':5001', prometheus: {path: /a-b_c.d~/e}}}\n", "", &l);
    CHECK(!l.config->prometheus_enabled);
    CHECK_TEXT(l.config->prometheus_path, "/a-b_c.d~/e");
    unload(&l);
    LOAD("version: 0.1\nhttp: {debug: {prometheus: {enabled: true}}}\n", "", &l);
    CHECK(strstr(l.log.p, "level=warn msg=\"http.debug.prometheus has no effect without http.debug.addr\"") != NULL);
    unload(&l);
}

TEST(off_values, "keys that are not served are accepted while they are off")
{
    static const char *const cases[] = {
        "http: {prefix: /}",
        "http: {prefix: ''}",
        "http: {tls: {letsencrypt: {cachefile: '', email: '', hosts: []}}}",
        "http: {tls: }",
        "notifications: {events: {includereferences: true}, endpoints: [{name: x, url: 'http://x', disabled: true}]}",
        "notifications: {endpoints: }",
        "proxy: {remoteurl: '', username: u, password: p, ttl: 168h}",
        "health: {storagedriver: {enabled: true}, file: [], http: , tcp: []}",
        "log: {hooks: [{type: mail, disabled: true}], reporting: {}, reportcaller: true}",
        "reporting: {bugsnag: {apikey: ''}}",
        "redis: {addr: }",
        "middleware: {repository: [{name: x, disabled: true}]}",
        "compatibility: {schema1: {enabled: false, signingkeyfile: /k}}",
        "policy: {repository: {classes: []}}",
        "storage: {cache: {blobdescriptor: redis}, redirect: {disable: true}}",
        "storage: {tag: {concurrencylimit: 8}, filesystem: }",
        "storage: {cache: , delete: {enabled: }}",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;
        char yaml[300];

        snprintf(yaml, sizeof(yaml), "version: 0.1\n%s\n", cases[i]);
        LOAD(yaml, "", &l);
        unload(&l);
    }
}

TEST(short_forms, "auth and storage may be the name of one section alone")
{
    struct loaded l;

    LOAD("version: '0.1'\nstorage: filesystem\nauth: none\n", "", &l);
    CHECK_INT(l.config->auth, CONFIG_AUTH_NONE);
    CHECK_TEXT(l.config->root_directory, "/var/lib/registry");
    unload(&l);
    LOAD("version: '0.1'\nauth: htpasswd\n", "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd", &l);
    CHECK_INT(l.config->auth, CONFIG_AUTH_HTPASSWD);
    CHECK_TEXT(l.config->htpasswd_realm, "Registry");
    unload(&l);
}

TEST(levels, "log levels have the names of logrus, in any case")
{
    static const struct {
        const char *name;
        enum log_level level;
    } cases[] = {{"ERROR", LOG_LEVEL_ERROR}, {"fatal", LOG_LEVEL_ERROR},  {"panic", LOG_LEVEL_ERROR},
                 {"warn", LOG_LEVEL_WARN},   {"warning", LOG_LEVEL_WARN}, {"Info", LOG_LEVEL_INFO},
                 {"debug", LOG_LEVEL_DEBUG}, {"trace", LOG_LEVEL_DEBUG}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;
        char yaml[100];

        snprintf(yaml, sizeof(yaml), "version: 0.1\nlog: {level: %s}\nloglevel: info\n", cases[i].name);
        LOAD(yaml, "", &l);
        CHECK_INT(l.config->log_level, cases[i].level);
        unload(&l);
    }
}

TEST(old_spellings, "loglevel and validation.enabled still mean something")
{
    struct loaded l;

    LOAD("version: 0.1\nloglevel: debug\nvalidation: {enabled: false}\n", "", &l);
    CHECK_INT(l.config->log_level, LOG_LEVEL_DEBUG);
    CHECK(l.config->validation_disabled);
    unload(&l);
    LOAD("version: 0.1\nvalidation: {enabled: true, disabled: false}\n", "", &l);
    CHECK(!l.config->validation_disabled);
    unload(&l);
}

TEST(formats, "logstash is JSON")
{
    struct loaded l;

    LOAD("version: 0.1\nlog: {formatter: logstash}\n", "", &l);
    CHECK_INT(l.config->log_format, LOG_FORMAT_JSON);
    unload(&l);
}

TEST(addresses, "http.addr takes every form of address, and a path for unix")
{
    static const char *const cases[] = {"':5000'", "127.0.0.1:5000", "registry.example.com:443", "'[::]:5000'"};
    struct loaded l;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char yaml[100];

        snprintf(yaml, sizeof(yaml), "version: 0.1\nhttp: {addr: %s}\n", cases[i]);
        LOAD(yaml, "", &l);
        unload(&l);
    }
    LOAD("version: 0.1\nhttp: {net: unix, addr: /run/berth.sock}\n", "", &l);
    CHECK_TEXT(l.config->http_net, "unix");
    CHECK_TEXT(l.config->http_addr, "/run/berth.sock");
    unload(&l);
}

TEST(zero_limits, "a limit of zero means the default")
{
    struct loaded l;

    LOAD("version: 0.1\ncatalog: {maxentries: 0}\ntags: {maxtags: 0}\n", "", &l);
    CHECK_INT(l.config->catalog_max_entries, 1000);
    CHECK_INT(l.config->tags_max, 1000);
    unload(&l);
}

TEST(anchors, "anchors and merges work in a configuration")
{
    struct loaded l;

    LOAD("version: 0.1\nhttp: {headers: &h {X-A: [one]}}\nlog: {fields: {<<: {a: b}, c: d}}\n", "", &l);
    CHECK_INT(l.config->header_count, 1);
    CHECK_INT(l.config->log_field_count, 2);
    unload(&l);
}
