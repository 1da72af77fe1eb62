/* Hostile JSON into jansson values, and what is read from them again and again. Thread: no shared state. */
#ifndef BERTH_STORAGE_MANIFEST_JSON_H
#define BERTH_STORAGE_MANIFEST_JSON_H

#include <jansson.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* One JSON object of at most MANIFEST_BYTES_MAX bytes, 64 deep, without duplicate keys, NUL, bad UTF-8 or anything
 * behind it. NULL: ERR_INVALID or ERR_TOO_LARGE. The caller drops the reference. */
json_t *json_document(struct str bytes, struct err *e);
/* A member that is there; `null` is what several encoders write for one that is not. Borrowed. */
json_t *json_member(const json_t *object, const char *name);
/* A string member: empty when absent, and borrowed from `object`. ERR_INVALID when it is something else. */
int json_member_text(const json_t *object, const char *name, struct str *out, struct err *e);

#endif
