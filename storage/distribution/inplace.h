/*
 * A data directory of the CNCF distribution registry that becomes ours where it is: <root>/docker stays as it is, and
 * blobs/, meta/ and uploads/ come beside it.
 *
 *   <root>/takeover.unfinished   from the beginning of a takeover of all that is in <root>/docker to its end
 *   <root>/taken-over            since then: its first line is when that was. Nobody looks there again by himself
 *
 * Thread: any that may block.
 */
#ifndef BERTH_STORAGE_INPLACE_H
#define BERTH_STORAGE_INPLACE_H

#include <stdbool.h>

#include "registry/base/clock.h"
#include "registry/base/err.h"
#include "storage/distribution/layout.h"

#define INPLACE_UNFINISHED "takeover.unfinished"
#define INPLACE_TAKEN_OVER "taken-over"

enum inplace_state {
    INPLACE_NOTHING, /* there is no such tree, or nothing in it */
    INPLACE_WANTED,  /* its images are nowhere else, or it was begun to take them over */
    INPLACE_DONE,    /* they were taken over */
    INPLACE_BESIDE,  /* there are images of ours, and nobody has taken over those */
};

struct inplace {
    enum inplace_state state;
    char when[CLOCK_TEXT_ROOM]; /* of INPLACE_DONE */
};

/* Looks at the directory, and opens its metadata (store.h) only where there are both. A directory that is not there
 * holds nothing. ERR_BUSY as store_open(). */
int inplace_look(const char *root, struct inplace *out, struct err *e);

/* Is the layout that of <root>/docker? */
bool inplace_is_own(const char *root, const struct layout *layout);
/* What the two marks say, durably. */
int inplace_begin(const char *root, struct err *e);
int inplace_finish(const char *root, struct err *e);

#endif
