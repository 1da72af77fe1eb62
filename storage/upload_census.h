/*
 * How many upload sessions there are, in all and in each repository, idle ones included.
 *
 * Idle sessions are files and nothing else (upload.c), so what there was before this start is not known at once: the
 * census takes it in piece by piece while the server serves (uploads_count_some()). Until it is through, limits are only
 * too generous. It holds the ids that it has counted, so that counting one twice changes nothing.
 *
 * Thread: any. Lock: one of its own; nothing is taken under it.
 */
#ifndef BERTH_STORAGE_UPLOAD_CENSUS_H
#define BERTH_STORAGE_UPLOAD_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct upload_census;

struct upload_limits {
    size_t total;
    size_t per_repository;
};

/* Without limits until census_limit(). */
struct upload_census *census_new(void);
void census_free(struct upload_census **census);
/* Before the first session. */
void census_limit(struct upload_census *census, const struct upload_limits *limits);

/* Count the new session `id` (UPLOAD_ID_LENGTH bytes). ERR_TOO_MANY when there are as many as may be; the text says where
 * and what to do. */
int census_enter(struct upload_census *census, const char *id, struct str repository, struct err *e);
/* Count one that is there, whatever the limits. */
void census_add(struct upload_census *census, const char *id, struct str repository);
/* It is gone. One that was not counted changes nothing. */
void census_remove(struct upload_census *census, const char *id);

size_t census_total(struct upload_census *census);

#endif
