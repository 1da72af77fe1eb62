#include "tests/unit/client/http_fixture.h"

#include "registry/base/clock.h"

/* What a test says, whatever is asked. */
static void say(struct talk *talk, const void *arg)
{
    talk_say(talk, arg);
}

struct got {
    struct http_response response;
    struct err e;
    int rc;
};

static struct http_client *client(const struct http_client_options *options)
{
    struct err e;
    struct http_client *made = http_client_new(options, &e);

    CHECK(made != NULL);
    return made;
}

static struct got ask(struct http_request request)
{
    struct http_client *c = client(NULL);
    struct got got = {0};

    if (request.method == NULL)
        request.method = "GET";
    if (request.body_most == 0)
        request.body_most = 1024;
    got.rc = http_client_call(c, &request, &got.response, &got.e);
    http_client_free(&c);
    return got;
}

/* One call to a server that says `text`. */
static struct got ask_saying(const char *text)
{
    struct site site;
    struct got got;

    site_open(&site, NULL, say, text);
    got = ask((struct http_request){.url = site_url(&site, "/")});
    site_close(&site);
    return got;
}

static void check_error(struct got *got, enum err_code code, const char *part)
{
    CHECK_INT(got->rc, -1);
    CHECK_INT(got->e.code, code);
    if (strstr(got->e.text, part) == NULL)
        CHECK_TEXT(got->e.text, part);
    http_response_clear(&got->response);
}

TEST(an_answer, "status, fields and body of an answer come back, names in lower case")
{
    struct got got = ask_saying("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
                                "HTTP/1.1 404 Not Found\r\nContent-TYPE:  text/plain \r\nX-Two: 1\r\nX-Two: 2\r\n"
                                "Content-Length: 4\r\n\r\ngone");

    CHECK_INT(got.rc, 0);
    CHECK_INT(got.response.status, 404);
    CHECK(str_eq(http_response_field(&got.response, "content-type"), STR("text/plain")));
    CHECK(str_eq(http_response_field(&got.response, "x-two"), STR("1")));
    CHECK_INT(http_response_field(&got.response, "link").n, 0);
    CHECK_TEXT(sbuf_text(&got.response.body), "gone");
    CHECK(!got.response.cut);
    http_response_clear(&got.response);
}

TEST(trailers, "fields after a body are not taken for the head's")
{
    struct got got = ask_saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Location\r\n\r\n"
                                "2\r\nhi\r\n0\r\nLocation: elsewhere\r\n\r\n");

    CHECK_INT(got.rc, 0);
    CHECK_TEXT(sbuf_text(&got.response.body), "hi");
    CHECK_INT(http_response_field(&got.response, "location").n, 0);
    http_response_clear(&got.response);
}

TEST(what_is_sent, "method, fields and body are sent as given, and nothing that curl would add to them")
{
    const struct http_field fields[] = {{"Authorization", "Basic QTpC"}, {"X-Empty", ""}};
    struct site site;
    struct got got;

    site_open(&site, NULL, say, "HTTP/1.1 204 No Content\r\n\r\n");
    got = ask((struct http_request){
        .method = "POST", .url = site_url(&site, "/hook?a=b"), .fields = fields, .field_count = 2, .body = STR("{}")});
    site_close(&site);
    CHECK_INT(got.response.status, 204);
    CHECK(strstr(site.last, "POST /hook?a=b HTTP/1.1\r\n") == site.last);
    CHECK(strstr(site.last, "\r\nAuthorization: Basic QTpC\r\n") != NULL);
    CHECK(strstr(site.last, "\r\nX-Empty:\r\n") != NULL);
    CHECK(strstr(site.last, "\r\nContent-Length: 2\r\n") != NULL);
    CHECK(strstr(site.last, "\r\nUser-Agent: berth/") != NULL);
    CHECK(strstr(site.last, "Content-Type") == NULL && strstr(site.last, "Expect") == NULL);
    http_response_clear(&got.response);
}

TEST(head_method, "HEAD waits for no body")
{
    struct site site;
    struct got got;

    site_open(&site, NULL, say, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    got = ask((struct http_request){.method = "HEAD", .url = site_url(&site, "/")});
    site_close(&site);
    CHECK_INT(got.rc, 0);
    CHECK(str_eq(http_response_field(&got.response, "content-length"), STR("1000")));
    http_response_clear(&got.response);
}

static int refuse(void *context, struct str piece, struct err *e)
{
    sbuf_str(context, piece);
    return err_set(e, ERR_DIGEST, "not what was wanted");
}

static int collect(void *context, struct str piece, struct err *e)
{
    (void)e;
    sbuf_str(context, piece);
    return 0;
}

TEST(a_sink, "a sink gets the body of a 2xx, ends the call with its own error, and gets nothing of other answers")
{
    struct sbuf seen = {0};
    struct site site;
    struct got got;

    site_open(&site, NULL, say, "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nbytes");
    got = ask((struct http_request){.url = site_url(&site, "/"), .sink = collect, .context = &seen});
    CHECK_INT(got.rc, 0);
    CHECK_TEXT(sbuf_text(&seen), "bytes");
    CHECK_INT(got.response.body.n, 0);
    http_response_clear(&got.response);

    got = ask((struct http_request){.url = site_url(&site, "/"), .sink = refuse, .context = &seen});
    check_error(&got, ERR_DIGEST, "not what was wanted");
    site_close(&site);

    seen.n = 0;
    site_open(&site, NULL, say, "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nsorry");
    got = ask((struct http_request){.url = site_url(&site, "/"), .sink = collect, .context = &seen});
    site_close(&site);
    CHECK_INT(seen.n, 0);
    CHECK_TEXT(sbuf_text(&got.response.body), "sorry");
    http_response_clear(&got.response);
    sbuf_free(&seen);
}

static void say_without_end(struct talk *talk, const void *arg)
{
    talk_say(talk, "HTTP/1.1 200 OK\r\n\r\n");
    while (talk_say(talk, arg))
        ;
}

TEST(endless_body, "an endless body is cut where it is enough")
{
    struct site site;
    struct got got;

    site_open(&site, NULL, say_without_end, "more and more ");
    got = ask((struct http_request){.url = site_url(&site, "/"), .body_most = 20});
    site_close(&site);
    CHECK_INT(got.rc, 0);
    CHECK(got.response.cut);
    CHECK_TEXT(sbuf_text(&got.response.body), "more and more more a");
    http_response_clear(&got.response);
}

static void say_endless_head(struct talk *talk, const void *arg)
{
    talk_say(talk, "HTTP/1.1 103 Early Hints\r\n");
    while (talk_say(talk, arg))
        ;
}

TEST(endless_head, "an endless head, and interim answers without end, are refused")
{
    static const char *const pieces[] = {"X-More: abcdefghijklmnopqrstuvwxyz\r\n",
                                         "\r\nHTTP/1.1 103 Early Hints\r\nX-More: abcdefghijklmn\r\n"};
    struct site site;
    struct got got;

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        site_open(&site, NULL, say_endless_head, pieces[i]);
        got = ask((struct http_request){.url = site_url(&site, "/")});
        site_close(&site);
        check_error(&got, ERR_TOO_LARGE, ": the head of its answer is too long; is this the right port?");
    }
}

TEST(broken_off, "an answer that breaks off is none")
{
    struct got got = ask_saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive ");

    check_error(&got, ERR_IO, "http://127.0.0.1:");
    got = ask_saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfi");
    check_error(&got, ERR_IO, "; try again");
    got = ask_saying("");
    check_error(&got, ERR_IO, "it closed the connection without an answer; try again; does it want https?");
    got = ask_saying("SSH-2.0-OpenSSH_9.2\r\n");
    check_error(&got, ERR_IO, ": what it says is not HTTP; is this the right port?");
}

/* Until the other side has gone. */
static void say_and_wait(struct talk *talk, const void *arg)
{
    char byte;

    talk_say(talk, arg);
    while (recv(talk->fd, &byte, 1, 0) > 0)
        ;
}

TEST(slow, "who says too little for too long is given up, and the whole of a call can have an end")
{
    static const char *const beginnings[] = {"", "HTTP/1.1 200 OK\r\n",
                                             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno"};
    struct site site;
    struct got got;

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        site_open(&site, NULL, say_and_wait, beginnings[i]);
        got = ask((struct http_request){.url = site_url(&site, "/"), .stall_ms = 100});
        check_error(&got, ERR_IO, ": it takes too long; try again when it is less busy");
        got = ask((struct http_request){.url = site_url(&site, "/"), .timeout_ms = 100});
        check_error(&got, ERR_IO, ": it takes too long; try again when it is less busy");
        site_close(&site);
    }
}

static bool wanted(void *arg)
{
    (void)arg;
    return true;
}

TEST(interrupted, "a call ends when it is interrupted")
{
    const struct interrupt interrupt = {.wanted = wanted};
    struct site site;
    struct got got;

    site_open(&site, NULL, say_and_wait, "");
    got = ask((struct http_request){.url = site_url(&site, "/"), .interrupt = &interrupt});
    site_close(&site);
    check_error(&got, ERR_BUSY, "interrupted");
}

TEST(nobody, "an error names the host and what to do, but no credentials and no query")
{
    char url[128], wanted_text[128];
    struct site site;
    struct got got;

    site_open(&site, NULL, say, "");
    site_close(&site); /* now nobody listens there */
    snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/path?token=hidden", site.port);
    snprintf(wanted_text, sizeof(wanted_text),
             "http://127.0.0.1:%d: cannot connect: Connection refused; is it running, and does a firewall let this "
             "through?",
             site.port);
    got = ask((struct http_request){.url = url});
    CHECK_INT(got.e.code, ERR_IO);
    CHECK_TEXT(got.e.text, wanted_text);
    got = ask((struct http_request){.url = "http://me:secret@no-such-host.invalid/?a"});
    CHECK_TEXT(got.e.text,
               "http://no-such-host.invalid: its name cannot be resolved; look at the name, and at this machine's DNS");
}

TEST(bad_requests, "what cannot be asked is refused before anything is sent")
{
    static const char *const urls[] = {"",          "file:///etc/passwd", "ftp://host/",       "https://", "http://@/",
                                       "http:///a", "http://a b/",        "http://a\r\nX: y/", "//host/"};
    const struct http_field split = {"X-A", "b\r\nX-C: d"}, unnamed = {"", "b"};
    struct got got;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        got = ask((struct http_request){.url = urls[i]});
        check_error(&got, ERR_INVALID, "an address that is no URL for http or https");
    }
    got = ask((struct http_request){.url = "http://127.0.0.1:1/", .fields = &split, .field_count = 1});
    check_error(&got, ERR_INVALID, "a field of a request that no head can hold");
    got = ask((struct http_request){.url = "http://127.0.0.1:1/", .fields = &unnamed, .field_count = 1});
    check_error(&got, ERR_INVALID, "a field of a request that no head can hold");
}
