#include "tools/user/userfile.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* auth */
#include "auth/htpasswd.h"

/* base */
#include "registry/base/file.h"

struct userfile {
    char *path; /* with symbolic links followed: the file is replaced, not the link */
    int lock;   /* -1: not held */
    struct sbuf text;
};

/* The path to replace; a file that is not there yet has none but its own. NULL with an error for what cannot be a user
 * file. */
static char *resolve(const char *path, struct err *e)
{
    char *resolved = realpath(path, NULL);
    struct stat st;

    if (resolved == NULL && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        err_set(e, ERR_NOT_FOUND, "%s: a symbolic link to nothing; make its target or remove it", path);
        return NULL;
    }
    if (resolved != NULL && stat(resolved, &st) == 0 && !S_ISREG(st.st_mode)) {
        err_set(e, ERR_INVALID, "%s: not a regular file", path);
        free(resolved);
        return NULL;
    }
    return resolved != NULL ? resolved : str_dup(str_of(path));
}

struct userfile *userfile_open(const char *path, enum userfile_access access, struct err *e)
{
    char *resolved = resolve(path, e);
    struct userfile *file;
    struct err local = {0};
    int rc = 0;

    if (resolved == NULL)
        return NULL;
    file = xcalloc(1, sizeof(*file));
    file->path = resolved;
    file->lock = -1;
    if (access == USERFILE_EDIT) /* no lock file is left beside a file that is not there */
        rc = file_read(file->path, HTPASSWD_FILE_MAX, &file->text, &local);
    if (rc == 0 && access != USERFILE_READ) {
        file->lock = file_lock(file->path, &local);
        rc = file->lock < 0 ? -1 : 0;
    }
    if (rc == 0)
        rc = file_read(file->path, HTPASSWD_FILE_MAX, &file->text, &local);
    if (rc != 0 && local.code == ERR_NOT_FOUND && access == USERFILE_CREATE && file->lock >= 0)
        rc = 0;
    if (rc != 0) {
        err_set(e, local.code, "%s", local.text);
        userfile_close(&file);
    }
    return file;
}

void userfile_close(struct userfile **file)
{
    struct userfile *f = *file;

    if (f == NULL)
        return;
    if (f->lock >= 0)
        close(f->lock);
    sbuf_free(&f->text);
    free(f->path);
    free(f);
    *file = NULL;
}

/* The line at `*cursor`, without its newline; moves on. */
static bool next_line(const struct userfile *file, size_t *cursor, struct str *line)
{
    struct str rest = str_from((struct str){file->text.p, file->text.n}, *cursor);

    if (rest.n == 0)
        return false;
    *line = (struct str){rest.p, str_find(rest, '\n')};
    *cursor += line->n + 1;
    return true;
}

bool userfile_next(const struct userfile *file, size_t *cursor, struct str *name, struct str *hash)
{
    struct str line;

    while (next_line(file, cursor, &line))
        if (htpasswd_split(line, name, hash))
            return true;
    return false;
}

bool userfile_hash(const struct userfile *file, struct str name, struct str *hash)
{
    size_t cursor = 0;
    struct str found;

    while (userfile_next(file, &cursor, &found, hash))
        if (str_eq(found, name))
            return true;
    return false;
}

/* How many blanks a line begins with. */
static size_t count_blanks(struct str line)
{
    size_t n = 0;

    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t' || line.p[n] == '\r'))
        n++;
    return n;
}

unsigned userfile_stray_line(const struct userfile *file)
{
    size_t cursor = 0;
    struct str line, name, hash;

    for (unsigned i = 1; next_line(file, &cursor, &line); i++) {
        size_t blank = count_blanks(line);

        if (blank < line.n && line.p[blank] != '#' && !htpasswd_split(line, &name, &hash))
            return i;
    }
    return 0;
}

static void put_entry(struct sbuf *out, struct str name, struct str hash)
{
    sbuf_str(out, name);
    sbuf_put(out, ":", 1);
    sbuf_str(out, hash);
    sbuf_put(out, "\n", 1);
}

/* What is to become of a user. */
struct change {
    struct userfile_user user; /* without a hash: it goes */
    bool found;
    size_t order;
};

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct change *)a)->user.name, ((const struct change *)b)->user.name);
}

static int by_order(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

static void put_line(struct sbuf *out, struct str line)
{
    sbuf_str(out, line);
    sbuf_put(out, "\n", 1);
}

/* Write the lines anew: the first one of each user in `changes` becomes the new entry, its others go; those that are
 * not found follow in their order. Returns how many were found. */
static size_t rewrite(struct userfile *file, struct change *changes, size_t n)
{
    struct sbuf out = {0};
    size_t cursor = 0, hits = 0;
    struct str line;

    qsort(changes, n, sizeof(*changes), by_name);
    while (next_line(file, &cursor, &line)) {
        struct change wanted = {.found = false}, *hit = NULL;

        if (htpasswd_split(line, &wanted.user.name, &wanted.user.hash))
            hit = bsearch(&wanted, changes, n, sizeof(*changes), by_name);
        if (hit == NULL)
            put_line(&out, line);
        else if (!hit->found && hit->user.hash.p != NULL)
            put_entry(&out, hit->user.name, hit->user.hash);
        hits += hit != NULL && !hit->found;
        if (hit != NULL)
            hit->found = true;
    }
    qsort(changes, n, sizeof(*changes), by_order);
    for (size_t i = 0; i < n; i++)
        if (!changes[i].found && changes[i].user.hash.p != NULL)
            put_entry(&out, changes[i].user.name, changes[i].user.hash);
    sbuf_free(&file->text);
    file->text = out;
    return hits;
}

int userfile_set_all(struct userfile *file, const struct userfile_user *users, size_t n, struct err *e)
{
    struct change *changes = xcalloc(n + 1, sizeof(*changes));
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = htpasswd_check_name(users[i].name, e);
        changes[i] = (struct change){.user = users[i], .order = i};
    }
    if (rc == 0)
        rewrite(file, changes, n);
    free(changes);
    return rc;
}

int userfile_set(struct userfile *file, struct str name, struct str hash, struct err *e)
{
    return userfile_set_all(file, &(struct userfile_user){name, hash}, 1, e);
}

static int refuse_absent(const struct userfile *file, struct str name, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "%s: there is no user %.*s", file->path, (int)name.n, name.p);
}

int userfile_remove(struct userfile *file, struct str name, struct err *e)
{
    struct change change = {.user = {name, {NULL, 0}}};

    return rewrite(file, &change, 1) > 0 ? 0 : refuse_absent(file, name, e);
}

int userfile_rename(struct userfile *file, struct str from, struct str to, struct err *e)
{
    struct sbuf out = {0};
    size_t cursor = 0;
    struct str line, name, hash;

    if (htpasswd_check_name(to, e) != 0)
        return -1;
    if (!userfile_hash(file, from, &hash))
        return refuse_absent(file, from, e);
    if (userfile_hash(file, to, &hash))
        return err_set(e, ERR_EXISTS, "%s: there is a user %.*s already", file->path, (int)to.n, to.p);
    while (next_line(file, &cursor, &line)) {
        if (htpasswd_split(line, &name, &hash) && str_eq(name, from))
            put_entry(&out, to, hash);
        else
            put_line(&out, line);
    }
    sbuf_free(&file->text);
    file->text = out;
    return 0;
}

void userfile_clear(struct userfile *file)
{
    file->text.n = 0;
}

int userfile_save(struct userfile *file, struct err *e)
{
    if (file->text.n > HTPASSWD_FILE_MAX)
        return err_set(e, ERR_TOO_LARGE, "%s: would be over %d MiB, more than a server reads", file->path,
                       HTPASSWD_FILE_MAX >> 20);
    return file_replace(file->path, file->text.p, file->text.n, 0600, e);
}

int userfile_check(const struct userfile *file, struct err *e)
{
    struct htpasswd *table = htpasswd_parse(file->path, (struct str){file->text.p, file->text.n}, e);
    int rc = table == NULL ? -1 : 0;

    htpasswd_free(&table);
    return rc;
}
