/*
 * Passwords from people and programs: typed without echo, piped, or made up.
 *
 * Thread: the main thread, before others are started: typing installs signal handlers for its duration.
 */
#ifndef BERTH_BASE_SECRET_H
#define BERTH_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"

enum { SECRET_ROOM = 1025 }; /* bytes: as much as a password may have (auth/password.h), and a terminator */

enum { SECRET_GENERATED = 24 }; /* characters */

/* `noun` is what texts call it, in lower case: "password", "passphrase". */

/* Read one from `fd` up to its end; one newline at the end (or CR LF) does not belong to it. ERR_INVALID when
 * it is empty, or has a NUL or a second line, ERR_TOO_LARGE when it is too long. */
int secret_read(int fd, const char *noun, char out[SECRET_ROOM], size_t *n, struct err *e);

/* Ask for that of `owner` on the controlling terminal, without echo; `twice` asks again and compares. Interrupting it restores the terminal
 * first. As secret_read(); ERR_DENIED when the two differ, ERR_UNSUPPORTED when there is no terminal: the caller
 * names the other ways in. */
int secret_ask(const char *noun, const char *owner, bool twice, char out[SECRET_ROOM], size_t *n, struct err *e);

#endif
