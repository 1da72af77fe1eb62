/* The configuration in force, as it is told. */
#include "tests/unit/config/show_fixture.h"

/* One blank where there are many, so that columns do not matter. */
static void squeeze(struct sbuf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->n; i++)
        if (text->p[i] != ' ' || n == 0 || text->p[n - 1] != ' ')
            text->p[n++] = text->p[i];
    text->n = n;
    sbuf_text(text);
}

struct line {
    const char *yaml, *variables;
    const char *wanted; /* a line, blanks squeezed */
};

static void check_lines(const struct line *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sbuf out = show_as(cases[i].yaml, cases[i].variables, false), wanted = {0};

        squeeze(&out);
        sbuf_printf(&wanted, "%s\n", cases[i].wanted);
        if (strstr(out.p, sbuf_text(&wanted)) == NULL)
            test_fail(__FILE__, __LINE__, "case %zu: no line \"%s\" in\n%s", i, cases[i].wanted, out.p);
        sbuf_free(&out);
        sbuf_free(&wanted);
    }
}

TEST(sources, "each value is told with the line, the variable or the default that it comes from")
{
    static const struct line cases[] = {
        {"version: 0.1\nhttp:\n  addr: :5001\n", "", "addr: \":5001\" # config.yml:3"},
        {"version: 0.1\nhttp:\n  addr: :5001\n", "REGISTRY_HTTP_ADDR=:5002", "addr: \":5002\" # REGISTRY_HTTP_ADDR"},
        {"version: 0.1\nhttp:\n  net: tcp\n", "", "addr: \":5000\" # default"},
        {"version: 0.1\nhttp:\n  addr:\n", "", "addr: \":5000\" # default"},
        {"version: 0.1\n", "REGISTRY_AUTH=htpasswd\nREGISTRY_AUTH_HTPASSWD_PATH=/u", "realm: Registry # default"},
        {"version: 0.1\n", "REGISTRY_HTTP={limits: {queue: 7}}", "queue: 7 # REGISTRY_HTTP"},
        {"version: 0.1\nhttp: {tls: {certificate: /c, key: /k, clientcas: [/a]}}\n", "", "- /a # config.yml:2"},
        {"version: 0.1\nhttp: {tls: {certificate: /c, key: /k, clientcas: [/a]}}\n", "",
         "clientauth: require-and-verify-client-cert # default"},
        {"version: 0.1\nhttp: {tls: {certificate: /c, key: /k, clientcas: [/a]}}\n", "", "policy: either # default"},
        {"version: 0.1\nstorage: {quotas: [{limit: 1GiB, prefix: a/}]}\n", "", "- prefix: a/ # config.yml:2"},
        {"version: 0.1\nstorage: {quotas: []}\n", "", "quotas: [] # config.yml:2"},
        {"version: 0.1\nhttp: {limits: {queue: 0}}\n", "", "queue: 0 # config.yml:2; 0 means the default, 4096"},
        {"version: 0.1\nredis: {}\n", "", "redis: {} # config.yml:2; off, as it has to be"},
        {"version: 0.1\nstorage: {cache: {blobdescriptor: inmemory}}\n", "",
         "blobdescriptor: inmemory # config.yml:2; ignored: blob descriptors need no cache"},
        {"version: 0.1\n", "",
         "# http.host scheme, host and port put in front of Locations; without it they are relative, "
         "which suits proxies"},
    };

    check_lines(cases, sizeof(cases) / sizeof(cases[0]));
}

TEST(secrets, "secrets are masked, wherever they come from, and nothing else is")
{
    static const struct line cases[] = {
        {"version: 0.1\nhttp: {secret: hush}\n", "",
         "secret: \"********\" # config.yml:2; ignored: uploads are tied to their owner without a shared secret"},
        {"version: 0.1\nproxy: {password: hush}\n", "",
         "password: \"********\" # config.yml:2; ignored: without effect while there is no remoteurl"},
        {"version: 0.1\nproxy: {exec: {env: {TOKEN: hush}}}\n", "",
         "TOKEN: \"********\" # config.yml:2; ignored: without effect while there is no remoteurl"},
        {"version: 0.1\nnotifications: {endpoints: [{name: a, url: 'https://me:hush@b/c', headers: {Authorization: "
         "[Bearer hush]}}]}\n",
         "", "- \"********\" # config.yml:2"},
        {"version: 0.1\nhealth: {http: [{uri: 'http://a/', headers: {Cookie: [hush]}}]}\n", "",
         "- \"********\" # config.yml:2"},
        {"version: 0.1\nlog: {fields: {from: 'http://me:hush@host:80/x'}}\n", "",
         "from: \"http://me:********@host:80/x\" # config.yml:2"},
        {"version: 0.1\nlog: {fields: {from: 'http://me:hu@sh@host/x'}}\n", "",
         "from: \"http://me:********@host/x\" # config.yml:2"},
        {"version: 0.1\nhealth: {http: [{uri: 'http://x/', headers: {Authorization: [hush]}}]}\n", "",
         "- \"********\" # config.yml:2"},
        {"version: 0.1\nnotifications: {endpoints: [{url: 'https://hush:hush@x:1/hush?to=hush'}]}\n", "",
         "- url: \"https://********@x:1/********\" # config.yml:2"},
        {"version: 0.1\nnotifications: {endpoints: [{url: 'https://x?hush'}]}\n", "",
         "- url: \"https://x/********\" # config.yml:2"},
        {"version: 0.1\nlog: {fields: {from: 'http://host:80/a@b'}}\n", "",
         "from: \"http://host:80/a@b\" # config.yml:2"},
        {"version: 0.1\nlog: {fields: {from: 'http://me@host:80/'}}\n", "",
         "from: \"http://me@host:80/\" # config.yml:2"},
        {"version: 0.1\naccess: {groups: {secret: [token]}, rules: [{subjects: ['@secret']}]}\n", "",
         "- token # config.yml:2"},
    };

    check_lines(cases, sizeof(cases) / sizeof(cases[0]));
    for (size_t i = 0; i < 8; i++) {
        struct sbuf out = show_as(cases[i].yaml, "REGISTRY_HTTP_SECRET=hush2", i % 2 == 0);

        CHECK(strstr(out.p, "hush") == NULL && strstr(out.p, "sh@") == NULL);
        sbuf_free(&out);
    }
}

TEST(misleading, "a default that would say something else, or an error, is not told")
{
    static const struct {
        const char *yaml;
        const char *missing;
    } cases[] = {
        {"version: 0.1\nloglevel: debug\n", "\n level:"},
        {"version: 0.1\nvalidation: {enabled: false}\n", "\n disabled: false # default\n manifests"},
        {"version: 0.1\n", "realm:"},
        {"version: 0.1\n", "acme:\n"},
        {"version: 0.1\n", "policy:"},
        {"version: 0.1\n", "clientauth:"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf out = show_as(cases[i].yaml, "", false);

        squeeze(&out);
        if (strstr(out.p, cases[i].missing) != NULL)
            test_fail(__FILE__, __LINE__, "%s in\n%s", cases[i].missing, out.p);
        sbuf_free(&out);
    }
}

/* Keys and values, without where they come from. */
static struct sbuf meaning_of(const char *yaml, const char *variables)
{
    struct sbuf json = show_as(yaml, variables, true), out = {0};

    for (struct str rest = {json.p, json.n}; rest.n > 0;) {
        struct str line = {rest.p, str_find(rest, '\n')};
        const char *source = memmem(line.p, line.n, ",\"source\":", 10);
        size_t end = source == NULL ? line.n : (size_t)(source - line.p);

        CHECK(end < line.n);
        sbuf_put(&out, line.p, end);
        sbuf_printf(&out, "\n");
        rest = str_from(rest, line.n + 1);
    }
    sbuf_free(&json);
    sbuf_text(&out);
    return out;
}

/* Before any test has left the root of the source tree. */
static struct sbuf example;

__attribute__((constructor)) static void read_example(void)
{
    struct err e;

    if (file_read("conf/config.yml", 1 << 20, &example, &e) != 0)
        fprintf(stderr, "%s\n", e.text);
}

TEST(again, "what is told is a configuration that means the same")
{
    const struct {
        const char *yaml, *variables;
    } cases[] = {
        {sbuf_text(&example), ""},
        {"", "REGISTRY_STORAGE=filesystem\nREGISTRY_HTTP_ACME_WEBROOT=/w"},
        {"version: 0.1\nloglevel: debug\nvalidation: {enabled: no, manifests: {urls: {allow: "
         "['^https?://[^/]+\\.a/']}}}\n",
         ""},
        {"version: 0.1\nauth: htpasswd\n",
         "REGISTRY_AUTH_HTPASSWD_PATH=/u\nREGISTRY_AUTH_HTPASSWD_REALM=My \"own\" realm"},
        {"version: 0.1\nauth: {none: {}}\nhttp: {headers: {X-A: [\"t\\tx: #\", '~', 'null', '- a', 'b:']}}\n", ""},
        {"version: 0.1\nlog: {fields: {a: , b: '', c: \"\\e[31m\\u2028\\x85\\u00a0\"}}\nstorage: {cache: "
         "{\"k\\x7f\\u0092\": 'ä€'}}\n",
         ""},
        {"version: 0.1\nhttp: {tls: {certificate: /c, key: /k, clientcas: [/a, '/b c'], clientauth: "
         "verify-client-cert-if-given}}\n"
         "auth: {htpasswd: {path: /u}}\naccess: {certificates: {policy: both}, groups: {g: [], h: [a]}, rules: "
         "[{subjects: "
         "['@h', anonymous], actions: [pull]}, {effect: deny, subjects: [authenticated]}]}\n",
         ""},
        {"version: 0.1\nstorage: {quotas: [{limit: 1GiB}], maintenance: {retention: {enabled: true, rules: [{keeplast: "
         "3, "
         "repositories: ['**']}]}}}\nredis: {}\nnotifications: {endpoints: [{name: a, url: 'https://b/c', timeout: 2s, "
         "ignore: {actions: "
         "[pull]}}, {name: b, url: 'http://c', disabled: true}]}\nhealth: {storagedriver: {enabled: true}, tcp: "
         "[{addr: "
         "'a:1'}]}\n",
         ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf yaml = show_as(cases[i].yaml, cases[i].variables, false);
        struct sbuf first = meaning_of(cases[i].yaml, cases[i].variables), second = meaning_of(yaml.p, "");

        CHECK_TEXT(second.p, first.p);
        CHECK(strpbrk(yaml.p, "\x1b\x7f") == NULL && strstr(yaml.p, "\xc2\x85") == NULL);
        sbuf_free(&yaml);
        sbuf_free(&first);
        sbuf_free(&second);
    }
}

TEST(bytes, "bytes that are no UTF-8, and characters that YAML does not take, do not spoil what is told")
{
    struct sbuf out = show_as("version: 0.1\n",
                              "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/a\xffz\xef\xbf\xbe\xef\xbb\xbfü", false);
    struct loaded l;

    CHECK(strstr(out.p, "rootdirectory: \"/a\\u00ffz\\ufffe\\ufeffü\"") != NULL);
    LOAD(out.p, "", &l);
    CHECK_TEXT(l.config->root_directory, "/aÿz\xef\xbf\xbe\xef\xbb\xbfü");
    unload(&l);
    sbuf_free(&out);
}

TEST(json, "programs get one object a line, with types and sources")
{
    struct sbuf out = show_as("version: 0.1\nhttp: {headers: {A: [b]}}\n", "REGISTRY_STORAGE_DELETE_ENABLED=yes", true);

    CHECK(strstr(out.p,
                 "{\"key\":\"version\",\"value\":\"0.1\",\"source\":\"file\",\"file\":\"config.yml\",\"line\":1}\n") ==
          out.p);
    CHECK(strstr(out.p, "{\"key\":\"storage.delete.enabled\",\"value\":true,\"source\":\"environment\",\"variable\":"
                        "\"REGISTRY_STORAGE_DELETE_ENABLED\"}\n") != NULL);
    CHECK(strstr(out.p, "{\"key\":\"storage.limits.uploads\",\"value\":10000,\"source\":\"default\"}\n") != NULL);
    CHECK(strstr(out.p, "{\"key\":\"http.headers.A[0]\",\"value\":\"b\",") != NULL);
    sbuf_free(&out);
}
