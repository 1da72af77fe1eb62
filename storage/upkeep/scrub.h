/*
 * Scrubbing: reads every blob again and compares what it has with its digest and its record, while pushes and pulls go
 * on.
 *
 * A file with other bytes than its digest, of another length than its record, or that the disk cannot read, is moved to
 * <root>/quarantine/: nobody is served it any more, whoever asks for it is told that the blob is absent, and so the next
 * push brings it again. Nothing is ever deleted. A missing file is only reported. needs.h tells who needs the blob.
 *
 * Not taken for damage: a mismatch that is not there when the bytes are read a second time, from the disk; a file that
 * was pushed again meanwhile; a lack of descriptors or memory, which is an error of the step, and the next step begins
 * with the same blob.
 *
 * The work is cut into steps of a few MiB, so that the caller sets the pace. What clients have in the page cache stays
 * there, and what was not there does not come in.
 *
 * Thread: a struct scrub belongs to one thread, which blocks in every step. Several may run side by side.
 */
#ifndef BERTH_STORAGE_SCRUB_H
#define BERTH_STORAGE_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "storage/store.h"

struct scrub;

enum { SCRUB_STEP_BYTES = 4 * 1024 * 1024 }; /* read in one step, at most */

enum scrub_flaw {
    SCRUB_MISSING,    /* there is no file */
    SCRUB_LENGTH,     /* it is shorter or longer than its record says */
    SCRUB_CONTENT,    /* its bytes have another digest */
    SCRUB_UNREADABLE, /* it is no file, or the disk cannot read it */
};

struct scrub_finding {
    struct digest digest;
    enum scrub_flaw flaw;
    uint64_t size;                   /* bytes, by the record */
    char where[BLOB_QUARANTINE_MAX]; /* where the file is now, below <root>; empty: it was not moved */
    struct err problem; /* why it could not be moved; code ERR_NONE: there was nothing to move, or it was */
};

struct scrub_options {
    bool dry_run; /* nothing is moved */
    /* Look only at blobs whose share of `shares` is number `share`, so that several threads divide the work. 0 shares:
     * at all. */
    unsigned share;
    unsigned shares;
    void (*finding)(const struct scrub_finding *finding, void *arg); /* or NULL */
    void *arg;
};

/* What steps did. */
struct scrub_count {
    uint64_t blobs; /* looked at */
    uint64_t bytes; /* read */
    uint64_t missing;
    uint64_t damaged;
};

/* `store` outlives the scrub. */
struct scrub *scrub_new(const struct store *store, const struct scrub_options *options, struct err *e);
void scrub_free(struct scrub **scrub);

/* One step. Adds to `count`. *more is false when the walk has come to its end; the next step begins another. */
int scrub_step(struct scrub *scrub, struct scrub_count *count, bool *more, struct err *e);

/* The blob up to which all were looked at; false: none yet. */
bool scrub_place(const struct scrub *scrub, struct digest *place);
/* Go on behind `place`. */
void scrub_resume(struct scrub *scrub, const struct digest *place);

/* "its file is missing" */
const char *scrub_flaw_text(enum scrub_flaw flaw);

#endif
