/*
 * The files in which Docker and Podman keep their logins: {"auths": {"registry.example": {"auth": "<base64>"}}}.
 *
 * Thread: no shared state; blocks.
 */
#ifndef BERTH_CLIENT_LOGIN_FILE_H
#define BERTH_CLIENT_LOGIN_FILE_H

#include "registry/base/err.h"
#include "registry/base/str.h"

enum { LOGIN_FILE_MAX = 1024 * 1024 };

/* "name:password" for `host` ("registry.example:5000"), appended to `out`; nothing when the file has none for it.
 * ERR_UNSUPPORTED: the login is in a helper's keeping, or a token; the error names another way. ERR_NOT_FOUND: there is
 * no such file. ERR_INVALID: it is none. */
int login_file_find(const char *path, const char *host, struct sbuf *out, struct err *e);

#endif
