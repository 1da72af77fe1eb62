#include "registry/api/etag.h"

bool etag_matches(struct str header, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX];
    struct str own;

    if (header.n == 0)
        return false;
    own = (struct str){text, digest_format(d, text)};
    while (header.n > 0) {
        size_t comma = str_find(header, ',');
        struct str tag = str_trim((struct str){header.p, comma});

        if (str_eq(tag, STR("*")))
            return true;
        if (str_starts(tag, STR("W/")))
            tag = str_from(tag, 2);
        if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"')
            tag = (struct str){tag.p + 1, tag.n - 2};
        if (str_eq(tag, own))
            return true;
        header = str_from(header, comma + 1);
    }
    return false;
}

bool etag_allows_range(struct str header, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX];
    struct str own = {text, digest_format(d, text)};

    if (header.n == 0)
        return true;
    return header.n == own.n + 2 && header.p[0] == '"' && header.p[header.n - 1] == '"' &&
           str_eq((struct str){header.p + 1, own.n}, own);
}
