/* Whom a client trusts, and where it lets itself be sent. */
#include <signal.h>

#include "tests/unit/client/http_fixture.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void say(struct talk *talk, const void *arg)
{
    talk_say(talk, arg);
}

struct authority {
    struct identity root, host;
    SSL_CTX *server;
    char file[512];
};

static void open_authority(struct authority *a, const char *host_name)
{
    char alternative[128];
    const char *const extensions[] = {alternative, NULL};
    struct sbuf pem = {0};

    signal(SIGPIPE, SIG_IGN);
    snprintf(alternative, sizeof(alternative), "subjectAltName=%s", host_name);
    a->root = make_authority("root of the test", NULL);
    a->host = issue("host", extensions, &a->root);
    a->server = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(a->server, a->host.certificate) && SSL_CTX_use_PrivateKey(a->server, a->host.key));
    snprintf(a->file, sizeof(a->file), "%s/ca.pem", test_dir());
    put_certificate(&pem, a->root.certificate);
    write_text(a->file, (struct str){pem.p, pem.n});
    sbuf_free(&pem);
}

static void close_authority(struct authority *a)
{
    SSL_CTX_free(a->server);
    identity_free(&a->root);
    identity_free(&a->host);
}

/* GET, following redirects, with an Authorization. */
static int get(const struct http_client_options *options, const char *url, struct http_response *response,
               struct err *e)
{
    const struct http_field field = {"Authorization", "Bearer pass"};
    struct http_client *client = http_client_new(options, e);
    int rc;

    if (client == NULL)
        return -1;
    rc = http_client_call(
        client,
        &(struct http_request){
            .method = "GET", .url = url, .fields = &field, .field_count = 1, .follow = true, .body_most = 100},
        response, e);
    http_client_free(&client);
    return rc;
}

static void check_refused(const struct http_client_options *options, const char *url, enum err_code code,
                          const char *part)
{
    struct http_response response = {0};
    struct err e;

    CHECK_INT(get(options, url, &response, &e), -1);
    CHECK_INT(e.code, code);
    if (strstr(e.text, part) == NULL)
        CHECK_TEXT(e.text, part);
    http_response_clear(&response);
}

static void check_ok(const struct http_client_options *options, const char *url)
{
    struct http_response response = {0};
    struct err e = {0};

    if (get(options, url, &response, &e) != 0)
        CHECK_TEXT(e.text, "");
    CHECK_INT(response.status, 200);
    CHECK_TEXT(sbuf_text(&response.body), "ok");
    http_response_clear(&response);
}

TEST(unknown_authority, "a certificate of an unknown authority is refused, of one that is named or with insecure taken")
{
    struct sbuf pem = {0};
    struct authority a;
    struct site site;

    open_authority(&a, "IP:127.0.0.1");
    put_certificate(&pem, a.root.certificate);
    site_open(&site, a.server, say, OK_ANSWER);
    check_refused(NULL, site_url(&site, "/"), ERR_DENIED,
                  ": its certificate is not to be trusted: SSL certificate problem");
    CHECK_INT(atomic_load(&site.requests), 0);
    check_ok(&(struct http_client_options){.ca_file = a.file}, site_url(&site, "/"));
    check_ok(&(struct http_client_options){.authorities = {pem.p, pem.n}}, site_url(&site, "/"));
    check_ok(&(struct http_client_options){.insecure = true}, site_url(&site, "/"));
    site_close(&site);
    close_authority(&a);
    sbuf_free(&pem);
}

TEST(wrong_name, "a certificate for another host is refused")
{
    struct authority a;
    struct site site;

    open_authority(&a, "DNS:somewhere.else");
    site_open(&site, a.server, say, OK_ANSWER);
    check_refused(&(struct http_client_options){.ca_file = a.file}, site_url(&site, "/"), ERR_DENIED,
                  "; name the file of the authority that issued it");
    site_close(&site);
    close_authority(&a);
}

TEST(old_protocol, "TLS before 1.2 is not spoken, even unverified")
{
    struct authority a;
    struct site site;

    open_authority(&a, "IP:127.0.0.1");
    SSL_CTX_set_security_level(a.server, 0);
    must(SSL_CTX_set_min_proto_version(a.server, TLS1_VERSION) &&
         SSL_CTX_set_max_proto_version(a.server, TLS1_1_VERSION));
    site_open(&site, a.server, say, OK_ANSWER);
    check_refused(&(struct http_client_options){.insecure = true}, site_url(&site, "/"), ERR_IO,
                  "; does it speak TLS 1.2 or later at this port?");
    site_close(&site);
    close_authority(&a);
}

TEST(missing_authority, "an authority's file that is not there, or is none, is told of")
{
    struct authority a;
    struct site site;
    char path[520];
    struct err e;

    CHECK(http_client_new(&(struct http_client_options){.ca_file = "/nonexistent/ca.pem"}, &e) == NULL);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_TEXT(e.text, "authorities: /nonexistent/ca.pem: No such file or directory");

    open_authority(&a, "IP:127.0.0.1");
    snprintf(path, sizeof(path), "%s.none", a.file);
    write_text(path, STR("no certificate\n"));
    site_open(&site, a.server, say, OK_ANSWER);
    check_refused(&(struct http_client_options){.ca_file = path}, site_url(&site, "/"), ERR_INVALID,
                  "look at the CA file, and install ca-certificates");
    site_close(&site);
    close_authority(&a);
}

/* ---- redirects ---- */

static void redirect(struct talk *talk, const void *arg)
{
    char text[1024];

    snprintf(text, sizeof(text), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nthere",
             (const char *)arg);
    talk_say(talk, text);
}

TEST(other_host, "a redirect to another port or host is followed without the Authorization")
{
    struct site from, to;

    site_open(&to, NULL, say, OK_ANSWER);
    site_open(&from, NULL, redirect, site_url(&to, "/there"));
    check_ok(NULL, site_url(&from, "/"));
    CHECK(strstr(from.last, "Authorization: Bearer pass") != NULL);
    CHECK(strstr(to.last, "GET /there ") == to.last);
    CHECK(strstr(to.last, "Authorization") == NULL);
    site_close(&from);
    site_close(&to);
}

static void redirect_once(struct talk *talk, const void *arg)
{
    if (strstr(talk->head, "GET /there ") == talk->head)
        talk_say(talk, OK_ANSWER);
    else
        redirect(talk, arg);
}

TEST(same_host, "a redirect within the host keeps the Authorization")
{
    struct site site;

    site_open(&site, NULL, redirect_once, "/there");
    check_ok(NULL, site_url(&site, "/"));
    CHECK_INT(atomic_load(&site.requests), 2);
    CHECK(strstr(site.last, "Authorization: Bearer pass") != NULL);
    site_close(&site);
}

static void redirect_by(struct talk *talk, const void *status)
{
    char text[128];

    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n", (const char *)status);
    talk_say(talk, strstr(talk->head, " /there ") == NULL ? text : OK_ANSWER);
}

TEST(posts, "what is posted is posted where a redirect leads, unless 303 says that it was taken")
{
    static const struct {
        const char *status;
        const char *last;
    } cases[] = {{"301 Moved Permanently", "POST /there "},
                 {"302 Found", "POST /there "},
                 {"303 See Other", "GET /there "},
                 {"307 Temporary Redirect", "POST /there "},
                 {"308 Permanent Redirect", "POST /there "}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site site;
        struct http_request request = {.method = "POST", .follow = true, .body_most = 100};
        struct http_response response = {0};
        struct err e;
        struct http_client *client = http_client_new(NULL, &e);

        site_open(&site, NULL, redirect_by, cases[i].status);
        request.url = site_url(&site, "/");
        CHECK(client != NULL);
        CHECK_INT(http_client_call(client, &request, &response, &e), 0);
        CHECK_INT(response.status, 200);
        CHECK(strstr(site.last, cases[i].last) == site.last);
        http_response_clear(&response);
        http_client_free(&client);
        site_close(&site);
    }
}

TEST(strange_redirects, "a redirect to a file, to another protocol or without end is not followed")
{
    static const char *const targets[] = {"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/",
                                          "dict://127.0.0.1/"};
    struct site site;

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        site_open(&site, NULL, redirect, targets[i]);
        check_refused(NULL, site_url(&site, "/"), ERR_DENIED,
                      ": it redirects to what is not followed; only http and https are, and never from https to http");
        site_close(&site);
    }
    site_open(&site, NULL, redirect, "/again");
    check_refused(NULL, site_url(&site, "/"), ERR_IO, ": it redirects again and again");
    CHECK_INT(atomic_load(&site.requests), HTTP_REDIRECTS_MAX + 1);
    site_close(&site);
}

TEST(downgrade, "a redirect from https to http is not followed, however the address is written")
{
    char url[64];
    struct authority a;
    struct site from, to;

    open_authority(&a, "IP:127.0.0.1");
    site_open(&to, NULL, say, OK_ANSWER);
    site_open(&from, a.server, redirect, site_url(&to, "/"));
    snprintf(url, sizeof(url), "HTTPS://127.0.0.1:%d/", from.port);
    check_refused(&(struct http_client_options){.ca_file = a.file}, url, ERR_DENIED,
                  ": it redirects to what is not followed");
    CHECK_INT(atomic_load(&from.requests), 1);
    CHECK_INT(atomic_load(&to.requests), 0);
    site_close(&from);
    site_close(&to);
    close_authority(&a);
}

TEST(proxies, "this machine is called without the environment's proxy, others with it")
{
    struct site site, proxy;

    site_open(&site, NULL, say, OK_ANSWER);
    site_open(&proxy, NULL, say, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    setenv("http_proxy", site_url(&proxy, ""), 1);
    check_ok(NULL, site_url(&site, "/direct"));
    CHECK_INT(atomic_load(&proxy.requests), 0);
    check_ok(NULL, "http://other.invalid/through");
    CHECK(strstr(proxy.last, "GET http://other.invalid/through HTTP/1.1\r\n") == proxy.last);
    unsetenv("http_proxy");
    site_close(&site);
    site_close(&proxy);
}
