/*
 * A list of people to be made users: names alone, CSV (RFC 4180), or lines of another user file, mixed as one likes.
 *
 *   alice                    one without a password
 *   bob,secret               "quoted" fields may hold commas, blanks at their ends and "" for a quote
 *   carol:$2y$10$…           with a hash that the server accepts
 *
 * The first line may be a heading ("user,password"). Blank lines and lines that start with "#" are skipped, as is a
 * byte order mark. A field does not go on over the end of its line.
 *
 * Thread: one.
 */
#ifndef BERTH_TOOLS_USER_IMPORT_LIST_H
#define BERTH_TOOLS_USER_IMPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/str.h"

/* The strings belong to the list and are not terminated. */
struct import_user {
    unsigned line; /* counted from 1 */
    struct str name;
    struct str password; /* empty: none was given */
    struct str hash;     /* empty unless the line had one */
    bool present;        /* for the caller to note: the name is there already */
};

struct import_list;

/* Read `text`, which is copied. What is wrong with it is put into `complaints`, "SOURCE:LINE: REASON\n" for each bad
 * line; the lines are good when nothing was put there. No complaint holds a password. The caller frees the list. */
struct import_list *import_list_parse(const char *source, struct str text, struct sbuf *complaints);
/* Wipes the passwords. */
void import_list_free(struct import_list **list);

/* In the order of the lines; NULL after the last. */
struct import_user *import_list_at(struct import_list *list, size_t index);
/* NULL when the name is not in the list. */
struct import_user *import_list_find(struct import_list *list, struct str name);

/* Write a field as CSV, quoted where it has to be. */
void import_list_quote(struct sbuf *out, struct str field);

#endif
