/*
 * Sessions: who holds which, and how they begin, work and pause. Their end is in upload_end.c.
 *
 * Only held sessions are in memory. An idle one is its two files and nothing else, so a restart changes nothing and a
 * thousand paused uploads cost no memory. Whoever acquires a session claims its id in the table, loads the record, and
 * hashes what lies behind the checkpoint; releasing writes the checkpoint and leaves the table.
 *
 * The table is cut into slots with a lock each. A record is read only under the lock of its slot and only when its id
 * is not in the table; it is written only by the holder, while the id is in the table. So no reader meets a
 * half-written record, and two who want one idle session see each other. Long work (hashing, writing data, fsync)
 * happens outside the locks.
 */
#include "storage/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "registry/base/log.h"
#include "registry/base/rnd.h"
#include "storage/upload_id.h"
#include "storage/upload_internal.h"

enum { RECORD_ROOM = 4096 }; /* bytes of disk that the record of a session takes */

/* ---- opening and closing ---- */

/* A checkpoint is trusted within one boot only. Without a boot id (no /proc), within one process. */
static void read_boot_id(char out[UPLOAD_BOOT_LENGTH + 1])
{
    struct sbuf text = {0};
    struct err err;

    rnd_hex(out, UPLOAD_BOOT_LENGTH);
    if (file_read("/proc/sys/kernel/random/boot_id", 64, &text, &err) != 0)
        log_warn("no boot id (%s): unfinished uploads will be hashed again after a restart", err.text);
    else if (text.n >= UPLOAD_BOOT_LENGTH)
        memcpy(out, text.p, UPLOAD_BOOT_LENGTH);
    sbuf_free(&text);
}

struct uploads *uploads_open(const char *root, struct blob_store *blobs, struct err *e)
{
    struct uploads *uploads = xcalloc(1, sizeof(*uploads));

    uploads->blobs = blobs;
    uploads->census = census_new();
    if ((size_t)snprintf(uploads->path, sizeof(uploads->path), "%s/uploads", root) >= sizeof(uploads->path)) {
        err_set(e, ERR_INVALID, "the name of the data directory is too long");
        goto failed;
    }
    if (file_mkdirs(uploads->path, 0700, e) != 0)
        goto failed;
    uploads->dir = open(uploads->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (uploads->dir < 0) {
        err_errno(e, "uploads in %s", uploads->path);
        goto failed;
    }
    read_boot_id(uploads->boot);
    uploads->reserve.dir = uploads->dir;
    atomic_init(&uploads->reserve.left, INT64_MAX);
    for (size_t i = 0; i < UPLOAD_SLOTS; i++)
        pthread_mutex_init(&uploads->slots[i].lock, NULL);
    return uploads;

failed:
    census_free(&uploads->census);
    free(uploads);
    return NULL;
}

/* Whoever still held a session is gone by now: its checkpoint is kept. */
void uploads_close(struct uploads **uploads)
{
    if (*uploads == NULL)
        return;
    for (size_t i = 0; i < UPLOAD_SLOTS; i++) {
        struct upload_slot *slot = &(*uploads)->slots[i];

        while (slot->held != NULL) {
            struct upload *u = slot->held;

            upload_release(&u);
        }
        pthread_mutex_destroy(&slot->lock);
    }
    if ((*uploads)->counting != NULL)
        closedir((*uploads)->counting);
    close((*uploads)->dir);
    census_free(&(*uploads)->census);
    free(*uploads);
    *uploads = NULL;
}

/* One text for "no such id", "not yours" and "not of this repository": nobody learns of other people's sessions. */
static int unknown(struct str id, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "there is no upload \"%.*s\" in this repository; start a new one",
                   id.n < UPLOAD_ID_LENGTH ? (int)id.n : UPLOAD_ID_LENGTH, id.p);
}

/* ---- the table ---- */

struct upload_slot *upload_slot_of(struct uploads *uploads, const char *id)
{
    /* The last two digits are random ones. */
    return &uploads->slots[((unsigned char)id[34] * 16U + (unsigned char)id[35]) % UPLOAD_SLOTS];
}

struct upload *upload_slot_find(const struct upload_slot *slot, const char *id)
{
    struct upload *u = slot->held;

    while (u != NULL && memcmp(u->id, id, UPLOAD_ID_LENGTH) != 0)
        u = u->next;
    return u;
}

static void slot_add(struct upload_slot *slot, struct upload *u)
{
    u->next = slot->held;
    slot->held = u;
}

void upload_let_go(struct upload *u)
{
    struct upload_slot *slot = upload_slot_of(u->uploads, u->id);
    struct upload **link = &slot->held;

    pthread_mutex_lock(&slot->lock);
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    if (u->ended)
        census_remove(u->uploads->census, u->id);
    pthread_mutex_unlock(&slot->lock);
    upload_data_close(&u->data);
    free(u);
}

static bool belongs(const struct upload_state *state, struct str repository, struct str owner)
{
    return str_eq(str_of(state->repository), repository) && str_eq(str_of(state->owner), owner);
}

/* The record of an idle session, if it is the caller's. A damaged one is a session lost: the client starts again. */
static int read_idle(struct uploads *uploads, struct str id, struct str repository, struct str owner,
                     struct upload_state *out, struct err *e)
{
    struct err inner;

    if (upload_state_read(uploads->dir, id.p, out, &inner) == 0)
        return belongs(out, repository, owner) ? 0 : unknown(id, e);
    if (inner.code == ERR_NOT_FOUND)
        return unknown(id, e);
    log_warn("upload record %s", inner.text);
    return inner.code == ERR_INVALID ? unknown(id, e) : err_set(e, inner.code, "upload record %s", inner.text);
}

/* ---- create, acquire, status ---- */

static bool fits(struct str s, size_t max)
{
    return s.n <= max && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
}

/* Into zeroed memory; an empty name may have no bytes to point to. */
static void copy_name(char *out, struct str name)
{
    if (name.n > 0)
        memcpy(out, name.p, name.n);
}

static struct upload *upload_new(struct uploads *uploads)
{
    struct upload *u = xcalloc(1, sizeof(*u));

    u->uploads = uploads;
    return u;
}

int upload_create(struct uploads *uploads, struct str repository, struct str owner, enum digest_alg alg,
                  struct upload **out, struct err *e)
{
    struct upload *u;
    struct upload_slot *slot;

    if (!fits(repository, REPOSITORY_NAME_MAX) || !fits(owner, UPLOAD_OWNER_MAX))
        return err_set(e, ERR_INVALID, "upload: name of repository or owner is over 255 bytes or holds a NUL");
    if (uploads_reserve(uploads, RECORD_ROOM, e) != 0)
        return err_wrap(e, "new upload");
    u = upload_new(uploads);
    upload_id_make(u->id);
    if (census_enter(uploads->census, u->id, repository, e) != 0) {
        free(u);
        return -1;
    }
    upload_data_init(&u->data, uploads->dir, u->id, alg);
    copy_name(u->state.repository, repository);
    copy_name(u->state.owner, owner);
    memcpy(u->state.boot, uploads->boot, sizeof(u->state.boot));
    u->state.started = clock_wall_s();
    u->state.checkpoint = u->data.hasher;
    u->held_from = u->data.hasher;

    /* In the table before it is on disk, so that a purge never meets it unheld. */
    slot = upload_slot_of(uploads, u->id);
    pthread_mutex_lock(&slot->lock);
    slot_add(slot, u);
    pthread_mutex_unlock(&slot->lock);
    if (upload_state_create(uploads->dir, u->id, &u->state, e) != 0) {
        u->ended = true;
        upload_let_go(u);
        return err_wrap(e, "new upload");
    }
    *out = u;
    return 0;
}

/* Under the slot's lock: load what is on disk, and enter the table. */
static int claim(struct upload *u, struct upload_slot *slot, struct str repository, struct str owner, struct err *e)
{
    struct str id = str_of(u->id);
    const struct upload *other = upload_slot_find(slot, u->id);

    if (other != NULL && !belongs(&other->state, repository, owner))
        return unknown(id, e);
    if (other != NULL)
        return err_set(e, ERR_BUSY, "upload %s is in use by another request; ask for its offset, then go on from there",
                       u->id);
    if (read_idle(u->uploads, id, repository, owner, &u->state, e) != 0)
        return -1;
    upload_data_init(&u->data, u->uploads->dir, u->id, u->state.checkpoint.alg);
    if (upload_data_open(&u->data, e) != 0)
        return err_wrap(e, "upload %s", u->id);
    slot_add(slot, u);
    return 0;
}

static int write_checkpoint(struct upload *u, struct err *e)
{
    u->state.checkpoint = u->data.hasher;
    memcpy(u->state.boot, u->uploads->boot, sizeof(u->state.boot));
    return upload_state_write(u->uploads->dir, u->id, &u->state, e);
}

/* Go on from the checkpoint if the bytes it stands for are there for certain, else from the start. A checkpoint ahead
 * of the bytes is replaced at once: when other bytes have taken the place of those it saw, its hash would vouch for the
 * wrong ones. */
static int resume_hash(struct upload *u, struct err *e)
{
    bool same_boot = memcmp(u->state.boot, u->uploads->boot, UPLOAD_BOOT_LENGTH) == 0;
    bool ahead = hasher_length(&u->state.checkpoint) > upload_offset(u);

    if (ahead && write_checkpoint(u, e) != 0)
        return -1;
    if (same_boot && !ahead)
        u->data.hasher = u->state.checkpoint;
    return upload_data_catch_up(&u->data, e);
}

int upload_acquire(struct uploads *uploads, struct str id, struct str repository, struct str owner, struct upload **out,
                   struct err *e)
{
    struct upload *u;
    struct upload_slot *slot;
    int rc;

    if (!upload_id_valid(id))
        return unknown(id, e);
    u = upload_new(uploads);
    memcpy(u->id, id.p, UPLOAD_ID_LENGTH);
    slot = upload_slot_of(uploads, u->id);
    pthread_mutex_lock(&slot->lock);
    rc = claim(u, slot, repository, owner, e);
    pthread_mutex_unlock(&slot->lock);
    if (rc != 0) {
        free(u);
        return -1;
    }
    if (resume_hash(u, e) != 0) {
        err_wrap(e, "upload %s", u->id);
        upload_let_go(u);
        return -1;
    }
    u->held_from = u->data.hasher;
    *out = u;
    return 0;
}

static int idle_offset(struct uploads *uploads, struct str id, struct str repository, struct str owner,
                       uint64_t *offset, struct err *e)
{
    char name[UPLOAD_ID_LENGTH + 1];
    struct upload_state state;
    struct stat st = {0};

    if (read_idle(uploads, id, repository, owner, &state, e) != 0)
        return -1;
    memcpy(name, id.p, UPLOAD_ID_LENGTH);
    name[UPLOAD_ID_LENGTH] = '\0';
    if (fstatat(uploads->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
        return err_errno(e, "upload %s", name);
    *offset = (uint64_t)st.st_size;
    return 0;
}

int upload_status(struct uploads *uploads, struct str id, struct str repository, struct str owner, uint64_t *offset,
                  struct err *e)
{
    const struct upload *u;
    struct upload_slot *slot;
    int rc = 0;

    if (!upload_id_valid(id))
        return unknown(id, e);
    slot = upload_slot_of(uploads, id.p);
    pthread_mutex_lock(&slot->lock);
    u = upload_slot_find(slot, id.p);
    if (u == NULL)
        rc = idle_offset(uploads, id, repository, owner, offset, e);
    else if (!belongs(&u->state, repository, owner))
        rc = unknown(id, e);
    else
        *offset = upload_offset(u);
    pthread_mutex_unlock(&slot->lock);
    return rc;
}

/* ---- while held ---- */

const char *upload_id(const struct upload *u)
{
    return u->id;
}

uint64_t upload_offset(const struct upload *u)
{
    return atomic_load(&u->data.length);
}

int upload_append(struct upload *u, const struct iovec *spans, int n, struct err *e)
{
    uint64_t bytes = 0;

    for (int i = 0; i < n; i++)
        bytes += spans[i].iov_len;
    if (uploads_reserve(u->uploads, bytes, e) == 0 && upload_data_append(&u->data, spans, n, e) == 0)
        return 0;
    return err_wrap(e, "upload %s", u->id);
}

int upload_rewind(struct upload *u, struct err *e)
{
    return upload_data_rewind(&u->data, &u->held_from, e) == 0 ? 0 : err_wrap(e, "upload %s", u->id);
}

static bool checkpoint_due(const struct upload *u)
{
    return hasher_length(&u->data.hasher) != hasher_length(&u->state.checkpoint) ||
           memcmp(u->state.boot, u->uploads->boot, UPLOAD_BOOT_LENGTH) != 0;
}

void upload_release(struct upload **upload)
{
    struct upload *u = *upload;
    struct err err;

    *upload = NULL;
    if (u == NULL)
        return;
    if (checkpoint_due(u) && write_checkpoint(u, &err) != 0)
        log_warn("upload %s; the next request to it hashes more bytes again", err.text);
    upload_let_go(u);
}
