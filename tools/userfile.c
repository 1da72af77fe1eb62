#include "tools/userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* auth */
#include "auth/htpasswd.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

enum { LOCK_WAIT_MS = 10 * 1000, LOCK_STEP_US = 20 * 1000 };

struct userfile {
    char *path; /* with symbolic links followed: the file is replaced, not the link */
    int lock;   /* -1: not held */
    struct sbuf text;
};

static int take_lock(struct userfile *file, struct err *e)
{
    uint64_t give_up = clock_monotonic_ms() + LOCK_WAIT_MS;
    struct sbuf name = {0};

    sbuf_printf(&name, "%s.lock", file->path);
    file->lock = open(sbuf_text(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->lock < 0 && errno == ENOENT)
        err_set(e, ERR_NOT_FOUND, "%s: its directory does not exist; make that first", file->path);
    else if (file->lock < 0)
        err_errno(e, "%s", name.p);
    sbuf_free(&name);
    if (file->lock < 0)
        return -1;
    while (flock(file->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, "%s: lock", file->path);
        if (clock_monotonic_ms() > give_up)
            return err_set(e, ERR_BUSY, "%s: another program has been editing it for ten seconds; try again",
                           file->path);
        usleep(LOCK_STEP_US);
    }
    return 0;
}

/* The path to replace; a file that is not there yet has none but its own. */
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);

    return resolved != NULL ? resolved : str_dup(str_of(path));
}

struct userfile *userfile_open(const char *path, enum userfile_access access, struct err *e)
{
    struct userfile *file = xcalloc(1, sizeof(*file));
    struct err local = {0};
    int rc = 0;

    file->path = resolve(path);
    file->lock = -1;
    if (access == USERFILE_EDIT) /* no lock file is left beside a file that is not there */
        rc = file_read(file->path, HTPASSWD_FILE_MAX, &file->text, &local);
    if (rc == 0 && access != USERFILE_READ)
        rc = take_lock(file, &local);
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

bool userfile_next(const struct userfile *file, size_t *cursor, struct str *name)
{
    struct str line, hash;

    while (next_line(file, cursor, &line))
        if (htpasswd_split(line, name, &hash))
            return true;
    return false;
}

bool userfile_hash(const struct userfile *file, struct str name, struct str *hash)
{
    size_t cursor = 0;
    struct str line, found;

    while (next_line(file, &cursor, &line))
        if (htpasswd_split(line, &found, hash) && str_eq(found, name))
            return true;
    return false;
}

static void put_entry(struct sbuf *out, struct str name, struct str hash)
{
    sbuf_str(out, name);
    sbuf_put(out, ":", 1);
    sbuf_str(out, hash);
    sbuf_put(out, "\n", 1);
}

/* Write the lines anew, with those of `name` replaced by one with `hash`, or left out when `hash` is NULL. Returns how
 * many there were. */
static size_t rewrite(struct userfile *file, struct str name, const struct str *hash)
{
    struct sbuf out = {0};
    size_t cursor = 0, hits = 0;
    struct str line, found, ignored;

    while (next_line(file, &cursor, &line)) {
        if (!htpasswd_split(line, &found, &ignored) || !str_eq(found, name)) {
            sbuf_str(&out, line);
            sbuf_put(&out, "\n", 1);
        } else if (hits++ == 0 && hash != NULL) {
            put_entry(&out, name, *hash);
        }
    }
    if (hits == 0 && hash != NULL)
        put_entry(&out, name, *hash);
    sbuf_free(&file->text);
    file->text = out;
    return hits;
}

int userfile_set(struct userfile *file, struct str name, struct str hash, struct err *e)
{
    if (htpasswd_check_name(name, e) != 0)
        return -1;
    rewrite(file, name, &hash);
    return 0;
}

int userfile_remove(struct userfile *file, struct str name, struct err *e)
{
    if (rewrite(file, name, NULL) > 0)
        return 0;
    return err_set(e, ERR_NOT_FOUND, "%s: there is no user %.*s", file->path, (int)name.n, name.p);
}

int userfile_save(struct userfile *file, struct err *e)
{
    return file_replace(file->path, file->text.p, file->text.n, 0600, e);
}

int userfile_check(const struct userfile *file, struct err *e)
{
    struct htpasswd *table = htpasswd_parse(file->path, (struct str){file->text.p, file->text.n}, e);
    int rc = table == NULL ? -1 : 0;

    htpasswd_free(&table);
    return rc;
}
