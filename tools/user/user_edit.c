/* berth-user add, passwd, del, rename. */
#include "tools/user/user_command.h"

#include <stdio.h>
#include <string.h>

/* auth */
#include "auth/htpasswd.h"

/* A new password for one user, on its way into the file. */
struct setting {
    char hash[PASSWORD_HASH_MAX];
    char shown[SECRET_GENERATED + 1]; /* a password that was made up, for printing once it is in force */
    struct password_recipe recipe;
};

/* The file is looked at before a person is asked for a password, so that the question is not in vain. */
static int look_ahead(const struct invocation *call, enum userfile_access access, struct setting *setting,
                      struct err *e)
{
    const char *path = user_file_path(call);
    struct str name = str_of(call->arguments[0]);
    struct userfile *file;
    int rc;

    file = userfile_open(path, access, e);
    if (file == NULL)
        return -1;
    rc = user_check_presence(file, path, name, access == USERFILE_EDIT, e);
    if (rc == 0)
        rc = user_recipe(call, file, &setting->recipe, e);
    userfile_close(&file);
    return rc;
}

static int make_hash(const struct invocation *call, struct setting *setting, struct err *e)
{
    char password[SECRET_ROOM];
    size_t n;
    int rc;

    if (user_password(call, true, password, &n, e) != 0)
        return -1;
    rc = password_make(&setting->recipe, (struct str){password, n}, setting->hash, e);
    if (rc == 0 && call->given[USER_GENERATE])
        memcpy(setting->shown, password, sizeof(setting->shown));
    explicit_bzero(password, sizeof(password));
    return rc;
}

/* What was there before the password was asked for may not be there any more. `*status` is what to exit with. */
static int put_into_file(const struct invocation *call, enum userfile_access access, const struct setting *setting,
                         int *status, struct err *e)
{
    const char *path = user_file_path(call);
    struct str name = str_of(call->arguments[0]);
    struct userfile *file = userfile_open(path, access, e);
    int rc = -1;

    if (file != NULL && user_check_presence(file, path, name, access == USERFILE_EDIT, e) == 0 &&
        userfile_set(file, name, str_of(setting->hash), e) == 0)
        rc = userfile_save(file, e);
    if (rc == 0)
        *status = user_saved(call, file);
    userfile_close(&file);
    return rc;
}

static void report(const struct invocation *call, const struct setting *setting)
{
    struct sbuf text = {0};

    if (!call->given[USER_JSON]) {
        if (setting->shown[0] != '\0')
            printf("%s\n", setting->shown);
        return;
    }
    sbuf_printf(&text, "{\"name\":");
    sbuf_json(&text, str_of(call->arguments[0]));
    sbuf_printf(&text, ",\"algorithm\":\"%s\"", user_algorithm(setting->recipe.scheme));
    if (setting->shown[0] != '\0')
        sbuf_printf(&text, ",\"password\":\"%s\"", setting->shown);
    printf("%s}\n", sbuf_text(&text));
    explicit_bzero(text.p, text.n);
    sbuf_free(&text);
}

/* add, which wants the user absent, and passwd, which wants the user present. */
static int set_password(const struct invocation *call, enum userfile_access access)
{
    struct setting setting = {.shown = ""};
    struct err e;
    int status = EXIT_DONE;

    if (user_check_options(call, &e) != 0 || htpasswd_check_name(str_of(call->arguments[0]), &e) != 0)
        return program_misused(call, &e);
    if (look_ahead(call, access, &setting, &e) != 0 || make_hash(call, &setting, &e) != 0 ||
        put_into_file(call, access, &setting, &status, &e) != 0) {
        status = program_fail(call, &e);
    } else {
        report(call, &setting);
        status = user_printed(call, status, "\"berth-user passwd\" sets another password");
    }
    explicit_bzero(&setting, sizeof(setting));
    return status;
}

int user_add(const struct invocation *call)
{
    return set_password(call, USERFILE_CREATE);
}

int user_passwd(const struct invocation *call)
{
    return set_password(call, USERFILE_EDIT);
}

/* Save what was changed well, and let go of the file. */
static int end_edit(const struct invocation *call, struct userfile *file, int rc, struct err *e)
{
    int status = EXIT_DONE;

    if (rc == 0)
        rc = userfile_save(file, e);
    if (rc == 0)
        status = user_saved(call, file);
    userfile_close(&file);
    return rc == 0 ? status : program_fail(call, e);
}

/* {"removed":["alice","bob"]} */
static void report_removed(const struct invocation *call)
{
    struct sbuf text = {0};

    for (int i = 0; i < call->argument_count; i++) {
        sbuf_str(&text, i == 0 ? STR("") : STR(","));
        sbuf_json(&text, str_of(call->arguments[i]));
    }
    printf("{\"removed\":[%s]}\n", sbuf_text(&text));
    sbuf_free(&text);
}

/* {"name":"new","before":"old"} */
static void report_renamed(const struct invocation *call)
{
    struct sbuf text = {0};

    sbuf_printf(&text, "{\"name\":");
    sbuf_json(&text, str_of(call->arguments[1]));
    sbuf_printf(&text, ",\"before\":");
    sbuf_json(&text, str_of(call->arguments[0]));
    printf("%s}\n", sbuf_text(&text));
    sbuf_free(&text);
}

static bool was_saved(int status)
{
    return status == EXIT_DONE || status == EXIT_IDLE;
}

int user_del(const struct invocation *call)
{
    struct err e;
    struct userfile *file = userfile_open(user_file_path(call), USERFILE_EDIT, &e);
    int rc = file == NULL ? -1 : 0, status;

    for (int i = 0; rc == 0 && i < call->argument_count; i++)
        rc = userfile_remove(file, str_of(call->arguments[i]), &e);
    status = end_edit(call, file, rc, &e);
    if (was_saved(status) && call->given[USER_JSON])
        report_removed(call);
    return status;
}

int user_rename(const struct invocation *call)
{
    struct userfile *file;
    struct err e;
    int rc, status;

    if (htpasswd_check_name(str_of(call->arguments[1]), &e) != 0)
        return program_misused(call, &e);
    file = userfile_open(user_file_path(call), USERFILE_EDIT, &e);
    rc = file == NULL ? -1 : userfile_rename(file, str_of(call->arguments[0]), str_of(call->arguments[1]), &e);
    status = end_edit(call, file, rc, &e);
    if (was_saved(status) && call->given[USER_JSON])
        report_renamed(call);
    return status;
}
