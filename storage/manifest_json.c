/*
 * The scan goes before the parser because a parser builds a value for each few bytes of input: it bounds how deep and
 * how many those are before any memory is spent on them.
 */
#include "storage/manifest_json.h"

#include "storage/manifest.h"

enum {
    DEPTH_MAX = 64,
    VALUES_MAX = 256 * 1024, /* some four times what 4 MiB of descriptors hold */
};

/* ---- the scan ---- */

static int check_counts(size_t depth, size_t values, struct err *e)
{
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INVALID, "nested more than %d deep", DEPTH_MAX);
    if (values > VALUES_MAX)
        return err_set(e, ERR_INVALID, "more than %d values", VALUES_MAX);
    return 0;
}

/* Counts brackets and commas outside strings. Whether they make sense is the parser's to say. */
static int scan(struct str s, struct err *e)
{
    size_t depth = 0;
    size_t values = 1;
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        if (c == '{' || c == '[' || c == ',')
            values++;
        if (check_counts(depth, values, e) != 0)
            return -1;
    }
    return 0;
}

json_t *json_document(struct str bytes, struct err *e)
{
    json_error_t why;
    json_t *root;

    if (bytes.n > MANIFEST_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "a manifest has at most %d bytes, this one has %zu", MANIFEST_BYTES_MAX, bytes.n);
        return NULL;
    }
    if (str_find(bytes, '\0') < bytes.n) {
        err_set(e, ERR_INVALID, "not JSON: there is a NUL in it");
        return NULL;
    }
    if (scan(bytes, e) != 0)
        return NULL;
    root = json_loadb(bytes.n == 0 ? "" : bytes.p, bytes.n, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        err_set(e, ERR_INVALID, "not JSON: line %d: %s", why.line, why.text);
    } else if (!json_is_object(root)) {
        err_set(e, ERR_INVALID, "not a JSON object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* ---- members ---- */

json_t *json_member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

int json_member_text(const json_t *object, const char *name, struct str *out, struct err *e)
{
    const json_t *value = json_member(object, name);

    *out = (struct str){"", 0};
    if (value == NULL)
        return 0;
    if (!json_is_string(value))
        return err_set(e, ERR_INVALID, "%s is not a string", name);
    *out = (struct str){json_string_value(value), json_string_length(value)};
    return 0;
}
