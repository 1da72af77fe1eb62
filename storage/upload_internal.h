/*
 * What the files about upload sessions share: upload.c (sessions come, work, pause), upload_end.c (sessions go).
 *
 * Locks: slot.lock, and under it that of the census; no function takes two slots'.
 */
#ifndef BERTH_STORAGE_UPLOAD_INTERNAL_H
#define BERTH_STORAGE_UPLOAD_INTERNAL_H

#include <dirent.h>
#include <limits.h>
#include <pthread.h>

#include "storage/reserve.h"
#include "storage/upload.h"
#include "storage/upload_census.h"
#include "storage/upload_data.h"
#include "storage/upload_state.h"

enum { UPLOAD_SLOTS = 64 };

/* A held session. Idle ones are not in memory. */
struct upload {
    struct uploads *uploads;
    struct upload *next; /* in the slot; guarded by its lock */
    char id[UPLOAD_ID_LENGTH + 1];
    struct upload_state state; /* as on disk: names never change, the checkpoint is the one last written */
    struct upload_data data;
    bool ended;              /* its files are gone, and with them the session */
    struct hasher held_from; /* of the bytes that were there when it was acquired */
};

struct upload_slot {
    pthread_mutex_t lock;
    struct upload *held; /* list; guarded by lock */
};

struct uploads {
    struct blob_store *blobs; /* borrowed */
    char path[PATH_MAX];
    int dir; /* open on path */
    char boot[UPLOAD_BOOT_LENGTH + 1];
    struct upload_slot slots[UPLOAD_SLOTS];
    struct upload_census *census;
    struct reserve reserve;
    DIR *counting; /* the directory, while the census goes through it; of uploads_count_some()'s thread, as the next */
    bool counted;
};

/* The slot of a valid id. */
struct upload_slot *upload_slot_of(struct uploads *uploads, const char *id);
/* The held session of that id or NULL. Call with the slot's lock held. */
struct upload *upload_slot_find(const struct upload_slot *slot, const char *id);
/* Take a held session out of table and memory; what is on disk stays as it is. */
void upload_let_go(struct upload *u);

#endif
