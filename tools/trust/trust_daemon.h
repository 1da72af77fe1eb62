/*
 * The list "insecure-registries" of Docker's daemon.json, changed in place: all other bytes stay as they are, with
 * their order, blanks and number formats.
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_DAEMON_H
#define BERTH_TOOLS_TRUST_TRUST_DAEMON_H

#include <stdbool.h>

/* base */
#include "registry/base/err.h"
#include "registry/base/str.h"

enum { TRUST_DAEMON_MAX = 256 << 10 };

/* Put `registry` on the list, or take it off, in `text` (empty or blank: a file that is not there). `changed` tells
 * whether `out` holds a new text; it stays empty otherwise. ERR_INVALID when the text is no JSON object, names a key
 * twice, or has the list in a form that only a person should change. */
int trust_daemon_add(struct str text, const char *registry, bool *changed, struct sbuf *out, struct err *e);
int trust_daemon_remove(struct str text, const char *registry, bool *changed, struct sbuf *out, struct err *e);

#endif
