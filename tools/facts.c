#include "tools/facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void facts_free(struct facts *facts)
{
    sbuf_free(&facts->text);
    sbuf_free(&facts->json);
    *facts = (struct facts){0};
}

void text_escape(struct sbuf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c < 0x20 || c == 0x7f)
            sbuf_printf(out, "\\x%02x", c);
        else
            sbuf_put(out, &text.p[i], 1);
    }
}

void time_text(int64_t seconds, char out[TIME_TEXT_ROOM])
{
    time_t when = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&when, &tm) == NULL || strftime(out, TIME_TEXT_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, TIME_TEXT_ROOM, "%" PRId64, seconds);
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
    char text[TIME_TEXT_ROOM];

    time_text(seconds, text);
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
