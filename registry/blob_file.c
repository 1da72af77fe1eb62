#include "registry/blob_file.h"

#include <pthread.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/metrics.h"

/* ---- opening ---- */

int blob_file_open(const struct store *store, const struct digest *d, uint64_t size, bool waits, int *fd, struct err *e)
{
    uint64_t found;
    int rc = waits ? blob_open(store->blobs, d, fd, &found, e) : blob_open_cached(store->blobs, d, fd, &found, e);

    if (rc != 0) {
        if (e->code == ERR_NOT_FOUND)
            e->code = ERR_DAMAGED;
        return -1;
    }
    if (found == size)
        return 0;
    close(*fd);
    *fd = -1;
    return err_set(e, ERR_DAMAGED, "its file has %llu bytes, not %llu", (unsigned long long)found,
                   (unsigned long long)size);
}

/* ---- the log ---- */

enum {
    REMEMBERED = 256, /* blobs; more damage than that is no longer a matter of single lines */
    SILENCE_MS = 60 * 60 * 1000,
};

static struct {
    struct digest digest;
    uint64_t said_ms;
} said[REMEMBERED]; /* under lock, as what follows */
static unsigned said_count;
static unsigned oldest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Was `d` not logged lately? Then it is taken as logged now. */
static bool take_turn(const struct digest *d, uint64_t now_ms)
{
    unsigned at = 0;
    bool mine;

    pthread_mutex_lock(&lock);
    while (at < said_count && !digest_equal(&said[at].digest, d))
        at++;
    mine = at == said_count || now_ms - said[at].said_ms >= SILENCE_MS;
    if (at == said_count && said_count < REMEMBERED)
        said_count++;
    else if (at == said_count)
        at = oldest++ % REMEMBERED;
    if (mine) {
        said[at].digest = *d;
        said[at].said_ms = now_ms;
    }
    pthread_mutex_unlock(&lock);
    return mine;
}

void blob_file_damaged(const struct store *store, const struct digest *d, const char *what)
{
    char text[DIGEST_TEXT_MAX], name[BLOB_NAME_MAX];

    metric_add(METRIC_DAMAGE_MET, 1);
    if (!take_turn(d, clock_monotonic_ms()))
        return;
    digest_format(d, text);
    blob_file_name(d, name);
    log_error("damaged blob %s (%s/blobs/%s): %s; pushing it again repairs it, `berth scrub` tells who needs it", text,
              store->root, name, what);
}
