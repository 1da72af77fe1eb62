#include "registry/basic_credentials.h"

#include <stdlib.h>
#include <string.h>

#include "auth/htpasswd.h"
#include "tests/unit/test.h"

/* "name|password", or "" when the header is refused; then nothing may be left in the room. */
static const char *parse(struct str header)
{
    static struct sbuf said;
    char *room = xmalloc(header.n + 1);
    struct str name, password;

    said.n = 0;
    memset(room, 0, header.n);
    if (basic_credentials(header, room, &name, &password)) {
        sbuf_str(&said, name);
        sbuf_put(&said, "|", 1);
        sbuf_str(&said, password);
    } else {
        for (size_t i = 0; i < header.n; i++)
            CHECK_INT(room[i], 0);
    }
    free(room);
    return sbuf_text(&said);
}

TEST(headers, "only Basic with base64 of a name, a colon and a password is taken apart")
{
    static const struct {
        const char *header;
        const char *said;
    } cases[] = {
        {"Basic YWxpY2U6c2VjcmV0", "alice|secret"},
        {"basic YWxpY2U6c2VjcmV0", "alice|secret"},
        {"BASIC   YWxpY2U6c2VjcmV0  ", "alice|secret"},
        {"Basic YTo=", "a|"},
        {"Basic YTpiOmM=", "a|b:c"}, /* only the first colon separates */
        {"Basic YTpi", "a|b"},
        {"Basic OnNlY3JldA==", ""}, /* no name */
        {"Basic YWxpY2U=", ""},     /* no colon */
        {"Basic YWxpY2U6c2VjcmV", ""},
        {"Basic YWxpY2U6c2Vj*mV0", ""},
        {"Basic ====", ""},
        {"Basic ", ""},
        {"Basic", ""},
        {"", ""},
        {"Bearer YWxpY2U6c2VjcmV0", ""},
        {"BasicYWxpY2U6c2VjcmV0", ""},
        {"Digest username=\"alice\"", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_TEXT(parse(str_of(cases[i].header)), cases[i].said);
}

/* The header for `n` letters, a colon and a password of two. */
static const char *parse_name_of(size_t n)
{
    struct sbuf header = {0};
    const char *said;

    sbuf_printf(&header, "Basic ");
    for (size_t i = 0; i + 3 <= n; i += 3)
        sbuf_printf(&header, "YWFh");
    sbuf_printf(&header, "OmFh");
    said = parse((struct str){header.p, header.n});
    sbuf_free(&header);
    return said;
}

TEST(lengths, "a name has at most as many bytes as a user file allows; longer credentials are not decoded")
{
    _Static_assert(HTPASSWD_NAME_MAX % 3 == 0, "the names below have whole groups of letters");

    CHECK_INT(strlen(parse_name_of(HTPASSWD_NAME_MAX)), HTPASSWD_NAME_MAX + 3);
    CHECK_TEXT(parse_name_of(HTPASSWD_NAME_MAX + 3), "");
    CHECK_TEXT(parse_name_of(CREDENTIALS_MAX), "");
}
