/*
 * What is to be told others: records that are appended in the very change they speak of, and so are exactly as durable,
 * without a write of their own. Their bytes are their author's (registry/events/). Readers have names; each has a place,
 * the number of the first record that it has not had.
 *
 *   a change ── outbox_put() ──▶ outbox ── meta_outbox_read() ──▶ a reader ── outbox_place_put() ──▶ its place
 *                                  └──── outbox_drop(): those that nobody waits for, or the oldest where it is too long
 *
 * Numbers are given out by the author, who is one; they only grow, and may leave gaps.
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_OUTBOX_H
#define BERTH_STORAGE_META_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"

enum { OUTBOX_NAME_MAX = 255 }; /* bytes of a reader's name */

/* ---- in a change ---- */

/* Append; the number is above all that were put before. Errors are the transaction's, which the change hears of in any case. */
void outbox_put(struct meta_txn *txn, uint64_t number, struct str bytes);
/* Remember where a reader has come to. */
void outbox_place_put(struct meta_txn *txn, struct str reader, uint64_t place);
/* Remove at most `limit` of the records below `before`, the oldest first. Returns how many. */
size_t outbox_drop(struct meta_txn *txn, uint64_t before, size_t limit);

/* Begin, or go on: `places` gets the place of each of `n` readers, the end of the queue for a new one; those of others
 * are forgotten. *next: the number for the next record. *number: the queue's own, drawn when it was empty of all. */
int outbox_begin(struct meta_txn *txn, const struct str *readers, size_t n, uint64_t *places, uint64_t *next,
                 uint64_t *number, struct err *e);

/* ---- in a snapshot or a change ---- */

/* Calls `item` for records from number `from` on, the oldest first, until it returns false or there are no more. The
 * bytes are borrowed. */
typedef bool outbox_item(uint64_t number, struct str bytes, void *arg);
int meta_outbox_read(struct meta_txn *txn, uint64_t from, outbox_item *item, void *arg, struct err *e);

/* Bytes of the pages that it takes. */
uint64_t meta_outbox_bytes(struct meta_txn *txn);
/* Is there anything at all? */
bool meta_outbox_used(struct meta_txn *txn);

/* ---- as a change of its own: waits ---- */

/* Forget everything: records, places, and the queue's number. What was to be told before a restore is not told after it. */
int meta_outbox_forget(struct meta *meta, struct err *e);

#endif
