/*
 * What an authority has issued, and what of it is revoked: the file "issued" in its directory, one line per
 * certificate.
 *
 * Whoever issues or revokes holds the lock of the directory from reading to writing, so that two commands at a time do
 * not forget each other's work. A certificate is written down, durably, before it is handed out: there is none that
 * could not be found to be revoked.
 *
 * Thread: one; other processes are kept out by the lock.
 */
#ifndef BERTH_TOOLS_CA_CA_INDEX_H
#define BERTH_TOOLS_CA_CA_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "tools/certificate/certificate.h"

enum { KIND_ROOM = 12, REASON_ROOM = 24 };

struct issued {
    char serial[SERIAL_TEXT_ROOM]; /* lower-case hexadecimal without leading zeros */
    char kind[KIND_ROOM];          /* as in struct summary */
    int64_t from, until;           /* seconds since the epoch */
    int64_t revoked;               /* likewise; 0: it is not */
    char reason[REASON_ROOM];      /* "" unless it is revoked */
    char name[HOST_ROOM];
};

struct ca_index {
    char *path;
    int lock;             /* -1: not held */
    uint64_t crl_number;  /* of the last revocation list; 0: there was none */
    struct issued *items; /* in the order of their issuing */
    size_t n;
};

enum index_access {
    INDEX_READ,
    INDEX_EDIT,
    INDEX_NEW, /* as INDEX_EDIT, but begin with nothing, whatever is there: the caller has put it aside, or will */
};

/* Read the index; no file is an empty one, but an empty file is damage. INDEX_EDIT locks it first and waits for others,
 * ten seconds at most: then ERR_BUSY. NULL on failure: ERR_INVALID names the line that is damaged. */
struct ca_index *ca_index_open(const char *directory, enum index_access access, struct err *e);
void ca_index_close(struct ca_index **index);

/* Write down a certificate, in memory. It is valid until the next call. NULL, with ERR_INVALID, for what could not be
 * read again from its line. */
struct issued *ca_index_add(struct ca_index *index, const struct summary *summary, struct err *e);
/* NULL when there is none with that serial number. */
struct issued *ca_index_find(const struct ca_index *index, const char *serial);
/* Make what is in memory durable. */
int ca_index_save(const struct ca_index *index, struct err *e);

#endif
