/*
 * How a blob is judged:
 *
 *   open ─▶ length ─▶ hash, piece by piece ─▶ digest ─▶ sound
 *     │        │              │ cannot read      │ differs: either once more, from the disk; still: damaged
 *     └────────┴──────────────┴──────────────────┴─▶ claim ─▶ the same file still? ─▶ quarantine ─▶ finding
 *
 * Files are hashed without a claim (pin.h), because that takes long and pushes wait for claims. So a claim comes last,
 * and under it the file that is there must be the one that was judged: otherwise somebody pushed it again, which
 * verified it.
 */
#include "storage/upkeep/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "storage/meta/meta_walk.h"

enum {
    STEP_BLOBS = 64,
    PIECE_BYTES = 1024 * 1024,
};

struct scrub {
    const struct store *store;
    struct scrub_options options;
    struct meta_reader *reader;
    char *piece;

    /* where the walk is: every blob up to `place` was looked at */
    bool begun;
    struct digest place;

    /* the blob under way */
    bool has_blob;
    struct blob_entry blob;
    int fd; /* -1: not open */
    struct stat opened;
    struct hasher hasher;
    bool again; /* it differed, and is read a second time */

    /* of a step */
    struct scrub_count *count;
    uint64_t read;
    unsigned blobs;
};

const char *scrub_flaw_text(enum scrub_flaw flaw)
{
    static const char *const texts[] = {
        [SCRUB_MISSING] = "its file is missing",
        [SCRUB_LENGTH] = "its file has the wrong length",
        [SCRUB_CONTENT] = "its bytes have another digest",
        [SCRUB_UNREADABLE] = "its file cannot be read",
    };

    return texts[flaw];
}

struct scrub *scrub_new(const struct store *store, const struct scrub_options *options, struct err *e)
{
    struct scrub *scrub = xcalloc(1, sizeof(*scrub));

    scrub->store = store;
    scrub->options = *options;
    scrub->fd = -1;
    scrub->piece = xmalloc(PIECE_BYTES);
    scrub->reader = meta_reader_new(store->meta, e);
    if (scrub->reader == NULL)
        scrub_free(&scrub);
    return scrub;
}

static void close_file(struct scrub *scrub)
{
    if (scrub->fd >= 0)
        close(scrub->fd);
    scrub->fd = -1;
}

void scrub_free(struct scrub **scrub)
{
    if (*scrub == NULL)
        return;
    close_file(*scrub);
    meta_reader_free(&(*scrub)->reader);
    free((*scrub)->piece);
    free(*scrub);
    *scrub = NULL;
}

bool scrub_place(const struct scrub *scrub, struct digest *place)
{
    *place = scrub->place;
    return scrub->begun;
}

void scrub_resume(struct scrub *scrub, const struct digest *place)
{
    close_file(scrub);
    scrub->has_blob = false;
    scrub->begun = true;
    scrub->place = *place;
}

/* ---- the end of a blob ---- */

static void next_blob(struct scrub *scrub)
{
    close_file(scrub);
    scrub->begun = true;
    scrub->place = scrub->blob.digest;
    scrub->has_blob = scrub->again = false;
    scrub->count->blobs++;
    scrub->blobs++;
}

/* Is what is there now what was judged? The blob is claimed. 0: no; -1: cannot tell. */
static int still_bad(struct scrub *scrub, enum scrub_flaw flaw, struct err *e)
{
    struct stat now;
    uint64_t size;
    int fd, rc;

    rc = blob_open(scrub->store->blobs, &scrub->blob.digest, &fd, &size, e);
    if (rc != 0 && e->code == ERR_NOT_FOUND)
        return flaw == SCRUB_MISSING;
    if (rc != 0)
        return e->code == ERR_DAMAGED ? flaw == SCRUB_UNREADABLE : -1;
    rc = fstat(fd, &now) == 0 ? 0 : err_errno(e, "fstat");
    close(fd);
    return rc != 0 ? -1 : scrub->fd >= 0 && now.st_dev == scrub->opened.st_dev && now.st_ino == scrub->opened.st_ino;
}

static void report(struct scrub *scrub, enum scrub_flaw flaw)
{
    struct scrub_finding finding = {.digest = scrub->blob.digest, .flaw = flaw, .size = scrub->blob.size};

    if (flaw == SCRUB_MISSING)
        scrub->count->missing++;
    else
        scrub->count->damaged++;
    if (flaw != SCRUB_MISSING && !scrub->options.dry_run &&
        blob_quarantine(scrub->store->blobs, &finding.digest, finding.where, &finding.problem) != 0)
        finding.where[0] = '\0';
    if (scrub->options.finding != NULL)
        scrub->options.finding(&finding, scrub->options.arg);
}

/* Is there still a record of it? Swept meanwhile, it is nobody's any more. */
static int still_known(struct scrub *scrub, bool *known, struct err *e)
{
    struct meta_txn *txn = meta_read(scrub->reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_blob_known(txn, &scrub->blob.digest, known, e);
    meta_done(scrub->reader);
    return rc;
}

static int settle(struct scrub *scrub, enum scrub_flaw flaw, struct err *e)
{
    struct pin pin = {0};
    bool known = false;
    int bad = 0, rc;

    /* Taken: it is being pushed, which repairs it, or swept. */
    if (!pin_claim(scrub->store->pins, &pin, &scrub->blob.digest)) {
        next_blob(scrub);
        return 0;
    }
    rc = still_known(scrub, &known, e);
    if (rc == 0 && known)
        bad = still_bad(scrub, flaw, e);
    if (bad == 1)
        report(scrub, flaw);
    pin_drop(scrub->store->pins, &pin);
    if (rc != 0 || bad < 0)
        return -1;
    next_blob(scrub);
    return 0;
}

/* ---- reading ---- */

static int begin_reading(struct scrub *scrub, struct err *e)
{
    const struct digest *d = &scrub->blob.digest;
    struct err why = {0};
    uint64_t size;

    if (blob_open(scrub->store->blobs, d, &scrub->fd, &size, &why) != 0) {
        if (why.code == ERR_NOT_FOUND)
            return settle(scrub, SCRUB_MISSING, e);
        if (why.code == ERR_DAMAGED)
            return settle(scrub, SCRUB_UNREADABLE, e);
        return err_set(e, why.code, "%s", why.text);
    }
    if (fstat(scrub->fd, &scrub->opened) != 0) {
        err_errno(e, "fstat");
        close_file(scrub);
        return -1;
    }
    if (size != scrub->blob.size)
        return settle(scrub, SCRUB_LENGTH, e);
    /* No read-ahead: then bytes that come without waiting are ones that clients brought into the cache. */
    posix_fadvise(scrub->fd, 0, 0, POSIX_FADV_RANDOM);
    if (scrub->again)
        posix_fadvise(scrub->fd, 0, 0, POSIX_FADV_DONTNEED);
    hasher_init(&scrub->hasher, d->alg);
    return 0;
}

/* Bytes read, 0 at the end of the file, -1 with errno. What was not in the page cache is let go again. */
static ssize_t read_piece(struct scrub *scrub, off_t at)
{
    struct iovec span = {scrub->piece, PIECE_BYTES};
    ssize_t n = preadv2(scrub->fd, &span, 1, at, RWF_NOWAIT);

    if (n > 0)
        return n;
    do {
        n = pread(scrub->fd, scrub->piece, PIECE_BYTES, at);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        posix_fadvise(scrub->fd, at, n, POSIX_FADV_DONTNEED);
    return n;
}

/* From its start, in case it was a bus or a bit of memory that failed. */
static int read_again(struct scrub *scrub)
{
    scrub->again = true;
    close_file(scrub);
    return 0;
}

static int judge_content(struct scrub *scrub, struct err *e)
{
    struct digest found;

    if (hasher_length(&scrub->hasher) != scrub->blob.size)
        return settle(scrub, SCRUB_LENGTH, e);
    hasher_digest(&scrub->hasher, &found);
    if (digest_equal(&found, &scrub->blob.digest)) {
        next_blob(scrub);
        return 0;
    }
    return scrub->again ? settle(scrub, SCRUB_CONTENT, e) : read_again(scrub);
}

static int read_on(struct scrub *scrub, struct err *e)
{
    ssize_t n = read_piece(scrub, (off_t)hasher_length(&scrub->hasher));

    if (n < 0 && blob_errno_damaged(errno))
        return scrub->again ? settle(scrub, SCRUB_UNREADABLE, e) : read_again(scrub);
    if (n < 0)
        return err_errno(e, "read");
    if (n == 0)
        return judge_content(scrub, e);
    hasher_update(&scrub->hasher, scrub->piece, (size_t)n);
    scrub->read += (uint64_t)n;
    scrub->count->bytes += (uint64_t)n;
    return 0;
}

/* ---- steps ---- */

static bool is_mine(const struct scrub *scrub, const struct digest *d)
{
    return scrub->options.shares == 0 || d->raw[0] % scrub->options.shares == scrub->options.share;
}

/* Find the next blob of this scrub; *more is false when there is none. */
static int find_blob(struct scrub *scrub, bool *more, struct err *e)
{
    struct meta_txn *txn = meta_read(scrub->reader, e);
    int rc = 0;

    if (txn == NULL)
        return -1;
    *more = true;
    while (rc == 0 && *more && !scrub->has_blob && scrub->blobs < STEP_BLOBS) {
        rc = meta_blob_after(txn, scrub->begun ? &scrub->place : NULL, &scrub->blob, more, e);
        if (rc != 0 || !*more)
            break;
        scrub->has_blob = is_mine(scrub, &scrub->blob.digest);
        if (!scrub->has_blob) {
            scrub->begun = true;
            scrub->place = scrub->blob.digest;
        }
    }
    meta_done(scrub->reader);
    return rc;
}

static int go_on(struct scrub *scrub, bool *more, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc;

    if (!scrub->has_blob)
        return find_blob(scrub, more, e);
    rc = scrub->fd < 0 ? begin_reading(scrub, e) : read_on(scrub, e);
    if (rc == 0)
        return 0;
    close_file(scrub); /* from its start in the next step */
    digest_format(&scrub->blob.digest, text);
    return err_wrap(e, "scrub: blob %s", text);
}

int scrub_step(struct scrub *scrub, struct scrub_count *count, bool *more, struct err *e)
{
    int rc = 0;

    scrub->count = count;
    scrub->read = 0;
    scrub->blobs = 0;
    *more = true;
    while (rc == 0 && *more && scrub->read < SCRUB_STEP_BYTES && scrub->blobs < STEP_BLOBS)
        rc = go_on(scrub, more, e);
    if (!*more)
        scrub->begun = false;
    return rc;
}
