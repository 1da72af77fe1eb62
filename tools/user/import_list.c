#include "tools/user/import_list.h"

#include <stdlib.h>
#include <string.h>

/* auth */
#include "auth/htpasswd.h"
#include "auth/password.h"

/* base */
#include "registry/base/err.h"

/* A place in the order of names. */
struct ranked {
    struct import_user *user;
};

struct import_list {
    char *text; /* what the users point into; quoted fields are unquoted in place */
    size_t text_n;
    struct import_user *users; /* in the order of the lines */
    size_t n, room;
    struct ranked *by_name;
};

/* One line on its way to becoming a user: what has not been read of it, in the list's own text. */
struct rest {
    char *p;
    size_t n;
};

/* Cut a quoted field, its opening quote included, off the front. */
static int cut_quoted(struct rest *rest, struct str *field, struct err *e)
{
    char *to = rest->p;
    bool closed = false;
    size_t from;

    for (from = 1; from < rest->n && !closed; from++) {
        if (rest->p[from] != '"')
            *to++ = rest->p[from];
        else if (from + 1 < rest->n && rest->p[from + 1] == '"')
            *to++ = rest->p[from++];
        else
            closed = true;
    }
    if (!closed)
        return err_set(e, ERR_INVALID, "a quoted field has no end on its line");
    *field = (struct str){rest->p, (size_t)(to - rest->p)};
    *rest = (struct rest){rest->p + from, rest->n - from};
    if (rest->n > 0 && rest->p[0] != ',')
        return err_set(e, ERR_INVALID, "something follows the end of a quoted field");
    return 0;
}

static int cut_plain(struct rest *rest, struct str *field, struct err *e)
{
    *field = (struct str){rest->p, str_find((struct str){rest->p, rest->n}, ',')};
    *rest = (struct rest){rest->p + field->n, rest->n - field->n};
    if (str_find(*field, '"') != field->n)
        return err_set(e, ERR_INVALID, "a quote inside a field; quote the whole field and double the quote");
    return 0;
}

/* A field up to a comma or the end. `*quoted` tells whether its blanks are meant. */
static int cut_field(struct rest *rest, struct str *field, bool *quoted, struct err *e)
{
    *quoted = rest->n > 0 && rest->p[0] == '"';
    return *quoted ? cut_quoted(rest, field, e) : cut_plain(rest, field, e);
}

static int parse_fields(struct rest rest, struct import_user *user, struct err *e)
{
    bool quoted;

    if (cut_field(&rest, &user->name, &quoted, e) != 0)
        return -1;
    if (!quoted)
        user->name = str_trim(user->name);
    if (rest.n == 0)
        return 0;
    rest = (struct rest){rest.p + 1, rest.n - 1};
    if (cut_field(&rest, &user->password, &quoted, e) != 0)
        return -1;
    if (rest.n > 0)
        return err_set(e, ERR_INVALID, "more than two fields; quote a password that has a comma in it");
    if (!quoted && !str_eq(str_trim(user->password), user->password))
        return err_set(e, ERR_INVALID, "a blank at an end of the password; quote it if it belongs there");
    return 0;
}

static int check_hash(const struct import_user *user, struct err *e)
{
    struct err why;

    if (password_check(user->hash, &why) == 0)
        return 0;
    return err_set(e, why.code, "%s; a password goes after a comma", why.text);
}

/* A list of hashes that was taken for one of passwords would lock out everybody in it. */
static bool is_hash(struct str text)
{
    return password_check(text, NULL) == 0 || password_check(str_from(text, str_find(text, ':') + 1), NULL) == 0;
}

static int check_user(const struct import_user *user, struct err *e)
{
    if (htpasswd_check_name(user->name, e) != 0)
        return -1;
    if (user->hash.n > 0)
        return check_hash(user, e);
    if (is_hash(user->password))
        return err_set(e, ERR_INVALID, "the password is a hash; write NAME:HASH");
    if (!password_possible(user->password))
        return err_set(e, ERR_INVALID, "the password has a NUL byte in it or is longer than %d bytes", PASSWORD_MAX);
    return 0;
}

/* A colon that comes before any comma ends a name that a hash follows: hashes have commas, names no colons. */
static int parse_line(struct rest line, struct import_user *user, struct err *e)
{
    struct str text = {line.p, line.n};
    size_t colon = str_find(text, ':');
    int rc = 0;

    if (line.p[0] != '"' && colon < str_find(text, ',')) {
        user->name = str_trim((struct str){line.p, colon});
        user->hash = str_trim(str_from(text, colon + 1));
        if (user->hash.n == 0)
            rc = err_set(e, ERR_INVALID, "nothing follows the colon");
    } else {
        rc = parse_fields(line, user, e);
    }
    return rc == 0 ? check_user(user, e) : rc;
}

static bool is_heading(const struct import_user *user)
{
    static const struct str names[] = {{"user", 4}, {"username", 8}, {"name", 4}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq_nocase(user->name, names[i]))
            return str_eq_nocase(user->password, STR("password"));
    return false;
}

static bool is_empty(struct str line)
{
    line = str_trim(line);
    return line.n == 0 || line.p[0] == '#';
}

static void add_user(struct import_list *list, const struct import_user *user)
{
    if (list->n == list->room) {
        list->room = list->room == 0 ? 16 : 2 * list->room;
        list->users = xrealloc(list->users, list->room * sizeof(list->users[0]));
    }
    list->users[list->n++] = *user;
}

static void parse_lines(struct import_list *list, const char *source, struct sbuf *complaints)
{
    struct rest all = {list->text, list->text_n};
    bool first = true;

    if (all.n >= 3 && memcmp(all.p, "\xef\xbb\xbf", 3) == 0)
        all = (struct rest){all.p + 3, all.n - 3};
    for (unsigned number = 1; all.n > 0; number++) {
        size_t n = str_find((struct str){all.p, all.n}, '\n');
        struct rest line = {all.p, n > 0 && all.p[n - 1] == '\r' ? n - 1 : n};
        struct import_user user = {.line = number};
        struct err e;

        n += n < all.n;
        all = (struct rest){all.p + n, all.n - n};
        if (is_empty((struct str){line.p, line.n}))
            continue;
        if (parse_line(line, &user, &e) != 0)
            sbuf_printf(complaints, "%s:%u: %s\n", source, number, e.text);
        else if (!first || !is_heading(&user))
            add_user(list, &user);
        first = false;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct import_user *x = ((const struct ranked *)a)->user, *y = ((const struct ranked *)b)->user;
    int order = str_cmp(x->name, y->name);

    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static void index_names(struct import_list *list, const char *source, struct sbuf *complaints)
{
    list->by_name = xcalloc(list->n + 1, sizeof(list->by_name[0]));
    for (size_t i = 0; i < list->n; i++)
        list->by_name[i].user = &list->users[i];
    qsort(list->by_name, list->n, sizeof(list->by_name[0]), by_name);
    for (size_t i = 1; i < list->n; i++) {
        const struct import_user *before = list->by_name[i - 1].user, *user = list->by_name[i].user;

        if (str_eq(before->name, user->name))
            sbuf_printf(complaints, "%s:%u: user %.*s is on line %u already\n", source, user->line, (int)user->name.n,
                        user->name.p, before->line);
    }
}

struct import_list *import_list_parse(const char *source, struct str text, struct sbuf *complaints)
{
    struct import_list *list = xcalloc(1, sizeof(*list));

    list->text = str_dup(text);
    list->text_n = text.n;
    parse_lines(list, source, complaints);
    index_names(list, source, complaints);
    return list;
}

void import_list_free(struct import_list **list)
{
    if (*list == NULL)
        return;
    explicit_bzero((*list)->text, (*list)->text_n);
    free((*list)->by_name);
    free((*list)->users);
    free((*list)->text);
    free(*list);
    *list = NULL;
}

struct import_user *import_list_at(struct import_list *list, size_t index)
{
    return index < list->n ? &list->users[index] : NULL;
}

static int against_user(const void *name, const void *ranked)
{
    return str_cmp(*(const struct str *)name, ((const struct ranked *)ranked)->user->name);
}

struct import_user *import_list_find(struct import_list *list, struct str name)
{
    struct ranked *found = bsearch(&name, list->by_name, list->n, sizeof(list->by_name[0]), against_user);

    return found == NULL ? NULL : found->user;
}

void import_list_quote(struct sbuf *out, struct str field)
{
    bool plain = str_find(field, '"') == field.n && str_find(field, ',') == field.n;

    if (plain) {
        sbuf_str(out, field);
        return;
    }
    sbuf_put(out, "\"", 1);
    for (size_t i = 0; i < field.n; i++)
        sbuf_put(out, field.p[i] == '"' ? "\"\"" : &field.p[i], field.p[i] == '"' ? 2 : 1);
    sbuf_put(out, "\"", 1);
}
