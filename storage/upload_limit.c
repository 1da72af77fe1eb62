/* How many sessions there may be, and how far they may fill the disk. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "storage/upload_id.h"
#include "storage/upload_internal.h"

void uploads_limit(struct uploads *uploads, const struct upload_limits *limits, uint64_t reserve)
{
    census_limit(uploads->census, limits);
    uploads->reserve.bytes = reserve;
}

int uploads_reserve(struct uploads *uploads, uint64_t bytes, struct err *e)
{
    return reserve_take(&uploads->reserve, bytes, clock_monotonic_ms(), e);
}

size_t uploads_total(struct uploads *uploads)
{
    return census_total(uploads->census);
}

/* Under the slot's lock, so that a session which ends meanwhile is not counted after it is gone: who holds it takes it
 * out of the census under this lock. */
static void count_one(struct uploads *uploads, const char *id)
{
    struct upload_slot *slot = upload_slot_of(uploads, id);
    const struct upload *held;
    struct upload_state state;
    struct err err;

    pthread_mutex_lock(&slot->lock);
    held = upload_slot_find(slot, id);
    if (held != NULL)
        census_add(uploads->census, id, str_of(held->state.repository));
    else if (upload_state_read(uploads->dir, id, &state, &err) == 0)
        census_add(uploads->census, id, str_of(state.repository));
    pthread_mutex_unlock(&slot->lock);
}

bool uploads_count_some(struct uploads *uploads, size_t looks)
{
    const struct dirent *entry = NULL;
    char id[UPLOAD_ID_LENGTH + 1];

    if (uploads->counted)
        return false;
    if (uploads->counting == NULL && (uploads->counting = opendir(uploads->path)) == NULL) {
        log_warn("unfinished uploads cannot be counted: %s: %s; tried again", uploads->path, strerrordesc_np(errno));
        return true;
    }
    while (looks-- > 0 && (entry = readdir(uploads->counting)) != NULL)
        if (upload_id_of_file(entry->d_name, id) && strcmp(entry->d_name, id) != 0) /* the record, not the bytes */
            count_one(uploads, id);
    if (entry != NULL)
        return true;
    closedir(uploads->counting);
    uploads->counting = NULL;
    uploads->counted = true;
    return false;
}
