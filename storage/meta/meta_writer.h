/*
 * Group commit: one thread that makes many queued changes durable with one commit.
 *
 * It takes what is queued (at most WRITER_BATCH changes), applies one after the other in one transaction, commits, and
 * calls each change's `done`. While it waits for the disk, the next batch gathers.
 *
 * A change is its own affair as far as the others go:
 *   it fails and has written nothing    it hears its error, the batch goes on
 *   it fails and has written            the transaction is given up, the others are applied again without it
 *   the map is full                     the transaction is given up, the map doubled, all are applied again
 *   the commit fails                    nothing happened: all of the batch hear the error
 *
 * Thread: writer_submit() from any thread; `apply` and `done` run on the writer's.
 */
#ifndef BERTH_STORAGE_META_WRITER_H
#define BERTH_STORAGE_META_WRITER_H

#include "registry/base/err.h"
#include "storage/meta/commit_counts.h"
#include "storage/meta/kv.h"
#include "storage/meta/meta.h"

enum { WRITER_BATCH = 256 };

struct writer;

/* `kv` outlives the writer. */
struct writer *writer_start(struct kv *kv, struct err *e);
/* Finishes what is queued, then ends the thread. Nothing is submitted any more. */
void writer_stop(struct writer **writer);
/* The change is the writer's until `done` is called. */
void writer_submit(struct writer *writer, struct meta_change *change);
/* Changes that no transaction has taken yet. Any thread. */
size_t writer_waiting(const struct writer *writer);
/* As meta_commits(). */
const struct commit_counts *writer_counts(const struct writer *writer);

#endif
