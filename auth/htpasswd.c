#include "auth/htpasswd.h"

#include <stdlib.h>
#include <string.h>

/* auth */
#include "auth/password.h"
#include "auth/siphash.h"

struct htpasswd {
    char *text;                     /* what the entries point into */
    struct htpasswd_entry *entries; /* ordered by name, no name twice */
    size_t n;
};

int htpasswd_check_name(struct str name, struct err *e)
{
    if (name.n == 0)
        return err_set(e, ERR_INVALID, "the user name is empty");
    if (name.n > HTPASSWD_NAME_MAX)
        return err_set(e, ERR_INVALID, "the user name has %zu bytes; %d are allowed", name.n, HTPASSWD_NAME_MAX);
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f || name.p[i] == ':')
            return err_set(e, ERR_INVALID, "the user name has a colon or a control character in it");
    if (name.p[0] == '#' || !str_eq(str_trim(name), name))
        return err_set(e, ERR_INVALID, "the user name starts with \"#\" or has a blank at an end");
    return 0;
}

/* Without the blanks and the CR that an editor may have left. */
static struct str trim_line(struct str line)
{
    line = str_trim(line);
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line = str_trim((struct str){line.p, line.n - 1});
    return line;
}

bool htpasswd_split(struct str line, struct str *name, struct str *hash)
{
    size_t colon;

    line = trim_line(line);
    colon = str_find(line, ':');
    if (line.n == 0 || line.p[0] == '#' || colon == line.n)
        return false;
    *name = (struct str){line.p, colon};
    *hash = str_from(line, colon + 1);
    return true;
}

static int parse_line(struct str line, struct htpasswd_entry *entry, struct err *e)
{
    struct err weak;

    if (!htpasswd_split(line, &entry->name, &entry->hash))
        return err_set(e, ERR_INVALID,
                       "no colon; a line reads NAME:HASH (remove it, or make it with berth-user or htpasswd -B)");
    if (htpasswd_check_name(entry->name, e) != 0)
        return -1;
    if (password_check(entry->hash, &weak) == 0)
        return 0;
    return err_set(e, weak.code, "user %.*s: %s; set the password again with \"berth-user passwd\" or \"htpasswd -B\"",
                   (int)entry->name.n, entry->name.p, weak.text);
}

static int parse_lines(struct htpasswd *table, const char *source, struct str text, struct err *e)
{
    size_t room = 0;

    for (unsigned line = 1; text.n > 0; line++) {
        struct str one = {text.p, str_find(text, '\n')};
        struct str trimmed = trim_line(one);

        text = str_from(text, one.n + 1);
        if (trimmed.n == 0 || trimmed.p[0] == '#')
            continue;
        if (table->n == room) {
            room = room == 0 ? 16 : 2 * room;
            table->entries = xrealloc(table->entries, room * sizeof(table->entries[0]));
        }
        table->entries[table->n].line = line;
        if (parse_line(one, &table->entries[table->n], e) != 0)
            return err_wrap(e, "%s:%u", source, line);
        table->n++;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct htpasswd_entry *x = a, *y = b;
    int order = str_cmp(x->name, y->name);

    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int refuse_duplicates(const struct htpasswd *table, const char *source, struct err *e)
{
    for (size_t i = 1; i < table->n; i++) {
        const struct htpasswd_entry *first = &table->entries[i - 1], *second = &table->entries[i];

        if (str_eq(first->name, second->name))
            return err_set(e, ERR_INVALID, "%s:%u: user %.*s is on line %u already; remove one of the two lines",
                           source, second->line, (int)second->name.n, second->name.p, first->line);
    }
    return 0;
}

struct htpasswd *htpasswd_parse(const char *source, struct str text, struct err *e)
{
    struct htpasswd *table = xcalloc(1, sizeof(*table));

    table->text = str_dup(text);
    if (parse_lines(table, source, (struct str){table->text, text.n}, e) != 0) {
        htpasswd_free(&table);
        return NULL;
    }
    if (table->n > 0)
        qsort(table->entries, table->n, sizeof(table->entries[0]), by_name);
    if (refuse_duplicates(table, source, e) != 0) {
        htpasswd_free(&table);
        return NULL;
    }
    return table;
}

void htpasswd_free(struct htpasswd **table)
{
    if (*table == NULL)
        return;
    free((*table)->entries);
    free((*table)->text);
    free(*table);
    *table = NULL;
}

static int against_entry(const void *name, const void *entry)
{
    return str_cmp(*(const struct str *)name, ((const struct htpasswd_entry *)entry)->name);
}

const struct htpasswd_entry *htpasswd_find(const struct htpasswd *table, struct str name)
{
    return table->n == 0 ? NULL : bsearch(&name, table->entries, table->n, sizeof(table->entries[0]), against_entry);
}

const struct htpasswd_entry *htpasswd_stand_in(const struct htpasswd *table, const uint8_t key[SIPHASH_KEY_SIZE],
                                               struct str name)
{
    return table->n == 0 ? NULL : &table->entries[siphash(key, name.p, name.n) % table->n];
}
