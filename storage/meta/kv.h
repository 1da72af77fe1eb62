/*
 * Ordered tables of byte strings that survive power loss: the room's only door to LMDB (meta_lmdb.c).
 *
 * A transaction remembers its first error. From then on every function here that takes it does nothing and answers
 * "absent", so that call sites need no checks of their own; kv_status() at the end says whether what was read and
 * written can be believed.
 *
 * Slices that come out of a transaction point into the map. A reader's die at kv_read_done(), a writer's at the next
 * kv_put() or kv_del().
 *
 * Thread: one thread writes (begin, use and commit on the same one). A reader belongs to one thread. Locks, in the
 * order in which they are taken:
 *   1. the list of readers   kv_reader_new(), kv_reader_free(), kv_grow()
 *   2. each reader's own     from kv_read() to kv_read_done(), and all of them in kv_grow()
 * and before both of them, so that nobody who reads waits for a copy:
 *   0. copying               kv_copy(), kv_grow()
 * Between kv_read() and kv_read_done() a thread must therefore not wait for the writing thread: it may be growing the
 * map.
 */
#ifndef BERTH_STORAGE_KV_H
#define BERTH_STORAGE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* What each holds is written in meta_record.h. */
enum kv_table {
    KV_INFO,
    KV_REPOS,
    KV_NAMES,
    KV_CATALOG,
    KV_BLOBS,
    KV_MEMBERS,
    KV_HOLDERS,
    KV_MANIFESTS,
    KV_TAGS,
    KV_MANIFEST_TAGS,
    KV_REFS,
    KV_REFERRERS,
    KV_IDLE,
    KV_LOOSE,
    KV_USAGE,
    KV_EVENTS,
    KV_TAG_EVENTS,
    KV_RECALLABLE,
    KV_REMOVED,
    KV_PULLS,
    KV_OUTBOX,
    KV_TABLES,
};

enum { KV_KEY_MAX = 511 }; /* bytes; LMDB's own limit */

/* Address space asked for first, and the least that opening settles for when the system refuses more. */
#define KV_MAP_DEFAULT  (UINT64_C(64) << 30)
#define KV_MAP_SMALLEST (UINT64_C(256) << 20)

struct kv;
struct meta_reader;
struct meta_txn;

/* Opens or creates `directory` with a map of `map_bytes` (less, down to KV_MAP_SMALLEST, when that much address space
 * is not to be had), and clears away readers that a killed process left behind. Once per directory and process. Blocks.
 */
struct kv *kv_open(const char *directory, uint64_t map_bytes, struct err *e);
/* All readers are freed and no transaction is open. */
void kv_close(struct kv **kv);

/* Size of the map in bytes. */
uint64_t kv_map_bytes(const struct kv *kv);
/* Number of the last durable transaction; it grows by one with each commit that changed something. */
uint64_t kv_last_commit(const struct kv *kv);
/* Double the map. Waits until no reader is between kv_read() and kv_read_done(); no transaction may be open for
 * writing. On failure the map is as it was. */
int kv_grow(struct kv *kv, struct err *e);

/* Write all tables as they are now to the empty file `fd`, without pages that are free: a file that kv_open_copy()
 * reads and that kv_open() finds as data.mdb in its directory. Others read and write meanwhile; only growth waits. The
 * file is not synced. Blocks. */
int kv_copy(struct kv *kv, int fd, struct err *e);
/* Open such a file for reading only: nothing is written to it or made beside it. A table that it does not have, being
 * of an older schema, is empty. It is read by way of memory: a file that is cut short or cannot be read meanwhile ends
 * the program, so its digest is looked at before, and a server does not do this. */
struct kv *kv_open_copy(const char *path, struct err *e);

struct meta_reader *kv_reader_new(struct kv *kv, struct err *e);
void kv_reader_free(struct meta_reader **reader);
/* A snapshot of the last commit; NULL on failure. */
struct meta_txn *kv_read(struct meta_reader *reader, struct err *e);
void kv_read_done(struct meta_reader *reader);

/* The transaction for writing; NULL on failure. It ends with kv_commit() or kv_abort(). */
struct meta_txn *kv_write(struct kv *kv, struct err *e);
/* Durable when it returns 0. On failure nothing of it happened. */
int kv_commit(struct meta_txn *txn, struct err *e);
void kv_abort(struct meta_txn *txn);

/* 0, or -1 and the transaction's first error. */
int kv_status(const struct meta_txn *txn, struct err *e);
/* Was that error a full map? Still answered after kv_commit() and kv_abort(). */
bool kv_map_full(const struct meta_txn *txn);
/* Was it damage? Answered as long. */
bool kv_met_damage(const struct meta_txn *txn);
/* Was anything put or deleted since the last kv_mark()? */
bool kv_wrote(const struct meta_txn *txn);
void kv_mark(struct meta_txn *txn);
/* Record that a value of `table` does not decode, as the transaction's error. Returns false. */
bool kv_damaged(struct meta_txn *txn, enum kv_table table);

/* How much there is of a table: its pages in bytes, with what is free within them. */
struct kv_size {
    uint64_t entries;
    uint64_t bytes;
};
struct kv_size kv_size(struct meta_txn *txn, enum kv_table table);
/* As meta_record.h calls it. */
const char *kv_table_name(enum kv_table table);

bool kv_get(struct meta_txn *txn, enum kv_table table, struct str key, struct str *value);
bool kv_has(struct meta_txn *txn, enum kv_table table, struct str key);
/* Insert or replace. */
void kv_put(struct meta_txn *txn, enum kv_table table, struct str key, struct str value);
/* Insert behind the last key, which is smaller: pages are filled, where kv_put() leaves half of them free. */
void kv_append(struct meta_txn *txn, enum kv_table table, struct str key, struct str value);
/* Returns whether it was there. */
bool kv_del(struct meta_txn *txn, enum kv_table table, struct str key);
/* Delete all that is in a table; its pages come free without a look at what is on them. */
void kv_clear(struct meta_txn *txn, enum kv_table table);

/* The last key, borrowed; false when the table is empty. */
bool kv_last(struct meta_txn *txn, enum kv_table table, struct str *key);

/* A walk in byte order over the keys that start with `prefix` and come after `after` (a whole key; empty: from the
 * first). Both slices stay alive until kv_walk_end(). The table is not changed meanwhile. */
struct kv_walk {
    struct meta_txn *txn;
    enum kv_table table;
    struct str prefix;
    struct str after;
    void *cursor; /* NULL after an error, or without such a table */
    bool started;
    bool inclusive; /* an entry that is `after` itself counts */
    struct str key; /* of the entry that kv_walk_next() came to */
    struct str value;
};

void kv_walk_begin(struct kv_walk *walk, struct meta_txn *txn, enum kv_table table, struct str prefix,
                   struct str after);
/* On to the next entry; false at the end. */
bool kv_walk_next(struct kv_walk *walk);
/* The next entry is the first one from `key` on, which stays alive until kv_walk_next(). */
void kv_walk_seek(struct kv_walk *walk, struct str key);
void kv_walk_end(struct kv_walk *walk);

#endif
