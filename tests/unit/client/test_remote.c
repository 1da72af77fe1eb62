/* Another registry that says what a test wants: who calls, lists, patience. */
#include "registry/client/remote_registry.h"
#include "tests/unit/client/http_fixture.h"

/* What is said to a request whose head begins with `request` and holds `field`; the first that fits. */
struct line {
    const char *request;
    const char *field; /* NULL: whatever */
    const char *answer;
    _Atomic int *times; /* NULL: any number; else counted down, and skipped at 0 */
};

static void answer_lines(struct talk *talk, const void *arg)
{
    for (const struct line *line = arg; line->request != NULL; line++) {
        if (strncmp(talk->head, line->request, strlen(line->request)) != 0 ||
            (line->field != NULL && strstr(talk->head, line->field) == NULL) ||
            (line->times != NULL && atomic_fetch_sub(line->times, 1) <= 0))
            continue;
        talk_say(talk, line->answer);
        return;
    }
    talk_say(talk, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

#define EMPTY_ANSWER(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"
#define CATALOG              "{\"repositories\":[\"a\",\"b/c\"]}"
#define PAGE(fields, body)   "HTTP/1.1 200 OK\r\n" fields "Connection: close\r\n\r\n" body

struct seen {
    struct sbuf names;
    struct err e;
    int rc;
};

static int put_name(struct str name, void *arg, struct err *e)
{
    struct sbuf *out = arg;

    (void)e;
    sbuf_str(out, name);
    sbuf_str(out, STR(" "));
    return 0;
}

static void open_remote(struct remote **out, const struct site *site, struct str credentials)
{
    struct err e;
    char host[64];

    snprintf(host, sizeof(host), "127.0.0.1:%d", site->port);
    *out = remote_open(&(struct remote_options){.host = host, .plain_http = true, .credentials = credentials}, &e);
    CHECK(*out != NULL);
}

/* The catalog as `lines` answer. */
static struct seen look(const struct line *lines, struct str credentials)
{
    struct seen seen = {0};
    struct remote *remote;
    struct site site;

    site_open(&site, NULL, answer_lines, lines);
    open_remote(&remote, &site, credentials);
    seen.rc = remote_catalog(remote, put_name, &seen.names, &seen.e);
    sbuf_text(&seen.names);
    remote_close(&remote);
    site_close(&site);
    return seen;
}

static void check_names(struct seen seen, const char *wanted)
{
    if (seen.rc != 0)
        CHECK_TEXT(seen.e.text, "");
    CHECK_TEXT(seen.names.p, wanted);
    sbuf_free(&seen.names);
}

static void check_error(struct seen seen, enum err_code code, const char *part)
{
    CHECK_INT(seen.rc, -1);
    if (strstr(seen.e.text, part) == NULL)
        CHECK_TEXT(seen.e.text, part);
    CHECK_INT(seen.e.code, code);
    sbuf_free(&seen.names);
}

TEST(nobody, "who has no password asks without one")
{
    const struct line lines[] = {{"GET /v2/_catalog?n=500 ", NULL, PAGE("", CATALOG), NULL}, {0}};

    check_names(look(lines, STR("")), "a b/c ");
}

TEST(basic, "a password goes to who asks for Basic, and not before")
{
    const struct line lines[] = {
        {"GET /v2/ ", "Authorization", EMPTY_ANSWER("500 Too early"), NULL},
        {"GET /v2/ ", NULL, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", NULL},
        {"GET /v2/_catalog", "Authorization: Basic bWU6c2VjcmV0\r\n", PAGE("", CATALOG), NULL},
        {0}};

    check_names(look(lines, STR("me:secret")), "a b/c ");
}

TEST(wrong_password, "a password that is refused is told, with what the other registry says")
{
    const struct line lines[] = {{"GET ", NULL,
                                  "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nConnection: close\r\n\r\n"
                                  "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"go \\u001b away\"}]}",
                                  NULL},
                                 {0}};

    check_error(look(lines, STR("me:secret")), ERR_DENIED,
                "the catalog: status 401, \"go \\x1b away\": it wants a login, or another one");
}

/* A token server in the same place. The realm needs the port, so the lines are made here. */
static struct seen look_with_token(const char *token_answer, const char *scheme)
{
    char challenge[256];
    struct line lines[] = {{"GET /token?a=b&scope=registry%3Acatalog%3A%2A&service=the%20service ",
                            "Authorization: Basic bWU6c2VjcmV0\r\n", token_answer, NULL},
                           {"GET /v2/_catalog", "Authorization: Bearer good.token\r\n", PAGE("", CATALOG), NULL},
                           {"GET /v2/", NULL, challenge, NULL},
                           {0}};
    struct seen seen = {0};
    struct remote *remote;
    struct site site;

    site_open(&site, NULL, answer_lines, lines);
    snprintf(
        challenge, sizeof(challenge),
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"%s127.0.0.1:%d/token?a=b\",service=\"the service\"\r\n"
        "Content-Length: 0\r\n\r\n",
        scheme, site.port);
    open_remote(&remote, &site, STR("me:secret"));
    seen.rc = remote_catalog(remote, put_name, &seen.names, &seen.e);
    sbuf_text(&seen.names);
    remote_close(&remote);
    site_close(&site);
    return seen;
}

TEST(bearer, "a token for the scope comes from the realm, under either name")
{
    check_names(look_with_token(PAGE("", "{\"token\":\"good.token\"}"), "http://"), "a b/c ");
    check_names(look_with_token(PAGE("", "{\"access_token\":\"good.token\"}"), "http://"), "a b/c ");
}

TEST(bad_tokens, "a token that is none is refused, and so is a realm that is no place for a password")
{
    check_error(look_with_token(PAGE("", "{\"token\":\"good.token\\r\\nX-Evil: yes\"}"), "http://"), ERR_INVALID,
                ": the token holds bytes that no token has");
    check_error(look_with_token(PAGE("", "{\"token\":\"\"}"), "http://"), ERR_INVALID,
                ": the token has 0 bytes; 1 to 16384 are taken");
    check_error(look_with_token(PAGE("", "{\"token\":7}"), "http://"), ERR_INVALID, ": what it answers holds no token");
    check_error(look_with_token(PAGE("", "[[[["), "http://"), ERR_INVALID, ": what it answers holds no token");
    check_error(look_with_token(EMPTY_ANSWER("401 No"), "http://"), ERR_DENIED, ": name or password is wrong");
    check_error(look_with_token(PAGE("", ""), "file:///"), ERR_INVALID, "the realm that tokens come from is no URL");
}

TEST(pages, "pages follow each other as their links say, relative or whole, to the last")
{
    const struct line lines[] = {
        {"GET /v2/_catalog?n=500 ", NULL,
         PAGE("Link: </v2/_catalog?last=b>; rel=\"next\"\r\n", "{\"repositories\":[\"a\",\"b\"]}"), NULL},
        {"GET /v2/_catalog?last=b ", NULL, PAGE("Link: <?last=c>; rel=next\r\n", "{\"repositories\":[\"c\"]}"), NULL},
        {"GET /v2/_catalog?last=c ", NULL, PAGE("Link: </v2/>; rel=\"prev\"\r\n", "{\"repositories\":null}"), NULL},
        {0}};

    check_names(look(lines, STR("")), "a b c ");
}

TEST(circles, "pages that lead in a circle, nowhere or elsewhere end the list")
{
#define LINKS(link, names)                                                                                             \
    {                                                                                                                  \
        "GET /v2/_catalog?n=500 ", NULL, PAGE("Link: <" link ">; rel=\"next\"\r\n", "{\"repositories\":[" names "]}"), \
            NULL                                                                                                       \
    }
    static const struct {
        struct line lines[3];
        enum err_code code;
        const char *text;
    } cases[] = {
        {{LINKS("/v2/_catalog?n=500", "\"a\"")}, ERR_INVALID, "its pages lead in a circle"},
        {{LINKS("/b", "\"a\""),
          {"GET /b ", NULL, PAGE("Link: </v2/_catalog?n=500>; rel=\"next\"\r\n", "{\"repositories\":[\"b\"]}"), NULL}},
         ERR_INVALID,
         "its pages lead in a circle"},
        {{LINKS("/b", "")}, ERR_INVALID, "a page without names leads to another"},
        {{LINKS("http://elsewhere.invalid/v2/", "\"a\"")},
         ERR_DENIED,
         "its next page is elsewhere: \"elsewhere.invalid\""},
        {{LINKS("//elsewhere.invalid/v2/", "\"a\"")}, ERR_INVALID, "its next page is at no address"},
        {{LINKS("file:///etc/passwd", "\"a\"")}, ERR_INVALID, "its next page is at no address"},
        {{LINKS("/x", "7")}, ERR_INVALID, "an entry of its list is none"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_error(look(cases[i].lines, STR("")), cases[i].code, cases[i].text);
#undef LINKS
}

TEST(no_lists, "what is no list is refused")
{
    static const char *const bodies[] = {"", "no", "[]", "{}", "{\"repositories\":{}}", "{\"repositories\":\"a\"}"};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char answer[256];
        const struct line lines[] = {{"GET ", NULL, answer, NULL}, {0}};

        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", bodies[i]);
        check_error(look(lines, STR("")), ERR_INVALID, "the catalog: what it answers is no list");
    }
}

TEST(patience, "who is busy is asked again, as late as he wants; who says no is not")
{
    _Atomic int busy = 2, broken = 1;
    const struct line lines[] = {
        {"GET ", NULL, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", &busy},
        {"GET ", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", &broken},
        {"GET ", NULL, PAGE("", CATALOG), NULL},
        {0}};
    const struct line refusing[] = {{"GET ", NULL, EMPTY_ANSWER("403 No"), NULL}, {0}};

    check_names(look(lines, STR("")), "a b/c ");
    check_error(look(refusing, STR("")), ERR_DENIED, "the catalog: status 403: who logs in may not pull that");
}

TEST(retry_after, "a wish to be asked later is granted")
{
    _Atomic int busy = 1;
    const struct line lines[] = {
        {"GET ", NULL, "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", &busy},
        {"GET ", NULL, PAGE("", CATALOG), NULL},
        {0}};
    struct timespec began, ended;

    clock_gettime(CLOCK_MONOTONIC, &began);
    check_names(look(lines, STR("")), "a b/c ");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    CHECK((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 >= 1000);
}
