#include "registry/acme_challenge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(paths, "a challenge's path begins as RFC 8555 says, byte for byte")
{
    static const struct {
        const char *path;
        const char *token; /* NULL: no challenge */
    } cases[] = {
        {"/.well-known/acme-challenge/abc", "abc"},
        {"/.well-known/acme-challenge/", ""},
        {"/.well-known/acme-challenge/a/b", "a/b"},
        {"/.well-known/acme-challenge", NULL},
        {"/.well-known/acme-challengeX", NULL},
        {"/.WELL-KNOWN/acme-challenge/abc", NULL},
        {"//.well-known/acme-challenge/abc", NULL},
        {"/x/../.well-known/acme-challenge/abc", NULL},
        {"/.well-known/acme%2Dchallenge/abc", NULL},
        {"/", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str token;
        bool is = acme_challenge_path(str_of(cases[i].path), &token);

        if (is != (cases[i].token != NULL) || (is && !str_eq(token, str_of(cases[i].token))))
            test_fail(__FILE__, __LINE__, "%s: %d, token %.*s", cases[i].path, is, (int)token.n, token.p);
    }
}

TEST(tokens, "a token is base64url and nothing else, of at most 128 bytes")
{
    static const char *const good[] = {"a", "-", "_", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "AZaz09-_"};
    static const struct str bad[] = {
        STR(""),     STR("."),     STR(".."),       STR("a.b"), STR("a/b"), STR("/etc/passwd"),
        STR("%2e"),  STR("a%00b"), STR("a\0b"),     STR("a b"), STR("a="),  STR("a+b"),
        STR("a\\b"), STR("a\n"),   STR("\xc3\xa9"), STR("a?b"), STR("~")};
    char longest[ACME_TOKEN_MAX + 1];

    for (size_t i = 0; i < COUNT(good); i++)
        if (!acme_token_valid(str_of(good[i])))
            test_fail(__FILE__, __LINE__, "%s is refused", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (acme_token_valid(bad[i]))
            test_fail(__FILE__, __LINE__, "bad token number %zu passes", i);
    memset(longest, 'x', sizeof(longest));
    CHECK(acme_token_valid((struct str){longest, ACME_TOKEN_MAX}));
    CHECK(!acme_token_valid((struct str){longest, ACME_TOKEN_MAX + 1}));
}

/* ---- reading, in a webroot in the working directory ---- */

static void enter_webroot(void)
{
    struct err e;

    if (chdir(test_dir()) != 0 || file_mkdirs("root/.well-known/acme-challenge", 0755, &e) != 0)
        test_fail(__FILE__, __LINE__, "no webroot: %s", strerror(errno));
}

static void put_file(const char *path, size_t n)
{
    struct sbuf bytes = {0};
    struct err e;

    for (size_t i = 0; i < n; i++)
        sbuf_put(&bytes, &"0123456789"[i % 10], 1);
    if (file_replace(path, bytes.p, bytes.n, 0644, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    sbuf_free(&bytes);
}

#define FOLDER "root/.well-known/acme-challenge/"

TEST(content, "a challenge is read whole, up to 64 KiB, however empty")
{
    static const size_t sizes[] = {0, 1, 87, 4096, 4097, ACME_CHALLENGE_MAX};

    enter_webroot();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct sbuf got = {0};
        struct err e = {0};

        put_file(FOLDER "token", sizes[i]);
        CHECK_INT(acme_challenge_read("root", "token", &got, &e), 0);
        CHECK_INT(got.n, sizes[i]);
        CHECK(got.n == 0 || got.p[got.n - 1] == "0123456789"[(got.n - 1) % 10]);
        sbuf_free(&got);
    }
}

static void check_refused(const char *token, enum err_code code, const char *text)
{
    struct sbuf got = {0};
    struct err e = {0};

    CHECK_INT(acme_challenge_read("root", token, &got, &e), -1);
    CHECK_TEXT(e.text, text);
    CHECK_INT(e.code, code);
    sbuf_free(&got);
}

TEST(refusals, "what is no file of the webroot is not served, and waits for nobody")
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = FOLDER "socket"};
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    enter_webroot();
    put_file("secret", 5);
    put_file(FOLDER "large", ACME_CHALLENGE_MAX + 1);
    CHECK_INT(symlink("../../../secret", FOLDER "link"), 0);
    CHECK_INT(symlink("none", FOLDER "dangling"), 0);
    CHECK_INT(mkdir(FOLDER "folder", 0755), 0);
    CHECK_INT(mkfifo(FOLDER "fifo", 0644), 0);
    CHECK_INT(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    check_refused("absent", ERR_NOT_FOUND, FOLDER "absent: no such challenge");
    check_refused("large", ERR_TOO_LARGE, FOLDER "large: larger than 65536 bytes");
    check_refused("link", ERR_INVALID, FOLDER "link: a symbolic link, which is not followed");
    check_refused("dangling", ERR_INVALID, FOLDER "dangling: a symbolic link, which is not followed");
    check_refused("folder", ERR_INVALID, FOLDER "folder: not a regular file");
    check_refused("fifo", ERR_INVALID, FOLDER "fifo: not a regular file");
    check_refused("socket", ERR_INVALID, FOLDER "socket: not a regular file");
    close(listening);
}

TEST(folders, "a folder that is a link, or not there, leads nowhere")
{
    struct err e;

    enter_webroot();
    CHECK_INT(file_mkdirs("elsewhere", 0755, &e), 0);
    put_file("elsewhere/token", 5);
    CHECK_INT(rmdir("root/.well-known/acme-challenge"), 0);
    check_refused("token", ERR_NOT_FOUND, FOLDER "token: no such challenge");
    CHECK_INT(symlink("../../elsewhere", "root/.well-known/acme-challenge"), 0);
    check_refused("token", ERR_NOT_FOUND, FOLDER "token: no such challenge");
}

TEST(linked_webroot, "the webroot itself may be a link")
{
    struct sbuf got = {0};
    struct err e = {0};

    enter_webroot();
    put_file(FOLDER "token", 5);
    CHECK_INT(symlink("root", "linked"), 0);
    CHECK_INT(acme_challenge_read("linked", "token", &got, &e), 0);
    CHECK_INT(got.n, 5);
    sbuf_free(&got);
}
