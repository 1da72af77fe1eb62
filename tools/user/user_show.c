/* berth-user list, verify. */
#include "tools/user/user_command.h"

#include <stdio.h>
#include <string.h>

/* tools */
#include "tools/facts.h"

/* auth */
#include "auth/htpasswd.h"

/* What a server would say of one user. */
static int judge(struct str name, struct str hash, struct err *e)
{
    return htpasswd_check_name(name, e) != 0 ? -1 : password_check(hash, e);
}

/* {"name":"alice","algorithm":"argon2id","cost":2,"memory":19456,"parallelism":1,"accepted":true}; memory is in KiB.
 * "error" tells why one is not accepted, which then has no algorithm. */
static void put_user(struct sbuf *out, struct str name, struct str hash)
{
    struct password_recipe recipe;
    struct err e;

    sbuf_printf(out, "{\"name\":");
    sbuf_json(out, name);
    if (password_recipe_of(hash, &recipe, NULL) == 0) {
        sbuf_printf(out, ",\"algorithm\":\"%s\",\"cost\":%u", user_algorithm(recipe.scheme), recipe.cost);
        if (recipe.scheme == PASSWORD_ARGON2ID)
            sbuf_printf(out, ",\"memory\":%u,\"parallelism\":%u", recipe.kib, recipe.lanes);
    } else {
        sbuf_printf(out, ",\"algorithm\":null,\"cost\":null");
    }
    if (judge(name, hash, &e) == 0) {
        sbuf_printf(out, ",\"accepted\":true}");
    } else {
        sbuf_printf(out, ",\"accepted\":false,\"error\":");
        sbuf_json(out, str_of(e.text));
        sbuf_printf(out, "}");
    }
}

static void list_json(const struct userfile *file)
{
    struct sbuf out = {0};
    struct str name, hash;
    const char *before = "[";

    for (size_t cursor = 0; userfile_next(file, &cursor, &name, &hash); before = ",\n ") {
        sbuf_printf(&out, "%s", before);
        put_user(&out, name, hash);
    }
    printf("%s]\n", out.n == 0 ? "[" : sbuf_text(&out));
    sbuf_free(&out);
}

/* Names in a file that others write may hold anything. */
static void list_text(const struct userfile *file)
{
    struct sbuf out = {0};
    struct str name, hash;

    for (size_t cursor = 0; userfile_next(file, &cursor, &name, &hash);) {
        text_escape(&out, name);
        sbuf_str(&out, STR("\n"));
    }
    fputs(sbuf_text(&out), stdout);
    sbuf_free(&out);
}

int user_list(const struct invocation *call)
{
    struct err e;
    struct userfile *file = userfile_open(user_file_path(call), USERFILE_READ, &e);

    if (file == NULL)
        return program_fail(call, &e);
    if (call->given[USER_JSON])
        list_json(file);
    else
        list_text(file);
    user_warn(call, file);
    userfile_close(&file);
    return EXIT_DONE;
}

static void report(const struct invocation *call, bool right)
{
    struct sbuf text = {0};

    if (!call->given[USER_JSON])
        return;
    sbuf_json(&text, str_of(call->arguments[0]));
    printf("{\"name\":%s,\"match\":%s}\n", sbuf_text(&text), right ? "true" : "false");
    sbuf_free(&text);
}

int user_verify(const struct invocation *call)
{
    const char *path = user_file_path(call);
    struct err e;
    struct userfile *file = userfile_open(path, USERFILE_READ, &e);
    struct str name = str_of(call->arguments[0]), hash;
    char password[SECRET_ROOM];
    bool right = false;
    size_t n;
    int rc = -1;

    if (file != NULL && user_check_presence(file, path, name, true, &e) == 0 && userfile_hash(file, name, &hash) &&
        user_password(call, false, password, &n, &e) == 0) {
        rc = password_verify(hash, (struct str){password, n}, &right, &e);
        explicit_bzero(password, sizeof(password));
        if (rc == 0)
            report(call, right);
        if (rc == 0 && !right)
            rc = err_set(&e, ERR_DENIED, "this is not the password of %s", name.p);
    }
    userfile_close(&file);
    return rc == 0 ? EXIT_DONE : program_fail(call, &e);
}
