/* Percent-encoding and query strings of request targets (RFC 3986 §2.1, §3.4). Thread: no shared state. */
#ifndef BERTH_REGISTRY_QUERY_H
#define BERTH_REGISTRY_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/str.h"

/* Decode into `out` (at least text.n bytes). False for a broken escape, an encoded NUL, or, when `is_path`, an encoded
 * slash. */
bool percent_decode(struct str text, bool is_path, char *out, size_t *n);
/* Are all its escapes well-formed, and none a NUL? */
bool query_valid(struct str query);
/* The value number `index` (from 0) of `key` in a raw query, decoded ('+' is a blank). False when there is none or it
 * is malformed. */
bool query_get(struct str query, const char *key, size_t index, struct sbuf *out);

#endif
