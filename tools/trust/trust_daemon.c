/*
 * jansson says whether the text is what it should be. Once it is known to be JSON, finding the place to change takes no
 * more than stepping over strings and brackets: `struct span` is a piece of the text by offsets, end exclusive.
 */
#include "tools/trust/trust_daemon.h"

#include <jansson.h>
#include <string.h>

#define LIST "insecure-registries"

struct span {
    size_t begin, end;
};

/* Where things are in the text. */
struct layout {
    struct span object; /* between the braces */
    struct span member; /* the list's key to the end of its value */
    struct span array;  /* between the list's brackets */
    bool has_list, has_others;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct str text, size_t at)
{
    while (at < text.n && is_blank(text.p[at]))
        at++;
    return at;
}

/* From an opening quote to behind the closing one. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.n && text.p[at] != '"'; at++)
        at += text.p[at] == '\\';
    return at + 1;
}

/* Over one value. */
static size_t skip_value(struct str text, size_t at)
{
    size_t depth = 0;

    while (at < text.n) {
        char c = text.p[at];

        if (c == '"') {
            at = skip_string(text, at);
        } else {
            if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_blank(c)))
                break;
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            at++;
        }
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            break;
    }
    return at;
}

static bool is_text(struct str text, struct span span, const char *wanted)
{
    struct str inner = {text.p + span.begin + 1, span.end - span.begin - 2};

    return str_eq(inner, str_of(wanted));
}

/* Find the list. The text is a JSON object. */
static struct layout lay_out(struct str text)
{
    struct layout found = {0};
    size_t at = skip_blanks(text, 0) + 1;

    found.object.begin = at;
    for (at = skip_blanks(text, at); at < text.n && text.p[at] == '"'; at = skip_blanks(text, at)) {
        struct span key = {at, skip_string(text, at)};
        size_t value = skip_blanks(text, skip_blanks(text, key.end) + 1); /* over the colon */

        at = skip_value(text, value);
        if (is_text(text, key, LIST)) {
            found.has_list = true;
            found.member = (struct span){key.begin, at};
            found.array = (struct span){value + 1, at - 1};
        } else {
            found.has_others = true;
        }
        at = skip_blanks(text, at);
        if (text.p[at] == ',')
            at++;
    }
    found.object.end = at;
    return found;
}

/* Is it what Docker reads, and is the registry on the list? Returns 1 when it is, 0 when not, -1 for neither. */
static int look(struct str text, const char *registry, struct err *e)
{
    json_error_t at;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &at), *list, *one;
    size_t i;
    int rc = 0;

    if (root == NULL)
        return err_set(e, ERR_INVALID, "no valid JSON, left as it is: line %d: %s", at.line, at.text);
    list = json_object_get(root, LIST);
    if (!json_is_object(root))
        rc = err_set(e, ERR_INVALID, "no JSON object, left as it is");
    else if (list != NULL && !json_is_array(list))
        rc = err_set(e, ERR_INVALID, "\"" LIST "\" is no array, left as it is");
    json_array_foreach(list, i, one)
    {
        if (rc == 0 && !json_is_string(one))
            rc = err_set(e, ERR_INVALID, "\"" LIST "\" holds something else than strings, left as it is");
        else if (rc == 0 && strcmp(json_string_value(one), registry) == 0)
            rc = 1;
    }
    json_decref(root);
    return rc;
}

/* `out` is `text` with `what` in place of the span. */
static void replace(struct str text, struct span span, const char *what, struct sbuf *out)
{
    sbuf_put(out, text.p, span.begin);
    sbuf_str(out, str_of(what));
    sbuf_str(out, str_from(text, span.end));
}

/* Is the new text what was wanted? Keys written with escapes could make it something else. */
static int verify(struct sbuf *out, const char *registry, int wanted, bool *changed, struct err *e)
{
    *changed = look((struct str){out->p, out->n}, registry, NULL) == wanted;
    if (*changed)
        return 0;
    out->n = 0;
    return err_set(e, ERR_INVALID, "\"" LIST "\" is written in an unusual way: change it by hand");
}

/* The list as the first member. Before others it repeats the blanks that stand in front of them, so that taking it off
 * again leaves the bytes as they were. Returns where it belongs. */
static size_t put_list(struct str text, struct layout found, const char *registry, struct sbuf *out)
{
    size_t begin = found.object.begin, first = skip_blanks(text, begin);

    if (!found.has_others) {
        sbuf_printf(out, "\n  \"" LIST "\": [\"%s\"]\n", registry);
        return begin;
    }
    sbuf_printf(out, "\"" LIST "\": [\"%s\"],", registry);
    if (first > begin)
        sbuf_put(out, text.p + begin, first - begin);
    else
        sbuf_put(out, " ", 1);
    return first;
}

int trust_daemon_add(struct str text, const char *registry, bool *changed, struct sbuf *out, struct err *e)
{
    struct layout found;
    struct sbuf entry = {0};
    size_t at;
    int there;

    *changed = false;
    if (skip_blanks(text, 0) == text.n)
        text = STR("{}\n");
    there = look(text, registry, e);
    if (there != 0)
        return there < 0 ? -1 : 0;
    found = lay_out(text);
    if (found.has_list) {
        bool empty = skip_blanks(text, found.array.begin) == found.array.end;

        at = found.array.end;
        while (at > found.array.begin && is_blank(text.p[at - 1]))
            at--;
        sbuf_printf(&entry, "%s\"%s\"", empty ? "" : ", ", registry);
    } else {
        at = put_list(text, found, registry, &entry);
    }
    replace(text, (struct span){at, at}, sbuf_text(&entry), out);
    sbuf_free(&entry);
    return verify(out, registry, 1, changed, e);
}

/* The element's span; false when it stands there in another spelling. `alone`: it is the only one. */
static bool find_element(struct str text, struct span array, const char *registry, struct span *out, bool *alone)
{
    bool found = false;
    size_t n = 0;

    for (size_t at = skip_blanks(text, array.begin); at < array.end; at = skip_blanks(text, at)) {
        struct span element = {at, skip_string(text, at)};

        if (is_text(text, element, registry)) {
            *out = element;
            found = true;
        }
        at = skip_blanks(text, element.end) + 1; /* over the comma */
        n++;
    }
    *alone = n == 1;
    return found;
}

/* The span with the comma, and the blanks, that belong to it: those before, or behind when it is the first. */
static struct span with_comma(struct str text, struct span span)
{
    size_t before = span.begin, behind = skip_blanks(text, span.end);

    while (before > 0 && is_blank(text.p[before - 1]))
        before--;
    if (before > 0 && text.p[before - 1] == ',')
        return (struct span){before - 1, span.end};
    if (behind < text.n && text.p[behind] == ',')
        return (struct span){span.begin, skip_blanks(text, behind + 1)};
    return (struct span){before, behind};
}

int trust_daemon_remove(struct str text, const char *registry, bool *changed, struct sbuf *out, struct err *e)
{
    struct layout found;
    struct span element;
    bool alone;
    int there;

    *changed = false;
    if (skip_blanks(text, 0) == text.n)
        return 0;
    there = look(text, registry, e);
    if (there != 1)
        return there;
    found = lay_out(text);
    if (!found.has_list || !find_element(text, found.array, registry, &element, &alone))
        return err_set(e, ERR_INVALID, "%s stands in \"" LIST "\" in another spelling: take it off by hand", registry);
    replace(text, with_comma(text, alone ? found.member : element), "", out);
    return verify(out, registry, 0, changed, e);
}
