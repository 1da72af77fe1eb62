/*
 * berth-user import. All or nothing: the list is read and every bad line named, then compared with the file, then
 * hashed, which takes a while and needs no lock; at last the file is locked, compared again and replaced.
 */
#include "tools/user/user_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "tools/user/import_list.h"

/* auth */
#include "auth/htpasswd.h"

/* base */
#include "registry/base/file.h"
#include "registry/base/rnd.h"

/* What becomes of one user of the list. */
struct newcomer {
    const struct import_user *user;
    char hash[PASSWORD_HASH_MAX];
    char shown[SECRET_GENERATED + 1]; /* a password that was made up */
    bool update;
};

struct import {
    struct import_list *list;
    struct newcomer *newcomers;
    size_t n;
    struct password_recipe recipe;
    const char *source;
    struct sbuf complaints;
};

static int read_input(const struct invocation *call, struct sbuf *text, struct err *e)
{
    char piece[16384];
    ssize_t n;

    if (call->argument_count == 1 && strcmp(call->arguments[0], "-") != 0)
        return file_read(call->arguments[0], HTPASSWD_FILE_MAX, text, e);
    while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "read the list");
        sbuf_put(text, piece, (size_t)n);
        if (text->n > HTPASSWD_FILE_MAX)
            return err_set(e, ERR_TOO_LARGE, "the list is over %d MiB", HTPASSWD_FILE_MAX >> 20);
    }
    explicit_bzero(piece, sizeof(piece));
    return 0;
}

/* Print the complaints, and fail if there are any. */
static int refuse(struct import *import, struct err *e)
{
    if (import->complaints.n == 0)
        return 0;
    fputs(sbuf_text(&import->complaints), stderr);
    import->complaints.n = 0;
    return err_set(e, ERR_INVALID, "%s: nothing was imported", import->source);
}

static int read_list(const struct invocation *call, struct import *import, struct err *e)
{
    struct sbuf text = {0};
    int rc = read_input(call, &text, e);

    if (rc == 0) {
        import->list = import_list_parse(import->source, (struct str){text.p, text.n}, &import->complaints);
        rc = refuse(import, e);
    }
    while (rc == 0 && import_list_at(import->list, import->n) != NULL)
        import->n++;
    if (rc == 0 && import->n == 0)
        rc = err_set(e, ERR_INVALID, "%s: there is nobody in the list", import->source);
    if (text.p != NULL)
        explicit_bzero(text.p, text.n);
    sbuf_free(&text);
    return rc;
}

/* Note who of the list is in the file, and refuse that unless --update allows it. */
static int compare(const struct invocation *call, struct import *import, const struct userfile *file, struct err *e)
{
    struct import_user *user;
    struct str name, hash;

    for (size_t i = 0; (user = import_list_at(import->list, i)) != NULL; i++)
        user->present = false;
    for (size_t cursor = 0; userfile_next(file, &cursor, &name, &hash);)
        if ((user = import_list_find(import->list, name)) != NULL)
            user->present = true;
    for (size_t i = 0; !call->given[USER_UPDATE] && (user = import_list_at(import->list, i)) != NULL; i++)
        if (user->present)
            sbuf_printf(&import->complaints, "%s:%u: there is a user %.*s already; --update sets passwords anew, too\n",
                        import->source, user->line, (int)user->name.n, user->name.p);
    return refuse(import, e);
}

/* The hashes of the list count as entries of the file, which is not saved, when it comes to how others are made. */
static int choose_recipe(const struct invocation *call, struct import *import, struct userfile *file, struct err *e)
{
    struct userfile_user *users = xcalloc(import->n + 1, sizeof(*users));
    const struct import_user *user;
    size_t n = 0;
    int rc;

    for (size_t i = 0; (user = import_list_at(import->list, i)) != NULL; i++)
        if (user->hash.n > 0)
            users[n++] = (struct userfile_user){user->name, user->hash};
    rc = userfile_set_all(file, users, n, e);
    free(users);
    return rc == 0 ? user_recipe(call, file, &import->recipe, e) : rc;
}

static int look_ahead(const struct invocation *call, struct import *import, struct err *e)
{
    struct userfile *file = userfile_open(user_file_path(call), USERFILE_CREATE, e);
    int rc = file == NULL ? -1 : compare(call, import, file, e);

    if (rc == 0)
        rc = choose_recipe(call, import, file, e);
    userfile_close(&file);
    return rc;
}

static int make_hash(const struct import *import, struct newcomer *newcomer, struct err *e)
{
    const struct import_user *user = newcomer->user;
    struct str password = user->password;

    if (user->hash.n > 0) {
        memcpy(newcomer->hash, user->hash.p,
               user->hash.n); /* it was accepted, so it is shorter than PASSWORD_HASH_MAX */
        return 0;
    }
    if (password.n == 0) {
        rnd_password(newcomer->shown, SECRET_GENERATED);
        password = (struct str){newcomer->shown, SECRET_GENERATED};
    }
    return password_make(&import->recipe, password, newcomer->hash, e);
}

static int make_hashes(struct import *import, struct err *e)
{
    const struct import_user *user;

    import->newcomers = xcalloc(import->n + 1, sizeof(*import->newcomers));
    for (size_t i = 0; (user = import_list_at(import->list, i)) != NULL; i++) {
        struct err why;

        import->newcomers[i].user = user;
        if (make_hash(import, &import->newcomers[i], &why) == 0)
            continue;
        if (why.code != ERR_INVALID) {
            *e = why;
            return -1;
        }
        sbuf_printf(&import->complaints, "%s:%u: %s\n", import->source, user->line, why.text);
    }
    return refuse(import, e);
}

/* `*status` is what to exit with. */
static int save(const struct invocation *call, struct import *import, int *status, struct err *e)
{
    struct userfile *file = userfile_open(user_file_path(call), USERFILE_CREATE, e);
    struct userfile_user *users = xcalloc(import->n + 1, sizeof(*users));
    int rc = file == NULL ? -1 : compare(call, import, file, e);

    for (size_t i = 0; i < import->n; i++) {
        users[i] = (struct userfile_user){import->newcomers[i].user->name, str_of(import->newcomers[i].hash)};
        import->newcomers[i].update = import->newcomers[i].user->present;
    }
    if (rc == 0)
        rc = userfile_set_all(file, users, import->n, e);
    if (rc == 0)
        rc = userfile_save(file, e);
    if (rc == 0)
        *status = user_saved(call, file);
    free(users);
    userfile_close(&file);
    return rc;
}

/* "NAME,PASSWORD" for each password that was made up. */
static void put_csv(const struct newcomer *newcomer, struct sbuf *out)
{
    if (newcomer->shown[0] == '\0')
        return;
    import_list_quote(out, newcomer->user->name);
    sbuf_printf(out, ",%s\n", newcomer->shown);
}

static void put_json(const struct newcomer *newcomer, struct sbuf *out)
{
    sbuf_printf(out, "%s{\"name\":", out->n == 0 ? "[" : ",\n ");
    sbuf_json(out, newcomer->user->name);
    sbuf_printf(out, ",\"action\":\"%s\"", newcomer->update ? "updated" : "added");
    if (newcomer->shown[0] != '\0')
        sbuf_printf(out, ",\"password\":\"%s\"", newcomer->shown);
    sbuf_printf(out, "}");
}

static void report(const struct invocation *call, const struct import *import)
{
    struct sbuf out = {0};

    for (size_t i = 0; i < import->n; i++)
        (call->given[USER_JSON] ? put_json : put_csv)(&import->newcomers[i], &out);
    if (call->given[USER_JSON])
        sbuf_printf(&out, "%s]\n", out.n == 0 ? "[" : "");
    if (out.n > 0) {
        fputs(sbuf_text(&out), stdout);
        explicit_bzero(out.p, out.n);
    }
    sbuf_free(&out);
}

static void dispose(struct import *import)
{
    if (import->newcomers != NULL)
        explicit_bzero(import->newcomers, import->n * sizeof(*import->newcomers));
    free(import->newcomers);
    import_list_free(&import->list);
    sbuf_free(&import->complaints);
}

int user_import(const struct invocation *call)
{
    struct import import = {.source = call->argument_count == 1 ? call->arguments[0] : "stdin"};
    struct err e;
    int status = EXIT_DONE;

    if (user_check_options(call, &e) != 0)
        return program_misused(call, &e);
    if (read_list(call, &import, &e) != 0 || look_ahead(call, &import, &e) != 0 || make_hashes(&import, &e) != 0 ||
        save(call, &import, &status, &e) != 0) {
        status = program_fail(call, &e);
    } else {
        report(call, &import);
        status = user_printed(call, status, "\"berth-user import --update\" makes up other passwords");
    }
    dispose(&import);
    return status;
}
