#include "tests/unit/config/config_fixture.h"

#define NOTIFY(rest)    "version: 0.1\nstorage:\n  filesystem: {rootdirectory: /data}\nnotifications:\n  " rest "\n"
#define ENDPOINTS(list) NOTIFY("endpoints: " list)

TEST(none, "without endpoints there is nothing to tell, and a queue of 256 MiB that nobody fills")
{
    struct loaded l;

    LOAD("version: 0.1\nstorage:\n  filesystem: {rootdirectory: /data}\n", "", &l);
    CHECK_INT(l.config->notifications.count, 0);
    CHECK_INT(l.config->notifications.queue_limit, 256 << 20);
    CHECK(!l.config->notifications.references);
    unload(&l);
}

TEST(presets, "an endpoint that says no more than its URL has distribution's defaults")
{
    const struct config_endpoint *endpoint;
    struct loaded l;

    LOAD(ENDPOINTS("[{url: 'http://hooks/'}, {url: 'http://more', threshold: 0, timeout: 0, backoff: 0s}]"), "", &l);
    CHECK_INT(l.config->notifications.count, 2);
    for (int i = 0; i < 2; i++) {
        endpoint = &l.config->notifications.endpoints[i];
        CHECK_INT(endpoint->timeout_ms, 1000);
        CHECK_INT(endpoint->threshold, 10);
        CHECK_INT(endpoint->backoff_ms, 1000);
        CHECK(!endpoint->disabled && endpoint->header_count == 0 && endpoint->ignored_types.n == 0);
        CHECK(endpoint->ca_file == NULL);
    }
    CHECK_TEXT(l.config->notifications.endpoints[0].name, "endpoint-0");
    CHECK_TEXT(l.config->notifications.endpoints[0].url, "http://hooks/");
    unload(&l);
}

TEST(all, "every key is taken")
{
    const struct config_endpoint *endpoint;
    struct loaded l;

    LOAD(NOTIFY("events: {includereferences: true}\n"
                "  queue: {limit: 2MiB}\n"
                "  endpoints:\n"
                "  - name: bell\n"
                "    url: https://user:secret@hooks.example.com:8443/a?b=c\n"
                "    disabled: true\n"
                "    headers: {Authorization: [Bearer secret], X-Two: [one, two]}\n"
                "    timeout: 500ms\n"
                "    threshold: 5\n"
                "    backoff: 1500us\n"
                "    cafile: /etc/ca.pem\n"
                "    ignoredmediatypes: [application/octet-stream]\n"
                "    ignore: {mediatypes: [a/b], actions: [pull, mount]}\n"),
         "", &l);
    endpoint = &l.config->notifications.endpoints[0];
    CHECK(l.config->notifications.references);
    CHECK_INT(l.config->notifications.queue_limit, 2 << 20);
    CHECK_TEXT(endpoint->name, "bell");
    CHECK_TEXT(endpoint->url, "https://user:secret@hooks.example.com:8443/a?b=c");
    CHECK_TEXT(endpoint->ca_file, "/etc/ca.pem");
    CHECK(endpoint->disabled);
    CHECK_INT(endpoint->header_count, 3);
    CHECK_TEXT(endpoint->headers[0].name, "Authorization");
    CHECK_TEXT(endpoint->headers[0].value, "Bearer secret");
    CHECK_TEXT(endpoint->headers[2].value, "two");
    CHECK_INT(endpoint->timeout_ms, 500);
    CHECK_INT(endpoint->threshold, 5);
    CHECK_INT(endpoint->backoff_ms, 2);
    CHECK_INT(endpoint->ignored_types.n, 2);
    CHECK_TEXT(endpoint->ignored_types.items[1], "a/b");
    CHECK(endpoint->ignored[ACTION_PULL] && endpoint->ignored[ACTION_MOUNT]);
    CHECK(!endpoint->ignored[ACTION_PUSH] && !endpoint->ignored[ACTION_DELETE]);
    unload(&l);
}

TEST(environment, "endpoints come from the environment, one key or the whole list")
{
    struct loaded l;

    LOAD(ENDPOINTS("[{name: old, url: 'http://old'}]"),
         "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=http://new/\nREGISTRY_NOTIFICATIONS_ENDPOINTS_1_URL=http://b/\n"
         "REGISTRY_NOTIFICATIONS_ENDPOINTS_1_IGNORE_ACTIONS=[pull]\n"
         "REGISTRY_NOTIFICATIONS_EVENTS_INCLUDEREFERENCES=true",
         &l);
    CHECK_INT(l.config->notifications.count, 2);
    CHECK_TEXT(l.config->notifications.endpoints[0].name, "old");
    CHECK_TEXT(l.config->notifications.endpoints[0].url, "http://new/");
    CHECK(l.config->notifications.endpoints[1].ignored[ACTION_PULL]);
    CHECK(l.config->notifications.references);
    unload(&l);
    LOAD(ENDPOINTS("[]"),
         "REGISTRY_NOTIFICATIONS_ENDPOINTS=[{name: a, url: 'http://a', headers: {X-Key: [secret]}}, {url: 'http://b'}]",
         &l);
    CHECK_INT(l.config->notifications.count, 2);
    CHECK_TEXT(l.config->notifications.endpoints[0].headers[0].value, "secret");
    unload(&l);
}

TEST(disabled, "an endpoint that is disabled needs no URL")
{
    struct loaded l;

    LOAD(ENDPOINTS("[{name: later, disabled: true}]"), "", &l);
    CHECK(l.config->notifications.endpoints[0].url == NULL);
    unload(&l);
}

#define AT "config.yml:5: notifications.endpoints[0]"

TEST(wrong, "what cannot be called or means nothing is refused, and no secret is shown")
{
    static const char no_url[] = AT
        ".url: not a URL with http:// or https:// and a host; write for example https://hooks.example.com/events";
    static const struct {
        const char *yaml, *wanted;
    } cases[] = {
        {ENDPOINTS("[{name: a}]"), AT ": there is no url; write for example url: https://hooks.example.com/events"},
        {ENDPOINTS("[{url: secret}]"), no_url},
        {ENDPOINTS("[{url: 'ftp://u:secret@h/'}]"), no_url},
        {ENDPOINTS("[{url: 'https:///secret'}]"), no_url},
        {ENDPOINTS("[{url: 'https://u:secret@/x'}]"), no_url},
        {ENDPOINTS("[{url: 'https://secret@h:port/'}]"), no_url},
        {ENDPOINTS("[{url: 'http://h/a secret'}]"),
         AT ".url: a blank or control character in the URL; remove it, or write %20"},
        {ENDPOINTS("[{url: 'http://h', headers: {Authorization: Bearer secret}}]"),
         AT ".headers.Authorization: wants a list; put the value in brackets: [value]"},
        {ENDPOINTS("[{url: 'http://h', headers: {Authorization: [{secret: x}]}}]"),
         AT ".headers.Authorization[0]: wants one value; write it in quotes"},
        {ENDPOINTS("[{url: 'http://h', headers: {Authorization: [\"secret\\nX: y\"]}}]"),
         AT ".headers.Authorization[0]: a line break or control character in a header; write it on one line"},
        {ENDPOINTS("[{url: 'http://h', headers: {'a b': [secret]}}]"),
         AT ".headers.a b: not a header name (RFC 9110); use letters, digits and hyphens"},
        {ENDPOINTS("[{url: 'http://h', headers: {Content-Length: [secret]}}]"),
         AT ".headers.Content-Length: this header frames the reply and is the server's alone; remove it"},
        {ENDPOINTS("[{url: 'http://h', ignore: {actions: [pulls]}}]"),
         AT ".ignore.actions[0]: \"pulls\" is no action; write push, pull, mount or delete"},
        {ENDPOINTS("[{url: 'http://h', timeout: soon}]"),
         AT ".timeout: \"soon\" is not a duration; write for example timeout: 30s"},
        {ENDPOINTS("[{url: 'http://h', threshhold: 3}]"),
         AT ".threshhold: unknown key; did you mean notifications.endpoints[].threshold?"},
        {ENDPOINTS("[{name: a, url: 'http://h'}, {name: a, url: 'http://i'}]"),
         "config.yml:5: notifications.endpoints[1]: a second endpoint of the name a; what waits for an endpoint is "
         "kept "
         "under its name, so choose another"},
        {NOTIFY("queue: {limit: 1KiB}"),
         "config.yml:5: notifications.queue.limit: too small to keep what happens while "
         "an endpoint restarts; write at least 1MiB"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded l;

        load(cases[i].yaml, "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, cases[i].wanted);
        CHECK(strstr(l.err.text, "secret") == NULL && strstr(sbuf_text(&l.log), "secret") == NULL);
        unload(&l);
    }
}
