/*
 * One file from a data directory into another without a second copy of its bytes, where that is possible.
 *
 *   a hard link         one file, two names. Not across file systems; not where the file system has none; and not where
 *                       the kernel refuses it, because the file is somebody else's (fs.protected_hardlinks) and we are
 *                       without CAP_FOWNER. Not of a file that who serves it may not read: a link shares its mode
 *   a clone             a file of its own that shares the blocks, where the file system can (FICLONE)
 *   a copy              across file systems; for a file that has as many links as it may; or when it is asked for
 *
 * Where neither link nor clone can be had on one and the same file system nobody is to find terabytes copied: that is an
 * error which says what to do.
 *
 * What stands under its name in the destination is whole and, but for links, synced; the directory is not.
 *
 * Thread: a struct carrier belongs to one thread, which blocks.
 */
#ifndef BERTH_STORAGE_CARRY_H
#define BERTH_STORAGE_CARRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "storage/digest.h"

enum carried { CARRIED_LINKED, CARRIED_CLONED, CARRIED_COPIED };

struct carrier_options {
    const char
        *workshop; /* a directory on the file system of the destination, for files in the making: made, removed */
    bool copies;   /* no hard links, and copies are fine */
    bool serves;   /* this user is to read what comes, by its mode */
    mode_t mode;   /* of files that are made, not linked */
    struct interrupt interrupt;
};

struct carrier {
    struct carrier_options options;
    int workshop;
    uint64_t serial;     /* names of files in the workshop */
    bool elsewhere;      /* the destination is on another file system */
    const char *why_not; /* no link was made of the last that has none: a phrase, or NULL */
};

int carrier_open(struct carrier *carrier, const struct carrier_options *options, struct err *e);
void carrier_close(struct carrier *carrier);

struct carry {
    int from;
    const char *from_name;
    const struct stat *st;       /* of what was looked at: another file is not taken */
    const struct digest *digest; /* what is copied is compared with it on the way; NULL: with nothing */
    bool verify;                 /* what is cloned is, too, which has to be read for that */
    int to;
    const char *to_name; /* what stands there is replaced */
};
/* 0 with *how. 1: the source is at fault, and `e` says why. -1: the destination is, or interrupted. */
int carry(struct carrier *carrier, const struct carry *what, enum carried *how, struct err *e);

#endif
