/* REGISTRY_ variables. */
#include "auth/access.h"
#include "tests/unit/config/config_fixture.h"

#define BASE "version: 0.1\n"

TEST(container, "the variables of the usual container command line work")
{
    struct loaded l;

    LOAD(BASE "http: {addr: ':5000', headers: {X-Content-Type-Options: [nosniff]}}\nstorage: {filesystem: "
              "{rootdirectory: /old}}\n",
         "REGISTRY_HTTP_TLS_CERTIFICATE=/certs/registry.pem\n"
         "REGISTRY_HTTP_TLS_KEY=/certs/registry-key.pem\n"
         "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd\n"
         "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm\n"
         "REGISTRY_AUTH=htpasswd\n"
         "REGISTRY_STORAGE_DELETE_ENABLED=true\n"
         "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/data\n"
         "REGISTRY_HTTP_ADDR=[::]:443\n"
         "REGISTRY_LOG_LEVEL=debug\n"
         "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true\n"
         "HOME=/root",
         &l);
    CHECK_TEXT(l.config->tls_certificate, "/certs/registry.pem");
    CHECK_TEXT(l.config->tls_key, "/certs/registry-key.pem");
    CHECK_INT(l.config->auth, CONFIG_AUTH_HTPASSWD);
    CHECK_TEXT(l.config->htpasswd_realm, "Registry Realm");
    CHECK_TEXT(l.config->htpasswd_path, "/auth/htpasswd");
    CHECK(l.config->delete_enabled && l.config->readonly);
    CHECK_TEXT(l.config->root_directory, "/data");
    CHECK_TEXT(l.config->http_addr, "[::]:443");
    CHECK_INT(l.config->log_level, LOG_LEVEL_DEBUG);
    CHECK_INT(l.config->header_count, 1);
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    unload(&l);
}

TEST(maps, "a variable replaces a section with all that was in it, and longer names are applied after")
{
    struct loaded l;

    LOAD(BASE "storage: {delete: {enabled: true}, filesystem: {rootdirectory: /old}}\n",
         "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/new\nREGISTRY_STORAGE=filesystem", &l);
    CHECK(!l.config->delete_enabled);
    CHECK_TEXT(l.config->root_directory, "/new");
    unload(&l);
    LOAD(BASE, "REGISTRY_STORAGE_MAINTENANCE={readonly: {enabled: true}, uploadpurging: {enabled: false}}", &l);
    CHECK(l.config->readonly && !l.config->upload_purging.enabled);
    unload(&l);
    LOAD(BASE "auth: {htpasswd: {path: /x}}\n", "REGISTRY_AUTH=none", &l);
    CHECK_INT(l.config->auth, CONFIG_AUTH_NONE);
    unload(&l);
    LOAD(BASE "auth: {htpasswd: {path: /x}}\n", "REGISTRY_AUTH={}", &l);
    CHECK_INT(l.config->auth, CONFIG_AUTH_NONE);
    unload(&l);
}

TEST(lists, "lists are given whole or by index, in any order")
{
    static const char *const cases[] = {
        "REGISTRY_HTTP_TLS_CIPHERSUITES=[TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384]",
        "REGISTRY_HTTP_TLS_CIPHERSUITES_0=TLS_AES_128_GCM_SHA256\nREGISTRY_HTTP_TLS_CIPHERSUITES_1=TLS_AES_256_GCM_"
        "SHA384",
        "REGISTRY_HTTP_TLS_CIPHERSUITES_1=TLS_AES_256_GCM_SHA384\nREGISTRY_HTTP_TLS_CIPHERSUITES_0=TLS_AES_128_GCM_"
        "SHA256",
    };
    struct loaded l;

    for (size_t i = 0; i < 3; i++) {
        LOAD(BASE "http: {tls: {ciphersuites: [TLS_CHACHA20_POLY1305_SHA256]}}\n", cases[i], &l);
        CHECK_INT(l.config->tls_ciphersuites.n, 2);
        CHECK_TEXT(l.config->tls_ciphersuites.items[0], "TLS_AES_128_GCM_SHA256");
        CHECK_TEXT(l.config->tls_ciphersuites.items[1], "TLS_AES_256_GCM_SHA384");
        unload(&l);
    }
}

TEST(long_lists, "the tenth entry may come before the second, as the order of names has it")
{
    struct sbuf variables = {0};
    struct loaded l;

    for (int i = 0; i < 12; i++)
        sbuf_printf(&variables, "REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_%d=u%d\n", i, i);
    LOAD(BASE, sbuf_text(&variables), &l);
    CHECK_INT(l.config->urls_deny.n, 12);
    CHECK_TEXT(l.config->urls_deny.items[2], "u2");
    CHECK_TEXT(l.config->urls_deny.items[11], "u11");
    sbuf_free(&variables);
    unload(&l);
}

TEST(list_of_maps, "lists of maps go by index and name")
{
    struct loaded l;

    LOAD(BASE,
         "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS=list\n"
         "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_OS=linux\n"
         "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_ARCHITECTURE=amd64",
         &l);
    CHECK_INT(l.config->platform_count, 1);
    CHECK_TEXT(l.config->platforms[0].architecture, "amd64");
    unload(&l);
}

TEST(free_names, "header and field names are matched in any case and kept as written")
{
    struct loaded l;

    LOAD(BASE "http: {headers: {X-Content-Type-Options: [nosniff]}}\n",
         "REGISTRY_HTTP_HEADERS_X-CONTENT-TYPE-OPTIONS=[other]\n"
         "REGISTRY_HTTP_HEADERS_X-Frame-Options=[DENY]\n"
         "REGISTRY_LOG_FIELDS_my_Field=a: b",
         &l);
    CHECK_INT(l.config->header_count, 2);
    CHECK_TEXT(l.config->headers[0].name, "X-Content-Type-Options");
    CHECK_TEXT(l.config->headers[0].value, "other");
    CHECK_TEXT(l.config->headers[1].name, "X-Frame-Options");
    CHECK_TEXT(l.config->headers[1].value, "DENY");
    CHECK_TEXT(l.config->log_fields[0].key, "my_Field");
    CHECK(str_eq(l.config->log_fields[0].value, STR("a: b")));
    unload(&l);
}

TEST(empty, "an empty variable means the default, but does not clear a section")
{
    struct loaded l;

    LOAD(BASE "auth: {htpasswd: {path: /x}}\nhttp: {tls: {certificate: /c, key: /k}}\n",
         "REGISTRY_AUTH=\nREGISTRY_HTTP_TLS_CERTIFICATE=\nREGISTRY_HTTP_TLS_KEY=\nREGISTRY_PROXY_REMOTEURL=", &l);
    CHECK_INT(l.config->auth, CONFIG_AUTH_HTPASSWD);
    CHECK(l.config->tls_certificate == NULL && l.config->tls_key == NULL);
    CHECK(strstr(l.log.p, "REGISTRY_AUTH: empty, ignored; what the file says stays in force (write {} to clear it)") !=
          NULL);
    unload(&l);
}

TEST(empty_lock, "an empty variable about who may in opens nothing that the file keeps closed")
{
    static const struct {
        const char *variable;
        const char *error; /* NULL: the file's rule stays in force */
    } cases[] = {
        {"REGISTRY_ACCESS=", NULL},
        {"REGISTRY_ACCESS_RULES=", NULL},
        {"REGISTRY_ACCESS_RULES_0=", NULL},
        {"REGISTRY_ACCESS_RULES_0_ACTIONS=", NULL},
        {"REGISTRY_ACCESS_RULES_0_ACTIONS_0=", "access.rules[0].actions[0]: an empty entry; fill it or remove it"},
        {"REGISTRY_ACCESS_RULES_0_EFFECT=", "access.rules[0].effect: no value; write allow or deny"},
        {"REGISTRY_ACCESS_PRESET=", "access.preset: no value; fill it, or remove the key"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(BASE "access: {rules: [{effect: deny, subjects: [a], actions: [push]}]}\n", cases[i].variable, &l);
        CHECK_INT(l.config == NULL, cases[i].error != NULL);
        if (cases[i].error != NULL)
            CHECK(strstr(l.err.text, cases[i].error) != NULL);
        else
            CHECK_INT(access_rule_count(l.config->access), 1);
        unload(&l);
    }
}

TEST(warnings, "a variable that names no key is warned of and ignored")
{
    static const struct {
        const char *variable;
        const char *warning;
    } cases[] = {
        {"REGISTRY_HTTP_ADR=:1", "REGISTRY_HTTP_ADR: unknown variable, ignored; did you mean REGISTRY_HTTP_ADDR?"},
        {"REGISTRY_HTTP_ADDR_=:1", "REGISTRY_HTTP_ADDR_: unknown variable, ignored; did you mean REGISTRY_HTTP_ADDR?"},
        {"REGISTRY_STORAGE_FILESYSTEM_ROOT=/x", "REGISTRY_STORAGE_FILESYSTEM_ROOT: unknown variable, ignored; did you "
                                                "mean REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY?"},
        {"REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_ARCH=x",
         "did you mean REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_ARCHITECTURE?"},
        {"REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_256=x",
         "REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_256: unknown variable, ignored"},
        {"REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_99999999999999999999=x",
         "REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_99999999999999999999: unknown variable, ignored"},
        {"REGISTRY_ZZZZZZZZ=1", "REGISTRY_ZZZZZZZZ: unknown variable, ignored\""},
        {"REGISTRY_=1", "REGISTRY_: unknown variable, ignored\""},
        {"REGISTRY___=1", "REGISTRY___: unknown variable, ignored\""},
        {"REGISTRY_VERSION=9", "REGISTRY_VERSION: the version of the file's format cannot be overridden; ignored"},
        {"REGISTRY_PORT=tcp://10.0.0.1:5000",
         "REGISTRY_PORT: meant for another program (Docker link, Kubernetes, Podman), no key; ignored"},
        {"REGISTRY_PORT_5000_TCP=tcp://10.0.0.1:5000", "REGISTRY_PORT_5000_TCP: meant for another program"},
        {"REGISTRY_SERVICE_HOST=10.0.0.1", "REGISTRY_SERVICE_HOST: meant for another program"},
        {"REGISTRY_SERVICE_PORT_HTTP=80", "REGISTRY_SERVICE_PORT_HTTP: meant for another program"},
        {"REGISTRY_AUTH_PORT_5001_TCP_ADDR=10.0.0.1", "REGISTRY_AUTH_PORT_5001_TCP_ADDR: meant for another program"},
        {"REGISTRY_AUTH_FILE=/run/auth.json", "REGISTRY_AUTH_FILE: meant for another program"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        LOAD(BASE, cases[i].variable, &l);
        if (strstr(l.log.p, "level=warn") == NULL || strstr(l.log.p, cases[i].warning) == NULL)
            test_fail(__FILE__, __LINE__, "%s: logged %s", cases[i].variable, l.log.p);
        CHECK_TEXT(l.config->http_addr, ":5000");
        unload(&l);
    }
}

TEST(errors, "a variable with a bad value is an error that names it")
{
    static const struct {
        const char *variables;
        const char *error;
    } cases[] = {
        {"REGISTRY_HTTP_ADDR=5000",
         "REGISTRY_HTTP_ADDR: http.addr: \"5000\": no port; write host:port, or :5000 for every address of "
         "this machine"},
        {"REGISTRY_STORAGE_DELETE_ENABLED=maybe", "REGISTRY_STORAGE_DELETE_ENABLED: storage.delete.enabled: \"maybe\" "
                                                  "is not true or false; write for example enabled: false"},
        {"REGISTRY_LOG_LEVEL=[debug]",
         "REGISTRY_LOG_LEVEL: log.level: \"[debug]\" is no log level; write error, warn, info or debug"},
        {"REGISTRY_HTTP_HEADERS_X-A=b",
         "REGISTRY_HTTP_HEADERS_X-A: http.headers.X-A: wants a list, not one value; write [b]"},
        {"REGISTRY_HTTP_HEADERS={a: [b]",
         "REGISTRY_HTTP_HEADERS: not YAML: did not find expected ',' or '}', while parsing a flow "
         "mapping; check indentation (spaces, no tabs), colons and quotes"},
        {"REGISTRY_STORAGE={filesystem: {rootdirectry: /x}}",
         "REGISTRY_STORAGE: storage.filesystem.rootdirectry: unknown key; did you "
         "mean storage.filesystem.rootdirectory?"},
        {"REGISTRY_STORAGE=s3",
         "REGISTRY_STORAGE: storage.s3: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"REGISTRY_STORAGE_S3_BUCKET=b", "REGISTRY_STORAGE_S3_BUCKET: storage.s3: this storage is not served; use "
                                         "storage.filesystem with a rootdirectory"},
        {"REGISTRY_HTTP_TLS_CLIENTCAS_0=/certs/ca.pem",
         "REGISTRY_HTTP_TLS_CLIENTCAS_0: http.tls.clientcas: client certificates need TLS, and plain HTTP would let "
         "everybody in; set http.tls.certificate and http.tls.key"},
        {"REGISTRY_HTTP_TLS_CLIENTCAS_0=",
         "REGISTRY_HTTP_TLS_CLIENTCAS_0: http.tls.clientcas[0]: an empty entry; fill it or remove it"},
        {"REGISTRY_HTTP_TLS_CLIENTCAS=",
         "REGISTRY_HTTP_TLS_CLIENTCAS: http.tls.clientcas: no value; fill it, or remove the key"},
        {"REGISTRY_AUTH=", "REGISTRY_AUTH: auth: no value; write htpasswd with its path, or none"},
        {"REGISTRY_ACCESS_PRESET=", "REGISTRY_ACCESS_PRESET: access.preset: no value; fill it, or remove the key"},
        {"REGISTRY_ACCESS_FILE=~", "REGISTRY_ACCESS_FILE: access.file: no value; fill it, or remove the key"},
        {"REGISTRY_ACCESS_RULES_0_SUBJECTS=[a]\nREGISTRY_ACCESS_RULES_0_ACTIONS=",
         "REGISTRY_ACCESS_RULES_0_ACTIONS: access.rules[0].actions: no value; fill it, or remove the key to mean all"},
        {"REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=secret",
         "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: notifications.endpoints[0].url: not a URL with http:// or https:// "
         "and a host; write for example https://hooks.example.com/events"},
        {"REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_2=x",
         "REGISTRY_VALIDATION_MANIFESTS_URLS_DENY_2: validation.manifests.urls.deny[0]: an empty entry; fill it or "
         "remove it"},
        {"REGISTRY_AUTH_HTPASWD_PATH=/x", "REGISTRY_AUTH_HTPASWD_PATH: unknown variable; did you mean "
                                          "REGISTRY_AUTH_HTPASSWD_PATH?; one about access is not ignored: "
                                          "correct or unset it"},
        {"REGISTRY_HTTP_TLS_CLIENTCA=/x",
         "REGISTRY_HTTP_TLS_CLIENTCA: unknown variable; did you mean REGISTRY_HTTP_TLS_CLIENTCAS?; one "
         "about access is not ignored: correct or unset it"},
        {"REGISTRY_AUTH=ldap",
         "REGISTRY_AUTH: auth.ldap: unknown key; remove it, or see the commented example configuration for all "
         "keys"},
        {"REGISTRY_AUTH=htpasswd\nREGISTRY_AUTH_HTPASSWD_PATH=",
         "REGISTRY_AUTH: auth.htpasswd: needs auth.htpasswd.path, the file of users; write for example path: "
         "/etc/berth/htpasswd"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(BASE, cases[i].variables, &l);
        if (l.config != NULL)
            test_fail(__FILE__, __LINE__, "%s loads", cases[i].variables);
        CHECK_TEXT(l.err.text, cases[i].error);
        unload(&l);
    }
}

TEST(secret, "what a secret holds is neither logged nor put into errors")
{
    struct loaded l;

    load(BASE "http: {addr: x}\n",
         "REGISTRY_HTTP_SECRET=hunter2\nREGISTRY_PROXY_PASSWORD=[hunter2\nREGISTRY_HTTP_SECRT=hunter2", &l);
    CHECK(l.config == NULL);
    CHECK(strstr(l.err.text, "hunter2") == NULL && strstr(l.log.p, "hunter2") == NULL);
    CHECK(strstr(l.log.p, "REGISTRY_HTTP_SECRT") != NULL);
    unload(&l);
}
