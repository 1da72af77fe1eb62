#include "registry/ops/import_source.h"
#include "tests/unit/test.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(forms, "a source names a host, and perhaps a repository, and perhaps a tag or a digest of it")
{
    static const struct {
        const char *text, *host, *repository, *tag, *digest;
    } cases[] = {
        {"docker://a.example", "a.example", "", "", ""},
        {"docker://a.example:5000/", "a.example:5000", "", "", ""},
        {"docker://10.0.0.1/app", "10.0.0.1", "app", "", ""},
        {"docker://[::1]:5000/team/app:1.0", "[::1]:5000", "team/app", "1.0", ""},
        {"docker://a/app@sha256:" HEX, "a", "app", "", "sha256:" HEX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct import_source s;
        struct err e = {0};

        import_source_parse(cases[i].text, &s, &e);
        CHECK_TEXT(e.text, "");
        CHECK_TEXT(s.host, cases[i].host);
        CHECK_TEXT(s.repository, cases[i].repository);
        CHECK_TEXT(s.tag, cases[i].tag);
        CHECK_TEXT(s.digest, cases[i].digest);
    }
}

TEST(others, "anything else is refused with the form that is meant")
{
    static const char both[] = "docker://a/app:1@sha256:" HEX;
    static const char *const texts[] = {
        "docker://",
        "docker:///app",
        "docker://me:secret@a/app",
        "docker://a:0/app",
        "docker://a:70000",
        "docker://a b/app",
        "docker://a/UPPER",
        "docker://a/app:",
        "docker://a/../app",
        "docker://a/app:-tag",
        "docker://a/app@sha256:00",
        "docker://[::1/app",
        "docker://a/app?x=y",
        "docker://a#b/app",
        both,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct import_source s;
        struct err e = {0};

        if (import_source_parse(texts[i], &s, &e) == 0)
            CHECK_TEXT(texts[i], "refused");
        CHECK(strstr(e.text, "written as docker://HOST[:PORT][/REPOSITORY[:TAG]]") != NULL);
    }
}
