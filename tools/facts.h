/*
 * What a command has to say, as "name: value" lines for people and as a JSON object for programs, from one description.
 *
 * Values may come from files and servers that nobody vouches for: control characters are escaped in both forms. In JSON
 * the blanks of a name become underscores.
 *
 * Thread: a struct facts belongs to one.
 */
#ifndef BERTH_TOOLS_FACTS_H
#define BERTH_TOOLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"

/* Starts as {0}. */
struct facts {
    struct sbuf text;
    struct sbuf json;     /* members, without the braces */
    const char *open;     /* the list that the last item went to, or NULL */
    bool open_is_objects; /* of objects, not of strings */
};

void facts_free(struct facts *facts);

void facts_text(struct facts *facts, const char *name, struct str value);
void facts_printf(struct facts *facts, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void facts_number(struct facts *facts, const char *name, int64_t value);
/* "yes" or "no" for people. */
void facts_bool(struct facts *facts, const char *name, bool value);
/* The point in time, UTC, in the form of RFC 3339. */
void facts_time(struct facts *facts, const char *name, int64_t seconds);
/* Items of one name in a row: a line each; in JSON one list. `name` must be a literal. */
void facts_item(struct facts *facts, const char *name, struct str value);
/* The same with facts in place of text: indented lines; in JSON a list of objects. */
void facts_child(struct facts *facts, const char *name, struct facts *child);
/* An empty list, which people are not shown. */
void facts_none(struct facts *facts, const char *name);

/* Append the lines; the object. */
void facts_put_text(struct facts *facts, struct sbuf *out);
void facts_put_json(struct facts *facts, struct sbuf *out);

/* Append the text with control characters, those above ASCII included, and what is no UTF-8 as \xNN. */
void text_escape(struct sbuf *out, struct str text);
/* Is there nothing in it that text_escape() would change? */
bool text_is_plain(struct str text);

#endif
