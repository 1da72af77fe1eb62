/*
 * berth-user: who may log in. Edits the user file that the server reads; the server notices by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "registry/base/options.h"
#include "tools/secret.h"
#include "tools/userfile.h"

/* auth */
#include "auth/htpasswd.h"
#include "auth/password.h"

/* base */
#include "registry/base/rnd.h"

enum option { FILE_OPTION, PASSWORD_STDIN, GENERATE, ALGORITHM, COST };

static const struct option_spec options[] = {
    [FILE_OPTION] = {"file", "FILE", "the user file; default: $BERTH_HTPASSWD, else /etc/berth/htpasswd"},
    [PASSWORD_STDIN] = {"password-stdin", NULL, "read the password from standard input"},
    [GENERATE] = {"generate", NULL, "make up a password and print it, this once"},
    [ALGORITHM] = {"algorithm", "NAME", "bcrypt (default) or argon2id"},
    [COST] = {"cost", "N", "bcrypt: 2^N rounds, 4 to 20 (default 10); argon2id: passes, 1 to 100 (default 2)"},
};

static const struct {
    const char *name;
    enum password_scheme scheme;
} algorithms[] = {
    {"bcrypt", PASSWORD_BCRYPT},
    {"argon2id", PASSWORD_ARGON2ID},
};

static const char *file_path(const struct invocation *call)
{
    const char *from_environment = getenv("BERTH_HTPASSWD");

    if (call->given[FILE_OPTION])
        return call->values[FILE_OPTION];
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment : "/etc/berth/htpasswd";
}

/* The password that the command line says where to get. `fresh`: it is to be set, so typing asks twice. */
static int get_password(const struct invocation *call, bool fresh, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    if (call->given[PASSWORD_STDIN])
        return secret_read(STDIN_FILENO, out, n, e);
    if (!call->given[GENERATE])
        return secret_ask(call->arguments[0], fresh, out, n, e);
    rnd_password(out, SECRET_GENERATED);
    *n = SECRET_GENERATED;
    return 0;
}

/* How the new hash is to be made. */
struct recipe {
    enum password_scheme scheme;
    unsigned cost;
};

static int get_recipe(const struct invocation *call, struct recipe *recipe, struct err *e)
{
    const char *name = call->given[ALGORITHM] ? call->values[ALGORITHM] : "bcrypt";
    uint64_t cost;

    if (call->given[PASSWORD_STDIN] && call->given[GENERATE])
        return err_set(e, ERR_INVALID, "--password-stdin and --generate exclude each other");
    if (option_number(call, COST, 1, 100, PASSWORD_COST_DEFAULT, &cost, e) != 0)
        return -1;
    recipe->cost = (unsigned)cost;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (strcmp(algorithms[i].name, name) == 0) {
            recipe->scheme = algorithms[i].scheme;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "--algorithm takes bcrypt or argon2id, not %s", name);
}

/* Get a password and hash it. A generated one is put into `shown` for printing once it is in force. */
static int make_hash(const struct invocation *call, const struct recipe *recipe, char hash[PASSWORD_HASH_MAX],
                     char shown[SECRET_GENERATED + 1], struct err *e)
{
    char password[SECRET_ROOM];
    size_t n;
    int rc;

    if (get_password(call, true, password, &n, e) != 0)
        return -1;
    rc = password_hash(recipe->scheme, recipe->cost, (struct str){password, n}, hash, e);
    if (rc == 0 && call->given[GENERATE])
        memcpy(shown, password, SECRET_GENERATED + 1);
    explicit_bzero(password, sizeof(password));
    return rc;
}

static int check_presence(const struct userfile *file, const char *path, struct str name, bool wanted, struct err *e)
{
    struct str hash;

    if (userfile_hash(file, name, &hash) == wanted)
        return 0;
    return wanted ? err_set(e, ERR_NOT_FOUND, "%s: there is no user %s; \"berth-user add\" makes one", path, name.p)
                  : err_set(e, ERR_EXISTS, "%s: there is a user %s already; \"berth-user passwd\" changes the password",
                            path, name.p);
}

static void warn_of_refusal(const struct invocation *call, const struct userfile *file)
{
    struct err e;

    if (userfile_check(file, &e) != 0)
        fprintf(stderr, "%s: saved, but a server would refuse the file: %s\n", call->program->name, e.text);
}

/* add, which wants the user absent, and passwd, which wants the user present. The file is looked at before a person is
 * asked for a password, and again under the lock. */
static int set_password(const struct invocation *call, bool present)
{
    const char *path = file_path(call);
    const enum userfile_access access = present ? USERFILE_EDIT : USERFILE_CREATE;
    struct str name = str_of(call->arguments[0]);
    char hash[PASSWORD_HASH_MAX], shown[SECRET_GENERATED + 1] = "";
    struct userfile *file = NULL;
    struct recipe recipe = {PASSWORD_BCRYPT, PASSWORD_COST_DEFAULT};
    struct err e;
    int status = EXIT_DONE;

    if (get_recipe(call, &recipe, &e) != 0)
        return program_misused(call, &e);
    if (htpasswd_check_name(name, &e) != 0 || (file = userfile_open(path, access, &e)) == NULL ||
        check_presence(file, path, name, present, &e) != 0)
        goto failed;
    userfile_close(&file);
    if (make_hash(call, &recipe, hash, shown, &e) != 0)
        goto failed;
    file = userfile_open(path, access, &e);
    if (file == NULL || check_presence(file, path, name, present, &e) != 0 ||
        userfile_set(file, name, str_of(hash), &e) != 0 || userfile_save(file, &e) != 0)
        goto failed;
    warn_of_refusal(call, file);
    if (shown[0] != '\0')
        printf("%s\n", shown);
    goto done;
failed:
    status = program_fail(call, &e);
done:
    explicit_bzero(shown, sizeof(shown));
    userfile_close(&file);
    return status;
}

static int run_add(const struct invocation *call)
{
    return set_password(call, false);
}

static int run_passwd(const struct invocation *call)
{
    return set_password(call, true);
}

static int run_del(const struct invocation *call)
{
    struct err e;
    struct userfile *file = userfile_open(file_path(call), USERFILE_EDIT, &e);
    int rc = file == NULL ? -1 : 0;

    for (int i = 0; rc == 0 && i < call->argument_count; i++)
        rc = userfile_remove(file, str_of(call->arguments[i]), &e);
    if (rc == 0)
        rc = userfile_save(file, &e);
    if (rc == 0)
        warn_of_refusal(call, file);
    userfile_close(&file);
    return rc == 0 ? EXIT_DONE : program_fail(call, &e);
}

static int run_list(const struct invocation *call)
{
    struct err e;
    struct userfile *file = userfile_open(file_path(call), USERFILE_READ, &e);
    struct str name;
    size_t cursor = 0;

    if (file == NULL)
        return program_fail(call, &e);
    while (userfile_next(file, &cursor, &name))
        printf("%.*s\n", (int)name.n, name.p);
    userfile_close(&file);
    return EXIT_DONE;
}

static int run_verify(const struct invocation *call)
{
    const char *path = file_path(call);
    struct err e;
    struct userfile *file = userfile_open(path, USERFILE_READ, &e);
    struct str name = str_of(call->arguments[0]), hash;
    char password[SECRET_ROOM];
    bool right = false;
    size_t n;
    int rc = -1;

    if (file != NULL && check_presence(file, path, name, true, &e) == 0 && userfile_hash(file, name, &hash) &&
        get_password(call, false, password, &n, &e) == 0) {
        rc = password_verify(hash, (struct str){password, n}, &right, &e);
        explicit_bzero(password, sizeof(password));
        if (rc == 0 && !right)
            rc = err_set(&e, ERR_DENIED, "this is not the password of %s", name.p);
    }
    userfile_close(&file);
    return rc == 0 ? EXIT_DONE : program_fail(call, &e);
}

#define TAKES(option) (1U << (option))

static const uint32_t setting = TAKES(FILE_OPTION) | TAKES(PASSWORD_STDIN) | TAKES(GENERATE) | TAKES(ALGORITHM) |
                                TAKES(COST);

int main(int argc, char **argv)
{
    const struct command_spec commands[] = {
        {"add", "USER", 1, 1, setting, "make a user; makes the file, too, if need be", run_add},
        {"passwd", "USER", 1, 1, setting, "change a user's password", run_passwd},
        {"del", "USER…", 1, ARGUMENTS_ANY, TAKES(FILE_OPTION), "remove users; all or none", run_del},
        {"list", "", 0, 0, TAKES(FILE_OPTION), "print the names, one a line", run_list},
        {"verify", "USER", 1, 1, TAKES(FILE_OPTION) | TAKES(PASSWORD_STDIN), "is this the user's password?",
         run_verify},
    };
    const struct program_spec program = {
        .name = "berth-user",
        .summary = "who may log in",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .notes =
            "Passwords are asked for on the terminal unless an option says otherwise. They are hashed with bcrypt at\n"
            "cost 10 by default, which every other registry and Apache can read, too; bcrypt takes up to 72 bytes.\n"
            "A running server uses the changed file within seconds.\n"
            "\n"
            "exit status: 0 done, 1 refused or wrong password, 2 wrong usage, 3 no such user or file\n",
    };

    return program_run(&program, argc, argv);
}
