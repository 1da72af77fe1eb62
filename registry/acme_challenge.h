/*
 * HTTP-01 challenges (RFC 8555 §8.3) in a webroot: the files that ACME clients put there for a certificate authority
 * to read, WEBROOT/.well-known/acme-challenge/TOKEN.
 */
#ifndef BERTH_REGISTRY_ACME_CHALLENGE_H
#define BERTH_REGISTRY_ACME_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum { ACME_TOKEN_MAX = 128, ACME_CHALLENGE_MAX = 64 * 1024 };

/* Is the path (as sent, without query) below /.well-known/acme-challenge/? Then `token` is what follows, which may not
 * be one. No escape is decoded: a token needs none. Thread: any. */
bool acme_challenge_path(struct str path, struct str *token);
/* Base64url (RFC 8555 §8.1) of at most ACME_TOKEN_MAX bytes: so no separator, no dot, no escape. Thread: any. */
bool acme_token_valid(struct str token);
/* Read the file of a valid token. No symbolic link below the webroot is followed, and only a regular file of at most
 * ACME_CHALLENGE_MAX bytes is read. ERR_NOT_FOUND: there is none; ERR_INVALID, ERR_TOO_LARGE: there is, and it is not
 * to be served; anything else: the system failed. Blocks: on a worker. */
int acme_challenge_read(const char *webroot, const char *token, struct sbuf *out, struct err *e);

#endif
