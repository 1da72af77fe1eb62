/*
 * The commands of berth-user, whose tables are in berth_user.c, and what they share.
 *
 * Thread: the main thread. Commands return an exit status.
 */
#ifndef BERTH_TOOLS_USER_USER_COMMAND_H
#define BERTH_TOOLS_USER_USER_COMMAND_H

#include <stdbool.h>

#include "auth/password.h"
#include "registry/base/options.h"
#include "registry/base/secret.h"
#include "tools/user/userfile.h"

enum user_option {
    USER_FILE,
    USER_PASSWORD_STDIN,
    USER_GENERATE,
    USER_ALGORITHM,
    USER_COST,
    USER_MEMORY,
    USER_PARALLELISM,
    USER_UPDATE,
    USER_JSON,
};

int user_add(const struct invocation *call);
int user_passwd(const struct invocation *call);
int user_del(const struct invocation *call);
int user_rename(const struct invocation *call);
int user_import(const struct invocation *call);
int user_list(const struct invocation *call);
int user_verify(const struct invocation *call);

/* The file that the command line or the environment names. */
const char *user_file_path(const struct invocation *call);

/* Check that no numbers out of range were given: before anything is opened or asked for. ERR_INVALID. */
int user_check_options(const struct invocation *call, struct err *e);

/*
 * How a new hash in this file is to be made. Without --algorithm it is argon2id in a file that is new, empty or all
 * argon2id, and bcrypt as soon as one entry is something else: somebody other than Berth may read such a file, and
 * nothing but bcrypt is understood by registry:2, Apache and Berth alike. Following the file also keeps its entries
 * equally costly to check, so that the time a refusal takes tells nothing.
 */
int user_recipe(const struct invocation *call, const struct userfile *file, struct password_recipe *recipe,
                struct err *e);

/* The password that the command line says where to get. `fresh`: it is to be set, so typing asks twice. */
int user_password(const struct invocation *call, bool fresh, char out[SECRET_ROOM], size_t *n, struct err *e);

/* Make sure that a user is there, or is not. ERR_NOT_FOUND, ERR_EXISTS. */
int user_check_presence(const struct userfile *file, const char *path, struct str name, bool wanted, struct err *e);

/* Say on stderr why a server would refuse the file, if it would. */
void user_warn(const struct invocation *call, const struct userfile *file);
/* The same after a change: EXIT_IDLE, with the reason on stderr, when a server would go on with what it has. */
int user_saved(const struct invocation *call, const struct userfile *file);
/* Have what was printed written, which may be all there is of a password: on failure say on stderr what to do about it,
 * and return EXIT_REFUSED in place of `status`. */
int user_printed(const struct invocation *call, int status, const char *remedy);

/* "bcrypt" or "argon2id". */
const char *user_algorithm(enum password_scheme scheme);

#endif
