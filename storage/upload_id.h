/* Names of upload sessions: version 4 UUIDs in lower case (RFC 9562, 5.4). Thread: no shared state. */
#ifndef BERTH_STORAGE_UPLOAD_ID_H
#define BERTH_STORAGE_UPLOAD_ID_H

#include <stdbool.h>

#include "registry/base/str.h"
#include "storage/upload.h"

/* Strict, because an id becomes a file name: 8-4-4-4-12 lower-case digits, version 4, variant 10. */
bool upload_id_valid(struct str id);
/* A new random id with terminator. */
void upload_id_make(char out[UPLOAD_ID_LENGTH + 1]);
/* The id of a session's file, "<id>" or "<id>.state"; false for anything else, which is not ours. */
bool upload_id_of_file(const char *file, char id[UPLOAD_ID_LENGTH + 1]);

#endif
