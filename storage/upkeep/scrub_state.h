/*
 * How far scrubbing has come: <root>/scrub, a small text file, so that a restart goes on where it was.
 *
 * Thread: one at a time.
 */
#ifndef BERTH_STORAGE_SCRUB_STATE_H
#define BERTH_STORAGE_SCRUB_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/digest.h"

struct scrub_state {
    bool under_way;      /* a pass has begun and not ended: the next four */
    uint64_t began;      /* wall-clock seconds */
    bool has_place;      /* false: at its start */
    struct digest place; /* looked at, with all before it */
    uint64_t found;      /* damaged and missing blobs so far */
    uint64_t finished;   /* wall-clock seconds: end of the last full pass; 0: never */
    uint64_t found_last; /* damaged and missing blobs of that pass */
};

/* Zeros when there is no file, or one that cannot be understood: scrubbing then begins at the start. Blocks. */
void scrub_state_load(const char *root, struct scrub_state *out);
/* Durable when it returns 0. Blocks. */
int scrub_state_save(const char *root, const struct scrub_state *state, struct err *e);

#endif
