#include "tools/facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* base */
#include "registry/base/clock.h"
#include <time.h>

void facts_free(struct facts *facts)
{
    sbuf_free(&facts->text);
    sbuf_free(&facts->json);
    *facts = (struct facts){0};
}

/* The length of the UTF-8 character in front, if it is one that a terminal shows; 0 for bytes that are none and for
 * control characters of both sets, C0 and C1. */
static size_t shown(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > text.n || (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
        return 0; /* C1, over-long, surrogates, beyond Unicode */
    return n;
}

bool text_is_plain(struct str text)
{
    for (size_t n; text.n > 0; text = str_from(text, n)) {
        n = shown(text);
        if (n == 0)
            return false;
    }
    return true;
}

void text_escape(struct sbuf *out, struct str text)
{
    while (text.n > 0) {
        size_t n = shown(text);

        if (n == 0)
            sbuf_printf(out, "\\x%02x", (unsigned char)text.p[0]);
        else
            sbuf_put(out, text.p, n);
        text = str_from(text, n == 0 ? 1 : n);
    }
}

static void close_list(struct facts *facts)
{
    if (facts->open != NULL)
        sbuf_str(&facts->json, STR("]"));
    facts->open = NULL;
}

static void put_key(struct facts *facts, const char *name)
{
    if (facts->json.n > 0)
        sbuf_str(&facts->json, STR(","));
    sbuf_str(&facts->json, STR("\""));
    for (; *name != '\0'; name++)
        sbuf_put(&facts->json, *name == ' ' ? "_" : name, 1);
    sbuf_str(&facts->json, STR("\":"));
}

static void put_line(struct facts *facts, const char *name, struct str value)
{
    sbuf_printf(&facts->text, "%s: ", name);
    text_escape(&facts->text, value);
    sbuf_str(&facts->text, STR("\n"));
}

void facts_text(struct facts *facts, const char *name, struct str value)
{
    close_list(facts);
    put_line(facts, name, value);
    put_key(facts, name);
    sbuf_json(&facts->json, value);
}

void facts_printf(struct facts *facts, const char *name, const char *fmt, ...)
{
    char value[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    facts_text(facts, name, str_of(value));
}

void facts_number(struct facts *facts, const char *name, int64_t value)
{
    close_list(facts);
    sbuf_printf(&facts->text, "%s: %" PRId64 "\n", name, value);
    put_key(facts, name);
    sbuf_printf(&facts->json, "%" PRId64, value);
}

void facts_bool(struct facts *facts, const char *name, bool value)
{
    close_list(facts);
    put_line(facts, name, value ? STR("yes") : STR("no"));
    put_key(facts, name);
    sbuf_str(&facts->json, value ? STR("true") : STR("false"));
}

void facts_time(struct facts *facts, const char *name, int64_t seconds)
{
    char text[CLOCK_TEXT_ROOM];

    clock_text(seconds, text);
    facts_text(facts, name, str_of(text));
}

/* Go on with the list of that name, or begin it. */
static void open_list(struct facts *facts, const char *name, bool objects)
{
    if (facts->open != NULL && facts->open_is_objects == objects && strcmp(facts->open, name) == 0) {
        sbuf_str(&facts->json, STR(","));
        return;
    }
    close_list(facts);
    put_key(facts, name);
    sbuf_str(&facts->json, STR("["));
    facts->open = name;
    facts->open_is_objects = objects;
}

void facts_item(struct facts *facts, const char *name, struct str value)
{
    open_list(facts, name, false);
    put_line(facts, name, value);
    sbuf_json(&facts->json, value);
}

void facts_child(struct facts *facts, const char *name, struct facts *child)
{
    struct str rest = {child->text.p, child->text.n};

    open_list(facts, name, true);
    sbuf_printf(&facts->text, "%s:\n", name);
    while (rest.n > 0) {
        size_t n = str_find(rest, '\n');

        sbuf_printf(&facts->text, "  %.*s\n", (int)n, rest.p);
        rest = str_from(rest, n + 1);
    }
    facts_put_json(child, &facts->json);
}

void facts_none(struct facts *facts, const char *name)
{
    close_list(facts);
    put_key(facts, name);
    sbuf_str(&facts->json, STR("[]"));
}

void facts_put_text(struct facts *facts, struct sbuf *out)
{
    sbuf_put(out, facts->text.p, facts->text.n);
}

void facts_put_json(struct facts *facts, struct sbuf *out)
{
    close_list(facts);
    sbuf_str(out, STR("{"));
    sbuf_put(out, facts->json.p, facts->json.n);
    sbuf_str(out, STR("}"));
}
