/*
 * What configurations of registry:2 and registry:3 hold, key by key and form by form: each is served as it was meant, or
 * refused by name. What notifications and health checks take is tried with them.
 */
#include "tests/unit/config/show_fixture.h"

#define TLS "tls: {certificate: /c, key: /k"

/* A form and what becomes of it: keys with their values as `config show --json` has them, or the beginning of the
 * error. */
struct form {
    const char *yaml; /* below the version */
    const char *variables;
    const char *meant[4];
    const char *refused;
};

static const struct form keys[] = {
    {.yaml = "log: {level: warn}", .meant = {"log.level\",\"value\":\"warn"}},
    {.yaml = "log: {level: trace}", .meant = {"log.level\",\"value\":\"trace"}},
    {.yaml = "loglevel: error", .meant = {"loglevel\",\"value\":\"error"}},
    {.yaml = "log: {formatter: json}", .meant = {"log.formatter\",\"value\":\"json"}},
    {.yaml = "log: {formatter: logstash}", .meant = {"log.formatter\",\"value\":\"logstash"}},
    {.yaml = "log: {fields: {service: registry, environment: staging}}",
     .meant = {"log.fields.service\",\"value\":\"registry", "log.fields.environment\",\"value\":\"staging"}},
    {.yaml = "log: {accesslog: {disabled: true}}", .meant = {"log.accesslog.disabled\",\"value\":true"}},
    {.yaml = "log: {hooks: [{type: mail, levels: [panic], options: {smtp: {addr: 'mail:25'}}}]}",
     .refused = "config.yml:2: log.hooks: mail from the log is not served"},
    {.yaml = "log: {hooks: [{type: mail, disabled: true, levels: [panic]}]}",
     .meant = {"log.hooks[0].disabled\",\"value\":\"true"}},
    {.yaml = "storage: {filesystem: {rootdirectory: /d, maxthreads: 100}}",
     .meant = {"storage.filesystem.rootdirectory\",\"value\":\"/d", "storage.filesystem.maxthreads\",\"value\":100"}},
    {.yaml = "storage: filesystem", .meant = {"storage.filesystem.rootdirectory\",\"value\":\"/var/lib/registry"}},
    {.yaml = "storage: {delete: {enabled: true}}", .meant = {"storage.delete.enabled\",\"value\":true"}},
    {.yaml = "storage: {cache: {blobdescriptor: inmemory, blobdescriptorsize: 10000}}",
     .meant = {"storage.cache.blobdescriptor\",\"value\":\"inmemory"}},
    {.yaml = "storage: {redirect: {disable: true}}", .meant = {"storage.redirect.disable\",\"value\":\"true"}},
    {.yaml = "storage: {tag: {concurrencylimit: 8}}", .meant = {"storage.tag.concurrencylimit\",\"value\":\"8"}},
    {.yaml = "storage: {maintenance: {uploadpurging: {enabled: false, age: 100h, interval: 1h30m, dryrun: true}}}",
     .meant = {"uploadpurging.enabled\",\"value\":false", "uploadpurging.age\",\"value\":\"100h",
               "uploadpurging.interval\",\"value\":\"1h30m", "uploadpurging.dryrun\",\"value\":true"}},
    {.yaml = "storage: {maintenance: {readonly: {enabled: true}}}",
     .meant = {"storage.maintenance.readonly.enabled\",\"value\":true"}},
    {.yaml = "storage: {s3: {bucket: b}}", .refused = "config.yml:2: storage.s3: this storage is not served"},
    {.yaml = "storage: {gcs: {bucket: b}}", .refused = "config.yml:2: storage.gcs: this storage is not served"},
    {.yaml = "storage: {azure: {container: b}}", .refused = "config.yml:2: storage.azure: this storage is not served"},
    {.yaml = "storage: {swift: {container: b}}", .refused = "config.yml:2: storage.swift: this storage is not served"},
    {.yaml = "storage: {oss: {bucket: b}}", .refused = "config.yml:2: storage.oss: this storage is not served"},
    {.yaml = "storage: inmemory", .refused = "config.yml:2: storage.inmemory: storage in memory is not served"},
    {.yaml = "auth: {htpasswd: {realm: basic-realm, path: /auth/htpasswd}}",
     .meant = {"auth.htpasswd.realm\",\"value\":\"basic-realm", "auth.htpasswd.path\",\"value\":\"/auth/htpasswd"}},
    {.yaml = "auth: {token: {realm: 'https://a/t', service: s, issuer: i, rootcertbundle: /r}}",
     .refused = "config.yml:2: auth.token: token authentication is not served yet; use auth.htpasswd"},
    {.yaml = "auth: {silly: {realm: r, service: s}}", .refused = "config.yml:2: auth.silly: silly lets everybody in"},
    {.yaml = "auth: {none: {}}", .meant = {"auth.none\",\"value\":{}"}},
    {.yaml = "http: {addr: 'localhost:5000', net: tcp}", .meant = {"http.addr\",\"value\":\"localhost:5000"}},
    {.yaml = "http: {addr: /run/registry.sock, net: unix}", .meant = {"http.net\",\"value\":\"unix"}},
    {.yaml = "http: {host: 'https://registry.example.com:8443'}",
     .meant = {"http.host\",\"value\":\"https://registry.example.com:8443"}},
    {.yaml = "http: {prefix: /}", .meant = {"http.prefix\",\"value\":\"/"}},
    {.yaml = "http: {prefix: /registry/}",
     .refused = "config.yml:2: http.prefix: a path in front of /v2/ is not served"},
    {.yaml = "http: {relativeurls: true}", .meant = {"http.relativeurls\",\"value\":true"}},
    {.yaml = "http: {secret: asecretforlocaldevelopment}", .meant = {"http.secret\",\"value\":\"********"}},
    {.yaml = "http: {http2: {disabled: true}, h2c: {enabled: true}}",
     .meant = {"http.http2.disabled\",\"value\":true", "http.h2c.enabled\",\"value\":true"}},
    {.yaml = "http: {draintimeout: 60s}", .meant = {"http.draintimeout\",\"value\":\"60s"}},
    {.yaml = "http: {headers: {X-Content-Type-Options: [nosniff], Access-Control-Allow-Origin: ['*']}}",
     .meant = {"http.headers.X-Content-Type-Options[0]\",\"value\":\"nosniff",
               "http.headers.Access-Control-Allow-Origin[0]\",\"value\":\"*"}},
    {.yaml = "http: {debug: {addr: ':5001', prometheus: {enabled: true, path: /metrics}}}",
     .meant = {"http.debug.addr\",\"value\":\":5001", "http.debug.prometheus.enabled\",\"value\":true",
               "http.debug.prometheus.path\",\"value\":\"/metrics"}},
    {.yaml = "http: {" TLS ", minimumtls: tls1.3, ciphersuites: [TLS_AES_128_GCM_SHA256]}}",
     .meant = {"http.tls.minimumtls\",\"value\":\"tls1.3",
               "http.tls.ciphersuites[0]\",\"value\":\"TLS_AES_128_GCM_SHA256"}},
    {.yaml = "http: {" TLS ", minimumtls: tls1.0}}", .refused = "config.yml:2: http.tls.minimumtls: tls1.0 is broken"},
    {.yaml = "http: {" TLS ", ciphersuites: [TLS_NULL]}}", .refused = "config.yml:2: http.tls.ciphersuites[0]: "},
    {.yaml = "http: {" TLS ", clientcas: [/ca1.pem, /ca2.pem]}}",
     .meant = {"http.tls.clientcas[1]\",\"value\":\"/ca2.pem",
               "http.tls.clientauth\",\"value\":\"require-and-verify-client-cert"}},
    {.yaml = "http: {" TLS ", clientcas: [/a], clientauth: verify-client-cert-if-given}}",
     .meant = {"http.tls.clientauth\",\"value\":\"verify-client-cert-if-given"}},
    {.yaml = "http: {" TLS ", clientauth: request-client-cert}}",
     .meant = {"http.tls.clientauth\",\"value\":\"request-client-cert"}},
    {.yaml = "http: {" TLS ", clientauth: require-any-client-cert}}",
     .meant = {"http.tls.clientauth\",\"value\":\"require-any-client-cert"}},
    {.yaml = "http: {tls: {letsencrypt: {cachefile: /f, email: a@b, hosts: [h]}}}",
     .refused = "config.yml:2: http.tls.letsencrypt: Berth does not fetch certificates itself; run an ACME client"},
    {.yaml = "http: {tls: {letsencrypt: {cachefile: '', email: '', hosts: []}}}", .meant = {"http.addr"}},
    {.yaml = "proxy: {remoteurl: 'https://registry-1.docker.io', username: u, password: p}",
     .refused = "config.yml:2: proxy.remoteurl: "},
    {.yaml = "proxy: {remoteurl: }", .meant = {"http.addr"}},
    {.yaml = "redis: {addr: 'localhost:6379'}", .refused = "config.yml:2: redis: Berth needs no redis"},
    {.yaml = "middleware: {registry: [{name: A}]}", .refused = "config.yml:2: middleware: middleware is not served"},
    {.yaml = "middleware: {registry: [{name: A, disabled: true}]}", .meant = {"middleware.registry[0].name"}},
    {.yaml = "reporting: {bugsnag: {apikey: k}}", .refused = "config.yml:2: reporting: error reporting services"},
    {.yaml = "policy: {repository: {classes: [image]}}",
     .refused = "config.yml:2: policy.repository: repository classes"},
    {.yaml = "compatibility: {schema1: {enabled: true}}", .refused = "config.yml:2: compatibility.schema1.enabled: "},
    {.yaml = "compatibility: {schema1: {signingkeyfile: /k}}", .meant = {"compatibility.schema1.signingkeyfile"}},
    {.yaml = "validation: {disabled: true}", .meant = {"validation.disabled\",\"value\":true"}},
    {.yaml = "validation: {enabled: true, manifests: {urls: {allow: ['^https?://a/'], deny: ['^b']}}}",
     .meant = {"validation.enabled\",\"value\":true", "urls.allow[0]\",\"value\":\"^https?://a/",
               "urls.deny[0]\",\"value\":\"^b"}},
    {.yaml = "validation: {manifests: {indexes: {platforms: List, platformlist: [{architecture: amd64, os: linux}]}}}",
     .meant = {"indexes.platforms\",\"value\":\"List", "platformlist[0].architecture\",\"value\":\"amd64"}},
    {.yaml = "catalog: {maxentries: 500}\ntags: {maxtags: 400}",
     .meant = {"catalog.maxentries\",\"value\":500", "tags.maxtags\",\"value\":400"}},
    {.yaml = "version: 0.1", .refused = "config.yml:2: version: given twice"},
};

static const struct form variables[] = {
    {.variables = "REGISTRY_AUTH=htpasswd\nREGISTRY_AUTH_HTPASSWD_REALM=Registry Realm\nREGISTRY_AUTH_HTPASSWD_PATH=/p",
     .meant = {"auth.htpasswd.realm\",\"value\":\"Registry Realm", "auth.htpasswd.path\",\"value\":\"/p"}},
    {.variables = "REGISTRY_AUTH={htpasswd: {realm: R, path: /p}}", .meant = {"auth.htpasswd.realm\",\"value\":\"R"}},
    {.yaml = "storage: {filesystem: {rootdirectory: /d}}",
     .variables = "REGISTRY_STORAGE=s3",
     .refused = "REGISTRY_STORAGE: storage.s3: this storage is not served"},
    {.yaml = "storage: {filesystem: {rootdirectory: /d}, delete: {enabled: true}}",
     .variables = "REGISTRY_STORAGE=filesystem",
     .meant = {"storage.filesystem.rootdirectory\",\"value\":\"/var/lib/registry",
               "storage.delete.enabled\",\"value\":false"}},
    {.yaml = "http: {" TLS "}}",
     .variables = "REGISTRY_HTTP_TLS_CLIENTCAS_0=/certs/ca.pem",
     .meant = {"http.tls.clientcas[0]\",\"value\":\"/certs/ca.pem"}},
    {.yaml = "http: {" TLS "}}",
     .variables = "REGISTRY_HTTP_TLS_CLIENTCAS=[/a, /b]",
     .meant = {"http.tls.clientcas[0]\",\"value\":\"/a", "http.tls.clientcas[1]\",\"value\":\"/b"}},
    {.yaml = "http: {" TLS ", clientcas: [/old, /kept]}}",
     .variables = "REGISTRY_HTTP_TLS_CLIENTCAS_0=/new",
     .meant = {"http.tls.clientcas[0]\",\"value\":\"/new", "http.tls.clientcas[1]\",\"value\":\"/kept"}},
    {.variables = "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true",
     .meant = {"storage.maintenance.readonly.enabled\",\"value\":true"}},
    {.variables = "REGISTRY_STORAGE_MAINTENANCE_READONLY={enabled: true}",
     .meant = {"storage.maintenance.readonly.enabled\",\"value\":true"}},
    {.variables = "REGISTRY_STORAGE_MAINTENANCE={readonly: {enabled: true}}",
     .meant = {"storage.maintenance.readonly.enabled\",\"value\":true"}},
    {.variables = "REGISTRY_STORAGE_DELETE_ENABLED=true", .meant = {"storage.delete.enabled\",\"value\":true"}},
    {.variables = "REGISTRY_STORAGE_QUOTAS_0_PREFIX=a/\nREGISTRY_STORAGE_QUOTAS_0_LIMIT=1GiB",
     .meant = {"storage.quotas[0].prefix\",\"value\":\"a/", "storage.quotas[0].limit\",\"value\":\"1GiB"}},
    {.variables = "REGISTRY_HTTP_DRAINTIMEOUT=5000000000", .meant = {"http.draintimeout\",\"value\":\"5000000000"}},
    {.variables = "REGISTRY_HTTP_DRAINTIMEOUT=5 s", .refused = "REGISTRY_HTTP_DRAINTIMEOUT: http.draintimeout: "},
    {.variables = "REGISTRY_HTTP_HEADERS={X-A: [b]}", .meant = {"http.headers.X-A[0]\",\"value\":\"b"}},
    {.variables = "REGISTRY_LOG_FIELDS_service=reg", .meant = {"log.fields.service\",\"value\":\"reg"}},
    {.variables = "REGISTRY_HTTP_ADDR=:443\nREGISTRY_HTTP_TLS_CERTIFICATE=/c\nREGISTRY_HTTP_TLS_KEY=/k",
     .meant = {"http.addr\",\"value\":\":443", "http.tls.certificate\",\"value\":\"/c",
               "http.tls.key\",\"value\":\"/k"}},
    {.variables = "REGISTRY_PROXY_REMOTEURL=https://registry-1.docker.io",
     .refused = "REGISTRY_PROXY_REMOTEURL: proxy.remoteurl: "},
    {.variables = "REGISTRY_VERSION=0.2", .meant = {"version\",\"value\":\"0.1"}},
    {.variables = "REGISTRY_HTPP_ADDR=:1", .meant = {"http.addr\",\"value\":\":5000"}},
    {.variables = "REGISTRY_LOG_LEVEL=info\nREGISTRY_LOGLEVEL=debug",
     .meant = {"log.level\",\"value\":\"info", "loglevel\",\"value\":\"debug"}},
};

static void check_form(const struct form *form)
{
    const char *names = form->variables == NULL ? "" : form->variables;
    struct sbuf yaml = {0}, shown;
    struct loaded l;

    sbuf_printf(&yaml, "version: 0.1\n%s\n", form->yaml == NULL ? "" : form->yaml);
    load(sbuf_text(&yaml), names, &l);
    if (form->refused != NULL) {
        if (l.config != NULL || strncmp(l.err.text, form->refused, strlen(form->refused)) != 0)
            test_fail(__FILE__, __LINE__, "%s%s: not refused: %s", yaml.p, names,
                      l.config != NULL ? "served" : l.err.text);
    } else {
        if (l.config == NULL)
            test_fail(__FILE__, __LINE__, "%s%s: %s", yaml.p, names, l.err.text);
        shown = show_as(yaml.p, names, true);
        for (size_t i = 0; i < 4 && form->meant[i] != NULL; i++)
            if (strstr(shown.p, form->meant[i]) == NULL)
                test_fail(__FILE__, __LINE__, "%s%s: no %s in\n%s", yaml.p, names, form->meant[i], shown.p);
        sbuf_free(&shown);
    }
    unload(&l);
    sbuf_free(&yaml);
}

TEST(files, "every key of distribution's files is served, accepted or refused by name")
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        check_form(&keys[i]);
}

TEST(environment, "every form of distribution's variables is served or refused by name")
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        check_form(&variables[i]);
}
