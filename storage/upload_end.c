/*
 * How sessions end: as a blob, by cancelling, or by the purge of what nobody came back for.
 *
 * Order of removal: the record first. A session without a record does not exist; a data file that a crash leaves alone
 * is the purge's. Finishing has the bytes leave first (they become the blob), so a crash in between leaves an empty
 * session.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "storage/upload_id.h"
#include "storage/upload_internal.h"

static int remove_name(int dir, const char *name, struct err *e)
{
    return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? 0 : err_errno(e, "remove %s", name);
}

static int remove_files(struct uploads *uploads, const char *id, struct err *e)
{
    char state[UPLOAD_STATE_NAME_MAX];

    upload_state_name(id, state);
    if (remove_name(uploads->dir, state, e) != 0)
        return -1;
    return remove_name(uploads->dir, id, e);
}

static int digest_mismatch(const struct digest *actual, const struct digest *expected, struct err *e)
{
    char got[DIGEST_TEXT_MAX], wanted[DIGEST_TEXT_MAX];

    digest_format(actual, got);
    digest_format(expected, wanted);
    return err_set(e, ERR_DIGEST, "the uploaded bytes have digest %s, not %s as announced; upload them again", got,
                   wanted);
}

/* After a failed fsync nobody can say which bytes are on disk, and a second fsync would claim that all are. So the
 * bytes go, and the session is left idle and empty: the client sends them again. */
static int adopt(struct upload *u, const struct digest *d, struct err *e)
{
    char path[PATH_MAX + UPLOAD_ID_LENGTH + 2];
    struct err inner;

    snprintf(path, sizeof(path), "%s/%s", u->uploads->path, u->id);
    if (blob_adopt(u->uploads->blobs, d, path, u->data.fd, e) == 0)
        return 0;
    if (upload_data_remove(&u->data, &inner) != 0)
        log_warn("upload %s: %s", u->id, inner.text);
    return -1;
}

int upload_finish(struct upload **upload, const struct digest *expected, uint64_t *size, struct err *e)
{
    struct upload *u = *upload;
    char state[UPLOAD_STATE_NAME_MAX];
    struct digest actual;
    struct err inner;

    *upload = NULL;
    if (upload_data_digest(&u->data, expected->alg, &actual, e) != 0)
        goto stays;
    if (!digest_equal(&actual, expected)) {
        if (remove_files(u->uploads, u->id, &inner) != 0)
            log_warn("upload %s: %s", u->id, inner.text);
        u->ended = true;
        upload_let_go(u);
        return digest_mismatch(&actual, expected, e);
    }
    *size = upload_offset(u);
    if (adopt(u, expected, e) != 0)
        goto stays;
    upload_state_name(u->id, state);
    if (remove_name(u->uploads->dir, state, &inner) != 0)
        log_warn("upload %s: %s", u->id, inner.text);
    u->ended = true;
    upload_let_go(u);
    return 0;

stays:
    err_wrap(e, "upload %s", u->id);
    upload_release(&u);
    return -1;
}

int upload_cancel(struct upload **upload, struct err *e)
{
    struct upload *u = *upload;
    int rc = remove_files(u->uploads, u->id, e);

    *upload = NULL;
    if (rc != 0)
        err_wrap(e, "cancel upload %s", u->id);
    u->ended = rc == 0;
    upload_let_go(u);
    return rc;
}

/* ---- purge ---- */

/* Of the newer of the session's two files; -1 when both are gone. */
static time_t last_written(struct uploads *uploads, const char *id)
{
    char state[UPLOAD_STATE_NAME_MAX];
    const char *names[] = {id, state};
    time_t newest = -1;

    upload_state_name(id, state);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct stat st;

        if (fstatat(uploads->dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime > newest)
            newest = st.st_mtime;
    }
    return newest;
}

/* Whether this removed anything. A time in the future (the clock was set back) counts as just now. */
static bool purge_one(struct uploads *uploads, const char *id, uint64_t now, uint64_t age_s, bool dry_run)
{
    struct upload_slot *slot = upload_slot_of(uploads, id);
    struct err err;
    bool removed = false;

    pthread_mutex_lock(&slot->lock);
    if (upload_slot_find(slot, id) == NULL) {
        time_t written = last_written(uploads, id);
        uint64_t age = written >= 0 && (uint64_t)written <= now ? now - (uint64_t)written : 0;

        if (written >= 0 && age >= age_s && dry_run) {
            log_info("upload %s would be purged: nobody wrote to it for %llu s", id, (unsigned long long)age);
        } else if (written >= 0 && age >= age_s) {
            removed = remove_files(uploads, id, &err) == 0;
            if (removed)
                census_remove(uploads->census, id);
            else
                log_warn("purge of upload %s: %s", id, err.text);
        }
    }
    pthread_mutex_unlock(&slot->lock);
    return removed;
}

size_t uploads_purge(struct uploads *uploads, uint64_t age_s, size_t limit, bool dry_run)
{
    DIR *dir = opendir(uploads->path);
    uint64_t now = clock_wall_s();
    const struct dirent *entry;
    size_t removed = 0;

    if (dir == NULL) {
        log_warn("purge of uploads: %s: %s", uploads->path, strerrordesc_np(errno));
        return 0;
    }
    /* A session removed at its first file leaves nothing to remove at its second. */
    while (removed < limit && (entry = readdir(dir)) != NULL) {
        char id[UPLOAD_ID_LENGTH + 1];

        if (upload_id_of_file(entry->d_name, id) && purge_one(uploads, id, now, age_s, dry_run))
            removed++;
    }
    closedir(dir);
    return removed;
}
