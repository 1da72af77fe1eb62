/*
 * The record of an upload session, <root>/uploads/<id>.state: who owns it, and the last checkpoint of its hash.
 *
 * One record of fixed size, written by one pwrite inside one page, so that SIGKILL leaves the old or the new one. No
 * fsync: a power cut may damage it, which the checksum shows, and then the session is gone.
 *
 * Thread: no shared state. Nobody may read a record while somebody writes it; upload.c sees to that. All functions
 * block.
 */
#ifndef BERTH_STORAGE_UPLOAD_STATE_H
#define BERTH_STORAGE_UPLOAD_STATE_H

#include <stdint.h>

#include "registry/base/err.h"
#include "storage/digest.h"
#include "storage/reference.h"
#include "storage/upload.h"

enum {
    UPLOAD_OWNER_MAX = 255, /* bytes */
    UPLOAD_BOOT_LENGTH = 36,
    UPLOAD_STATE_NAME_MAX = UPLOAD_ID_LENGTH + 6 + 1, /* "<id>.state" with terminator */
};

struct upload_state {
    char repository[REPOSITORY_NAME_MAX + 1];
    char owner[UPLOAD_OWNER_MAX + 1];
    uint64_t started;                  /* wall-clock seconds */
    char boot[UPLOAD_BOOT_LENGTH + 1]; /* the boot that wrote the checkpoint */
    struct hasher checkpoint;          /* of as many bytes as hasher_length() says */
};

/* "<id>.state" */
void upload_state_name(const char *id, char out[UPLOAD_STATE_NAME_MAX]);
/* The first record of a session, in directory `dir`. ERR_EXISTS when there is one. On failure nothing is left behind.
 */
int upload_state_create(int dir, const char *id, const struct upload_state *state, struct err *e);
/* Overwrite the record; it must be there. */
int upload_state_write(int dir, const char *id, const struct upload_state *state, struct err *e);
/* ERR_NOT_FOUND when there is none; ERR_INVALID when the file is not a whole, undamaged record. */
int upload_state_read(int dir, const char *id, struct upload_state *out, struct err *e);

#endif
