#include "tools/user/user_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/rnd.h"

enum { KIB_IN_MIB = 1024 };

static const struct {
    const char *name;
    enum password_scheme scheme;
} algorithms[] = {
    {"bcrypt", PASSWORD_BCRYPT},
    {"argon2id", PASSWORD_ARGON2ID},
};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

const char *user_file_path(const struct invocation *call)
{
    const char *from_environment = getenv("BERTH_HTPASSWD");

    if (call->given[USER_FILE])
        return call->values[USER_FILE];
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment : "/etc/berth/htpasswd";
}

const char *user_algorithm(enum password_scheme scheme)
{
    return scheme == PASSWORD_BCRYPT ? "bcrypt" : "argon2id";
}

static int take_algorithm(const struct invocation *call, enum password_scheme *scheme, struct err *e)
{
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strcmp(algorithms[i].name, call->values[USER_ALGORITHM]) == 0) {
            *scheme = algorithms[i].scheme;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "--algorithm takes bcrypt or argon2id, not %s", call->values[USER_ALGORITHM]);
}

/* What the command line says of a recipe; what it does not say is left to `scheme` and its defaults. */
static int take_recipe(const struct invocation *call, enum password_scheme scheme, struct password_recipe *recipe,
                       struct err *e)
{
    uint64_t cost, mib, lanes;

    if (call->given[USER_MEMORY] || call->given[USER_PARALLELISM])
        scheme = PASSWORD_ARGON2ID;
    if (call->given[USER_ALGORITHM] && take_algorithm(call, &scheme, e) != 0)
        return -1;
    if (option_number(call, USER_COST, 1, 100, PASSWORD_COST_DEFAULT, &cost, e) != 0 ||
        option_number(call, USER_MEMORY, 1, 1024, 0, &mib, e) != 0 ||
        option_number(call, USER_PARALLELISM, 1, 64, 0, &lanes, e) != 0)
        return -1;
    *recipe = (struct password_recipe){scheme, (unsigned)cost, (unsigned)mib * KIB_IN_MIB, (unsigned)lanes};
    return password_recipe_check(recipe, e);
}

int user_check_options(const struct invocation *call, struct err *e)
{
    struct password_recipe recipe;

    /* argon2id takes every cost that bcrypt does */
    return take_recipe(call, PASSWORD_ARGON2ID, &recipe, e);
}

static bool is_all_argon2id(const struct userfile *file)
{
    struct password_recipe recipe;
    struct str name, hash;
    size_t cursor = 0;

    while (userfile_next(file, &cursor, &name, &hash))
        if (password_recipe_of(hash, &recipe, NULL) != 0 || recipe.scheme != PASSWORD_ARGON2ID)
            return false;
    return true;
}

int user_recipe(const struct invocation *call, const struct userfile *file, struct password_recipe *recipe,
                struct err *e)
{
    return take_recipe(call, is_all_argon2id(file) ? PASSWORD_ARGON2ID : PASSWORD_BCRYPT, recipe, e);
}

int user_password(const struct invocation *call, bool fresh, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    struct err why = {0};

    if (call->given[USER_PASSWORD_STDIN])
        return secret_read(STDIN_FILENO, "password", out, n, e);
    if (!call->given[USER_GENERATE]) {
        if (secret_ask("password", call->arguments[0], fresh, out, n, &why) == 0)
            return 0;
        return err_set(e, why.code, "%s%s", why.text,
                       why.code == ERR_UNSUPPORTED ? "; use --password-stdin or --generate" : "");
    }
    rnd_password(out, SECRET_GENERATED);
    *n = SECRET_GENERATED;
    return 0;
}

int user_check_presence(const struct userfile *file, const char *path, struct str name, bool wanted, struct err *e)
{
    struct str hash;

    if (userfile_hash(file, name, &hash) == wanted)
        return 0;
    return wanted ? err_set(e, ERR_NOT_FOUND, "%s: there is no user %s; \"berth-user add\" makes one", path, name.p)
                  : err_set(e, ERR_EXISTS, "%s: there is a user %s already; \"berth-user passwd\" changes the password",
                            path, name.p);
}

void user_warn(const struct invocation *call, const struct userfile *file)
{
    struct err e;

    if (userfile_check(file, &e) != 0)
        fprintf(stderr, "%s: a server would refuse the file: %s\n", call->program->name, e.text);
}

int user_saved(const struct invocation *call, const struct userfile *file)
{
    struct err e;

    if (userfile_check(file, &e) == 0)
        return EXIT_DONE;
    fprintf(stderr, "%s: saved, but not in force: a server would refuse the file: %s\n", call->program->name, e.text);
    return EXIT_IDLE;
}

int user_printed(const struct invocation *call, int status, const char *remedy)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "%s: saved, but the answer could not be printed; %s\n", call->program->name, remedy);
    return EXIT_REFUSED;
}
