#include "registry/client/login_file.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

/* What is found for `host` in a file that holds `json`: the login, "" for none, or the error after its path. */
static const char *find(const char *json, const char *host)
{
    static char out[ERR_TEXT_MAX];
    struct sbuf login = {0};
    struct err e;
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/auth.json", test_dir());
    file = fopen(path, "w");
    if (file == NULL || fputs(json, file) < 0 || fclose(file) != 0)
        abort();
    if (login_file_find(path, host, &login, &e) == 0)
        snprintf(out, sizeof(out), "%s", sbuf_text(&login));
    else
        snprintf(out, sizeof(out), "error%s", e.text + str_of(path).n);
    sbuf_free(&login);
    return out;
}

TEST(found, "a login is found by its host, as old and new clients spell that")
{
    CHECK_TEXT(find("{\"auths\":{\"a:5000\":{\"auth\":\"bWU6c2VjcmV0\"}}}", "a:5000"), "me:secret");
    CHECK_TEXT(find("{\"auths\":{\"https://A/v1/\":{\"auth\":\"bWU6c2VjcmV0\"}}}", "a"), "me:secret");
    CHECK_TEXT(find("{\"auths\":{\"a\":{\"auth\":\"bWU6c2VjcmV0\"}}}", "a:5000"), "");
    CHECK_TEXT(find("{\"auths\":{\"a\":{}}}", "a"), "");
    CHECK_TEXT(find("{}", "a"), "");
}

TEST(unusable, "what cannot be used is told with another way")
{
    CHECK_TEXT(find("[]", "a"), "error: it is no JSON object");
    CHECK_TEXT(find("{\"auths\":{\"a\":{\"auth\":\"?\"}}}", "a"),
               "error: the login is malformed there; use --user, with --password-file or typing");
    CHECK_TEXT(find("{\"auths\":{\"a\":{\"auth\":\"bm9jb2xvbg==\"}}}", "a"),
               "error: the login is malformed there; use --user, with --password-file or typing");
    CHECK_TEXT(
        find("{\"auths\":{\"a\":{\"identitytoken\":\"t\"}}}", "a"),
        "error: the login is a token there, which is not understood; use --user, with --password-file or typing");
    CHECK_TEXT(find("{\"credHelpers\":{\"a\":\"pass\"}}", "a"),
               "error: a credential helper keeps the login for a; use --user, with --password-file or typing");
    CHECK_TEXT(find("{\"credsStore\":\"x\",\"auths\":{\"a\":{}}}", "a"),
               "error: a credential helper keeps the login for a; use --user, with --password-file or typing");
}

TEST(absent, "a file that is not there is told as that")
{
    struct sbuf login = {0};
    struct err e;

    CHECK_INT(login_file_find("/nonexistent/auth.json", "a", &login, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
}
