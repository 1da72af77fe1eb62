/* Names, digests, paths and queries: what a request target is made of. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "registry/query.h"
#include "registry/routes.h"
#include "storage/digest.h"
#include "storage/reference.h"
#include "storage/upload_id.h"

static void try_digest(struct str text)
{
    struct digest d, back;
    struct err e = {0};
    char formatted[DIGEST_TEXT_MAX];
    uint8_t key[DIGEST_KEY_MAX];
    size_t n;

    if (digest_parse(text, &d, &e) != 0) {
        HOLDS(e.code == ERR_DIGEST && e.text[0] != '\0');
        return;
    }
    n = digest_format(&d, formatted);
    HOLDS(str_eq((struct str){formatted, n}, text));
    n = digest_to_key(&d, key);
    HOLDS(digest_from_key(key, n, &back) == n && digest_equal(&d, &back));
}

static void try_key(struct str text)
{
    struct digest d;
    uint8_t key[DIGEST_KEY_MAX];
    size_t n = digest_from_key((const uint8_t *)text.p, text.n, &d);

    HOLDS(n <= text.n);
    HOLDS(n == 0 || (digest_to_key(&d, key) == n && memcmp(key, text.p, n) == 0));
}

/* What passes as a name, tag or id must be harmless in a path. */
static void try_names(struct str text)
{
    char *copy = str_dup(text);

    if (repository_name_valid(text)) {
        HOLDS(text.n > 0 && text.n <= REPOSITORY_NAME_MAX && strlen(copy) == text.n);
        HOLDS(strstr(copy, "..") == NULL && strstr(copy, "//") == NULL && strstr(copy, "/.") == NULL);
        HOLDS(copy[0] != '/' && copy[text.n - 1] != '/');
    }
    if (tag_valid(text))
        HOLDS(text.n > 0 && text.n <= TAG_MAX && strlen(copy) == text.n && strchr(copy, '/') == NULL && copy[0] != '.');
    if (upload_id_valid(text))
        HOLDS(text.n == UPLOAD_ID_LENGTH && strlen(copy) == text.n && strpbrk(copy, "./") == NULL);
    free(copy);
}

static void try_route(struct str path)
{
    struct target target;
    enum method method;
    char allow[64];

    route_parse(path, &target);
    HOLDS(target.route < ROUTE_COUNT && route_name(target.route) != NULL);
    HOLDS(target.repository.n <= path.n && target.reference.n <= path.n);
    route_allow(target.route, 0, allow);
    HOLDS((allow[0] == '\0') == (target.route == ROUTE_NONE));
    if (route_method(path, &method))
        HOLDS(method < METHOD_COUNT);
}

static void try_escapes(struct str text)
{
    char *out = xmalloc(text.n);
    struct sbuf escaped = {0};
    size_t n;

    if (percent_decode(text, true, out, &n)) {
        HOLDS(n <= text.n);
        try_route((struct str){out, n});
        try_names((struct str){out, n});
    }
    /* There and back; an escaped NUL is refused. */
    sbuf_percent(&escaped, text);
    out = xrealloc(out, escaped.n);
    if (percent_decode((struct str){escaped.p, escaped.n}, false, out, &n))
        HOLDS(str_eq((struct str){out, n}, text));
    else
        HOLDS(str_find(text, '\0') < text.n);
    sbuf_free(&escaped);
    free(out);
}

static void try_query(struct str query)
{
    static const char *const keys[] = {"n", "last", "digest", "artifactType", ""};
    struct sbuf value = {0};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        for (size_t index = 0; index < 3; index++)
            if (query_get(query, keys[i], index, &value))
                HOLDS(value.n <= query.n && value.p[value.n] == '\0');
    sbuf_free(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_text(data, size);

    try_digest(text);
    try_key(text);
    try_names(text);
    try_route(text);
    try_escapes(text);
    try_query(text);
    return 0;
}
