/*
 * berth-user under the name htpasswd: the command line, the messages and the exit statuses of Apache's program, for
 * scripts that call it. Two things differ. Without -B it makes bcrypt, too, where Apache's makes MD5: a registry
 * accepts nothing weaker, and what asks for that by name is refused. And names and passwords that a server would refuse
 * or cut short are refused.
 *
 * Thread: the main thread.
 */
#ifndef BERTH_TOOLS_USER_HTPASSWD_PERSONALITY_H
#define BERTH_TOOLS_USER_HTPASSWD_PERSONALITY_H

#include <stdbool.h>

enum htpasswd_status {
    HTPASSWD_DONE = 0,
    HTPASSWD_FILE = 1,        /* the file cannot be read or written */
    HTPASSWD_USAGE = 2,       /* the command line is wrong */
    HTPASSWD_MISMATCH = 3,    /* not the password of the user, or the two that were typed differ */
    HTPASSWD_INTERRUPTED = 4, /* by a signal */
    HTPASSWD_TOO_LONG = 5,    /* name or password */
    HTPASSWD_BAD_USER = 6,    /* a name that cannot be one, or that is not there to be verified */
    HTPASSWD_BAD_FILE = 7,    /* not a user file */
};

/* Does argv[0] end in "htpasswd"? */
bool htpasswd_is_called(int argc, char *const *argv);

/* Returns an htpasswd_status. */
int htpasswd_main(int argc, char **argv);

#endif
