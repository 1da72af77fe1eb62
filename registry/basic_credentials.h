/*
 * The user and password of an Authorization header (RFC 7617 §2): "Basic <base64 of name:password>".
 *
 * Thread: any; no state.
 */
#ifndef BERTH_REGISTRY_BASIC_CREDENTIALS_H
#define BERTH_REGISTRY_BASIC_CREDENTIALS_H

#include <stdbool.h>

#include "registry/base/str.h"

enum { CREDENTIALS_MAX = 4096 }; /* bytes of base64 */

/* Takes the value of the header apart. `name` (1 to HTPASSWD_NAME_MAX bytes, no colon) and `password` (perhaps empty)
 * then point into `room`, which has at least header.n bytes and is the caller's to wipe. False when it is anything else;
 * `room` is wiped then. */
bool basic_credentials(struct str header, char *room, struct str *name, struct str *password);

#endif
