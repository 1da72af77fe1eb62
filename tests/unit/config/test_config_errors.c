/* Configurations that do not load, and what their author is told. Every file begins with `version: 0.1` on line 1. */
#include "tests/unit/config/config_fixture.h"

struct bad {
    const char *yaml;  /* from line 2 on */
    const char *error; /* behind "config.yml:" */
};

static void check_bad(const struct bad *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct loaded l;
        struct sbuf yaml = {0}, wanted = {0};

        sbuf_printf(&yaml, "version: 0.1\n%s\n", cases[i].yaml);
        sbuf_printf(&wanted, "config.yml:%s", cases[i].error);
        load(sbuf_text(&yaml), "", &l);
        if (l.config != NULL)
            test_fail(__FILE__, __LINE__, "%s loads", cases[i].yaml);
        CHECK_TEXT(l.err.text, sbuf_text(&wanted));
        CHECK_INT(l.err.code, ERR_INVALID);
        sbuf_free(&yaml);
        sbuf_free(&wanted);
        unload(&l);
    }
}

#define CHECK_BAD(cases) check_bad(cases, sizeof(cases) / sizeof((cases)[0]))

TEST(versions, "the version must be there and 0.1")
{
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"version: 0.2\n", "config.yml:1: version: \"0.2\" is no version of this file's format; write `version: 0.1`"},
        {"version: 0.10\n",
         "config.yml:1: version: \"0.10\" is no version of this file's format; write `version: 0.1`"},
        {"version: [0.1]\n", "config.yml:1: version: wants one value, not a list; write for example version: 0.1"},
        {"version:\n", "config.yml:1: version: missing; add the line `version: 0.1`"},
        {"log: {}\n", "config.yml:1: version: missing; add the line `version: 0.1`"},
        {"- version\n", "config.yml:1: a configuration is a map of keys; begin with `version: 0.1`"},
        {"hello\n", "config.yml:1: a configuration is a map of keys; begin with `version: 0.1`"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(cases[i].yaml, "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, cases[i].error);
        unload(&l);
    }
}

TEST(unknown_keys, "an unknown key is an error that names the nearest one")
{
    static const struct bad cases[] = {
        {"http: {adr: ':5000'}", "2: http.adr: unknown key; did you mean http.addr?"},
        {"http:\n  Addr: ':5000'", "3: http.Addr: unknown key; did you mean http.addr?"},
        {"htpp: {}", "2: htpp: unknown key; did you mean http?"},
        {"addr: ':5000'", "2: addr: unknown key; did you mean http.addr?"},
        {"http.addr: ':5000'", "2: http.addr: unknown key; did you mean http.addr?"},
        {"http: {certificate: x}", "2: http.certificate: unknown key; did you mean http.tls.certificate?"},
        {"storage: {rootdirectory: /x}",
         "2: storage.rootdirectory: unknown key; did you mean storage.filesystem.rootdirectory?"},
        {"storage: {filesytem: {}}", "2: storage.filesytem: unknown key; did you mean storage.filesystem?"},
        {"storage: floppy",
         "2: storage.floppy: unknown key; remove it, or see the commented example configuration for all keys"},
        {"zzzzzzzz: 1", "2: zzzzzzzz: unknown key; remove it, or see the commented example configuration for all keys"},
        {"'': 1", "2: : unknown key; remove it, or see the commented example configuration for all keys"},
        {"auth: {htpaswd: {path: /x}}", "2: auth.htpaswd: unknown key; did you mean auth.htpasswd?"},
        {"validation: {manifests: {indexes: {platforms: list, platformlist: [{os: a, arch: b}]}}}",
         "2: validation.manifests.indexes.platformlist[0].arch: unknown key; did you mean "
         "validation.manifests.indexes.platformlist[].architecture?"},
    };

    CHECK_BAD(cases);
}

TEST(types, "a value of the wrong type is told what is wanted, with an example")
{
    static const struct bad cases[] = {
        {"http: yes", "2: http: wants a map of keys, not one value; indent the keys below it"},
        {"http: [addr]", "2: http: wants a map of keys, not a list; indent the keys below it"},
        {"storage: [filesystem]", "2: storage: wants a map of keys, not a list; indent the keys below it"},
        {"http: {addr: [':5000']}", "2: http.addr: wants one value, not a list; write for example addr: :5000"},
        {"http: {headers: {X-A: b}}", "2: http.headers.X-A: wants a list, not one value; write [b]"},
        {"http: {headers: {X-A: {b: c}}}",
         "2: http.headers.X-A: wants a list, not a map; write for example X-A: [one, two]"},
        {"http: {headers: {X-A: [[b]]}}",
         "2: http.headers.X-A[0]: wants one value, not a list; write for example text"},
        {"http: {headers: {X-A: [~]}}", "2: http.headers.X-A[0]: an empty entry; fill it or remove it"},
        {"log: {fields: {a: [b]}}", "2: log.fields.a: wants one value, not a list; write for example a: text"},
        {"log: {fields: x}",
         "2: log.fields: wants a map of names, not one value; write for example fields: {name: value}"},
        {"storage: {delete: {enabled: maybe}}",
         "2: storage.delete.enabled: \"maybe\" is not true or false; write for example enabled: false"},
        {"storage: {delete: {enabled: 1}}",
         "2: storage.delete.enabled: \"1\" is not true or false; write for example enabled: false"},
        {"storage: {maintenance: {uploadpurging: {age: 7d}}}",
         "2: storage.maintenance.uploadpurging.age: \"7d\" is not a duration; write for example age: 168h"},
        {"http: {draintimeout: -1s}",
         "2: http.draintimeout: \"-1s\" is not a duration; write for example draintimeout: 30s"},
        {"storage: {filesystem: {reserve: 1XB}}",
         "2: storage.filesystem.reserve: \"1XB\" is not a size; write for example reserve: 64MiB"},
        {"http: {limits: {manifest: 16777217}}",
         "2: http.limits.manifest: \"16777217\" is not between 64KiB and 16MiB"},
        {"http: {limits: {manifest: 1KiB}}", "2: http.limits.manifest: \"1KiB\" is not between 64KiB and 16MiB"},
        {"http: {timeouts: {idle: 999ms}}",
         "2: http.timeouts.idle: \"999ms\" is less than a second, the least there is; write for example 2m"},
        {"catalog: {maxentries: -5}",
         "2: catalog.maxentries: \"-5\" is not a whole number; write for example maxentries: 1000"},
        {"tags: {maxtags: 1.5}", "2: tags.maxtags: \"1.5\" is not a whole number; write for example maxtags: 1000"},
        {"catalog: {maxentries: 99999999999999999999}",
         "2: catalog.maxentries: \"99999999999999999999\" is not a whole number; write for example maxentries: 1000"},
        {"validation: {manifests: {indexes: {platforms: list, platformlist: linux/amd64}}}",
         "2: validation.manifests.indexes.platformlist: wants a list, not one value; write for example platformlist: "
         "[{...}]"},
        {"validation: {manifests: {indexes: {platforms: list, platformlist: [amd64]}}}",
         "2: validation.manifests.indexes.platformlist[0]: wants a map of keys, not one value; indent the keys below "
         "it"},
        {"http: {secret: [x]}", "2: http.secret: wants one value, not a list; write for example secret: text"},
    };

    CHECK_BAD(cases);
}

TEST(refused, "what is known but not served is refused, and never ignored in silence")
{
    static const struct bad cases[] = {
        {"auth: {token: {realm: x}}", "2: auth.token: token authentication is not served yet; use auth.htpasswd"},
        {"auth: {token: }", "2: auth.token: token authentication is not served yet; use auth.htpasswd"},
        {"auth: token", "2: auth.token: token authentication is not served yet; use auth.htpasswd"},
        {"auth: silly", "2: auth.silly: silly lets everybody in who sends any Authorization header; use auth.htpasswd"},
        {"storage: {s3: {bucket: b}}",
         "2: storage.s3: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"storage: azure", "2: storage.azure: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"storage: {gcs: }", "2: storage.gcs: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"storage: swift", "2: storage.swift: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"storage: oss", "2: storage.oss: this storage is not served; use storage.filesystem with a rootdirectory"},
        {"storage: inmemory", "2: storage.inmemory: storage in memory is not served; use storage.filesystem with its "
                              "rootdirectory on a tmpfs"},
        {"http: {tls: {letsencrypt: {cachefile: /x}}}", "2: http.tls.letsencrypt: Berth does not fetch certificates "
                                                        "itself; run an ACME client and set http.tls.certificate and "
                                                        "http.tls.key to its files; http.acme serves its challenges"},
        {"http: {prefix: /registry/}",
         "2: http.prefix: a path in front of /v2/ is not served yet; remove it, or have a proxy strip it"},
        {"http: {tls: {minimumtls: tls1.0}}",
         "2: http.tls.minimumtls: tls1.0 is broken and not served (RFC 8996); write tls1.2 or tls1.3"},
        {"proxy: {remoteurl: 'https://registry-1.docker.io'}",
         "2: proxy.remoteurl: a pull-through cache is not served yet; remove the key"},
        {"redis: {addr: 'x:1'}", "2: redis: Berth needs no redis; remove the section"},
        {"middleware: {repository: [{name: x}]}", "2: middleware: middleware is not served; remove the section"},
        {"log: {hooks: [{type: mail}]}",
         "2: log.hooks: mail from the log is not served; have the log's collector send it"},
        {"log: {reporting: {bugsnag: {apikey: k}}}",
         "2: log.reporting: error reporting services are not served; collect the log instead"},
        {"compatibility: {schema1: {enabled: true}}", "2: compatibility.schema1.enabled: schema 1 manifests are not "
                                                      "served; push such images again with a current client"},
        {"policy: {repository: {classes: [image]}}",
         "2: policy.repository: repository classes are not served; remove the section"},
    };

    CHECK_BAD(cases);
}

TEST(values, "a value outside its vocabulary is refused with the vocabulary")
{
    static const struct bad cases[] = {
        {"log: {level: loud}", "2: log.level: \"loud\" is no log level; write error, warn, info or debug"},
        {"loglevel: loud", "2: loglevel: \"loud\" is no log level; write error, warn, info or debug"},
        {"log: {formatter: xml}", "2: log.formatter: \"xml\" is no log format; write text or json"},
        {"log: {accesslog: {formatter: text}}",
         "2: log.accesslog.formatter: \"text\" is no format of the access log; write combined or json"},
        {"log: {fields: {'a b': c}}", "2: log.fields.a b: a field's name has no blanks, = or quotes; choose another"},
        {"log: {fields: {msg: c}}",
         "2: log.fields.msg: every log line has a field of this name already; choose another"},
        {"http: {debug: {prometheus: {path: metrics}}}",
         "2: http.debug.prometheus.path: a path begins with a slash; write for example /metrics"},
        {"http: {debug: {prometheus: {path: '/a b'}}}",
         "2: http.debug.prometheus.path: a path has letters, digits and / - . _ ~ only; write for example /metrics"},
        {"http: {debug: {prometheus: {path: '/m?x'}}}",
         "2: http.debug.prometheus.path: a path has letters, digits and / - . _ ~ only; write for example /metrics"},
        {"http: {debug: {prometheus: {path: /debug/health}}}",
         "2: http.debug.prometheus.path: this path tells the server's health; choose another, for example /metrics"},
        {"http: {acme: {webrot: /w}}", "2: http.acme.webrot: unknown key; did you mean http.acme.webroot?"},
        {"http: {net: udp}", "2: http.net: \"udp\" is no kind of network; write tcp, or unix with a path in http.addr"},
        {"http: {host: registry.example.com}",
         "2: http.host: not a URL with http:// or https://; write for example https://registry.example.com"},
        {"http: {host: 'https://'}",
         "2: http.host: not a URL with http:// or https://; write for example https://registry.example.com"},
        {"http: {host: 'https:///'}",
         "2: http.host: no host in the URL; write for example https://registry.example.com"},
        {"http: {host: 'https://:443'}",
         "2: http.host: no host in the URL; write for example https://registry.example.com"},
        {"http: {host: 'https://x/path'}", "2: http.host: a path behind the host; write only scheme, host and port"},
        {"http: {host: 'https://u@x'}",
         "2: http.host: the host is neither a name nor an address; write host:port, for example 127.0.0.1:5000"},
        {"http: {host: 'https://x:99999'}",
         "2: http.host: the port is not a number from 0 to 65535; write for example :5000"},
        {"http: {headers: {'X A': [b]}}",
         "2: http.headers.X A: not a header name (RFC 9110); use letters, digits and hyphens"},
        {"http: {headers: {'': [b]}}",
         "2: http.headers.: not a header name (RFC 9110); use letters, digits and hyphens"},
        {"http: {headers: {content-length: ['5']}}",
         "2: http.headers.content-length: this header frames the reply and is the server's alone; remove it"},
        {"http: {headers: {X-A: [ok, \"a\\r\\nSet-Cookie: b\"]}}",
         "2: http.headers.X-A[1]: a line break or control character in a header; write it on one line"},
        {"http: {tls: {minimumtls: ssl3}}",
         "2: http.tls.minimumtls: \"ssl3\" is no TLS version; write tls1.2 or tls1.3"},
        {"http: {tls: {ciphersuites: [TLS_RSA_WITH_RC4_128_SHA]}}",
         "2: http.tls.ciphersuites[0]: TLS_RSA_WITH_RC4_128_SHA is broken and not served; remove it"},
        {"http: {tls: {ciphersuites: [TLS_AES_128_GCM_SHA256, NULL-SHA]}}",
         "2: http.tls.ciphersuites[1]: \"NULL-SHA\" is no cipher suite; use names such as "
         "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {"auth: {htpasswd: {path: /x, realm: \"a\\nb\"}}",
         "2: auth.htpasswd.realm: a control character in the realm; remove it"},
        {"validation: {manifests: {indexes: {platforms: some}}}",
         "2: validation.manifests.indexes.platforms: \"some\" is unknown; write all, none or list"},
        {"validation: {manifests: {indexes: {platforms: list, platformlist: [{os: linux}]}}}",
         "2: validation.manifests.indexes.platformlist[0]: a platform needs both; write for example {os: linux, "
         "architecture: amd64}"},
    };

    CHECK_BAD(cases);
}

TEST(expressions, "expressions that POSIX would read otherwise than Go are refused")
{
#define ALLOW(expression) "validation: {manifests: {urls: {allow: ['" expression "']}}}"
#define AT                "2: validation.manifests.urls.allow[0]: "
    static const struct bad cases[] = {
        {ALLOW("^https?://(a"),
         AT "not a POSIX extended regular expression: Unmatched ( or \\(; correct it, see regex(7)"},
        {ALLOW("(?i)x"),
         AT "not a POSIX extended regular expression: Invalid preceding regular expression; correct it, see regex(7)"},
        {ALLOW("[a-"),
         AT "not a POSIX extended regular expression: Unmatched [, [^, [:, [., or [=; correct it, see regex(7)"},
        {ALLOW("\\d+"),
         AT "an escape that POSIX extended expressions do not have; write for example [0-9] instead of \\d"},
        {ALLOW("\\Ax"),
         AT "an escape that POSIX extended expressions do not have; write for example [0-9] instead of \\d"},
        {ALLOW("[\\d]"),
         AT "a backslash between brackets; write classes as [[:digit:]] and put - or ] first or last instead"},
        {ALLOW("[^]\\]"),
         AT "a backslash between brackets; write classes as [[:digit:]] and put - or ] first or last instead"},
        {ALLOW("[[:alpha:]\\w]"),
         AT "a backslash between brackets; write classes as [[:digit:]] and put - or ] first or last instead"},
    };
    struct loaded l;

    CHECK_BAD(cases);
    LOAD("version: 0.1\n" ALLOW("^[[:alpha:]]+\\.[]a]\\w\\[[^]-]*x") "\n", "", &l);
    unload(&l);
}

TEST(together, "keys that need each other are missed by name")
{
    static const struct bad cases[] = {
        {"http:\n  tls:\n    certificate: /c",
         "4: http.tls.certificate: there is no http.tls.key to it; set both, or neither for plain HTTP"},
        {"http: {tls: {certificate: '', key: /k}}",
         "2: http.tls.key: there is no http.tls.certificate to it; set both, or neither for plain HTTP"},
        {"auth: htpasswd",
         "2: auth.htpasswd: needs auth.htpasswd.path, the file of users; write for example path: /etc/berth/htpasswd"},
        {"auth: {htpasswd: {realm: x}}",
         "2: auth.htpasswd: needs auth.htpasswd.path, the file of users; write for example path: /etc/berth/htpasswd"},
        {"auth: {htpasswd: {path: /x}, none: {}}", "2: auth: more than one provider (htpasswd, none); keep one"},
        {"http: {net: unix}",
         "2: http.net: unix needs a path in http.addr; write for example addr: /run/berth/berth.sock"},
        {"http: {net: unix, addr: "
         "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
         "123456789/12345678}",
         "2: http.addr: a socket's path has at most 107 bytes; use a shorter one"},
        {"http: {addr: '5000'}",
         "2: http.addr: \"5000\": no port; write host:port, or :5000 for every address of this machine"},
        {"http: {addr: '::1:5000'}",
         "2: http.addr: \"::1:5000\": more than one colon; an IPv6 address goes in brackets, as in [2001:db8::5]:5000"},
        {"http: {acme: {addr: ':8080'}}",
         "2: http.acme.addr: needs http.acme.webroot, the folder that your ACME client writes to; set it, or remove "
         "http.acme"},
        {"http: {acme: {addr: '80', webroot: /w}}",
         "2: http.acme.addr: \"80\": no port; write host:port, or :5000 for every address of this machine"},
        {"http: {debug: {addr: localhost}}",
         "2: http.debug.addr: \"localhost\": no port; write host:port, or :5000 for every address of this machine"},
        {"validation: {enabled: true, disabled: true}",
         "2: validation.enabled: contradicts validation.disabled; keep only that one"},
        {"validation: {manifests: {indexes: {platforms: list}}}",
         "2: validation.manifests.indexes.platforms: list needs platformlist beside it; write for example "
         "platformlist: "
         "[{os: linux, architecture: amd64}]"},
        {"validation: {manifests: {indexes: {platformlist: [{os: linux, architecture: amd64}]}}}",
         "2: validation.manifests.indexes.platformlist: only read when platforms is list; write platforms: list, or "
         "remove it"},
        {"storage: {maintenance: {uploadpurging: {interval: 0s}}}",
         "2: storage.maintenance.uploadpurging.interval: purging without a pause; write for example interval: 24h, or "
         "enabled: false"},
        {"storage: {maintenance: {garbagecollection: {interval: 0s}}}",
         "2: storage.maintenance.garbagecollection.interval: sweeping without a pause; write for example interval: 1h, "
         "or enabled: false"},
        {"storage: {maintenance: {garbagecollection: {enabled: false, grace: 0s}}}",
         "2: storage.maintenance.garbagecollection.grace: without it the blobs of a push would go before its manifest "
         "comes; write for example grace: 24h"},
        {"http: {addr: ':1'}\nhttp: {}", "3: http: given twice, first on line 2; keep one"},
    };

    CHECK_BAD(cases);
}
