#include "storage/meta/meta.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "storage/meta/kv.h"
#include "storage/meta/meta_internal.h"
#include "storage/meta/meta_record.h"
#include "storage/meta/meta_writer.h"

struct meta {
    struct kv *kv;
    struct writer *writer;
};

/* ---- schema ---- */

enum { SCHEMA_OLDEST = 1 }; /* that can be brought up to META_SCHEMA */

static void write_schema(struct meta_txn *txn)
{
    char version[4];

    u32_encode(META_SCHEMA, version);
    kv_put(txn, KV_INFO, STR("schema"), (struct str){version, sizeof(version)});
}

static int check_schema(struct meta_txn *txn, uint32_t version, struct err *e)
{
    if (kv_status(txn, e) != 0)
        return -1;
    if (version >= SCHEMA_OLDEST && version <= META_SCHEMA)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "metadata has schema version %u and this program knows versions %d to %d; start the release of "
                   "Berth that wrote it, or a newer one",
                   version, SCHEMA_OLDEST, META_SCHEMA);
}

/* The version that is stored; that of new metadata when nothing is. */
static uint32_t read_schema(struct meta_txn *txn, bool *stored)
{
    uint32_t version = META_SCHEMA;
    struct str value;

    *stored = kv_get(txn, KV_INFO, STR("schema"), &value);
    if (*stored && !u32_decode(value, &version))
        kv_damaged(txn, KV_INFO);
    return version;
}

enum settled { SETTLED, MAP_FULL, DAMAGED, FAILED };

/* Write the schema's version into new metadata, or bring older metadata up to it; without `fills` what follows from the
 * older tables is left to a repair. */
static enum settled settle_once(struct kv *kv, bool fills, struct err *e)
{
    struct meta_txn *txn = kv_write(kv, e);
    uint32_t version;
    bool stored;

    if (txn == NULL)
        return FAILED;
    version = read_schema(txn, &stored);
    if (check_schema(txn, version, e) != 0) {
        kv_abort(txn);
        return FAILED;
    }
    if (stored && version == META_SCHEMA) {
        kv_abort(txn);
        return SETTLED;
    }
    if (version < META_SCHEMA && fills)
        meta_upgrade(txn, clock_wall_s());
    write_schema(txn);
    if (kv_commit(txn, e) != 0)
        return kv_map_full(txn) ? MAP_FULL : kv_met_damage(txn) ? DAMAGED : FAILED;
    if (version < META_SCHEMA)
        log_info("metadata brought from schema version %u to %d", version, META_SCHEMA);
    return SETTLED;
}

static int settle_schema(struct kv *kv, bool repairs, struct err *e)
{
    enum settled settled = settle_once(kv, true, e);

    while (settled == MAP_FULL && kv_grow(kv, e) == 0)
        settled = settle_once(kv, true, e);
    if (settled == DAMAGED && repairs)
        settled = settle_once(kv, false, e);
    return settled == SETTLED ? 0 : -1;
}

/* ---- open and close ---- */

static struct meta *open_as(const char *directory, uint64_t map_bytes, bool repairs, struct err *e)
{
    struct meta *meta = xcalloc(1, sizeof(*meta));

    if ((meta->kv = kv_open(directory, map_bytes, e)) == NULL)
        goto free_meta;
    if (settle_schema(meta->kv, repairs, e) != 0) {
        err_wrap(e, "%s", directory);
        goto close_kv;
    }
    if ((meta->writer = writer_start(meta->kv, e)) == NULL)
        goto close_kv;
    return meta;

close_kv:
    kv_close(&meta->kv);
free_meta:
    free(meta);
    return NULL;
}

struct meta *meta_open_sized(const char *directory, uint64_t map_bytes, struct err *e)
{
    return open_as(directory, map_bytes, false, e);
}

struct meta *meta_open(const char *directory, struct err *e)
{
    return open_as(directory, KV_MAP_DEFAULT, false, e);
}

struct meta *meta_open_for_repair(const char *directory, struct err *e)
{
    return open_as(directory, KV_MAP_DEFAULT, true, e);
}

void meta_close(struct meta **meta)
{
    if (*meta == NULL)
        return;
    writer_stop(&(*meta)->writer);
    kv_close(&(*meta)->kv);
    free(*meta);
    *meta = NULL;
}

struct kv *meta_kv(struct meta *meta)
{
    return meta->kv;
}

/* ---- reading ---- */

struct meta_reader *meta_reader_new(struct meta *meta, struct err *e)
{
    return kv_reader_new(meta->kv, e);
}

void meta_reader_free(struct meta_reader **reader)
{
    kv_reader_free(reader);
}

struct meta_txn *meta_read(struct meta_reader *reader, struct err *e)
{
    return kv_read(reader, e);
}

void meta_done(struct meta_reader *reader)
{
    kv_read_done(reader);
}

/* ---- writing ---- */

void meta_submit(struct meta *meta, struct meta_change *change)
{
    writer_submit(meta->writer, change);
}

size_t meta_waiting(const struct meta *meta)
{
    return writer_waiting(meta->writer);
}

const struct commit_counts *meta_commits(const struct meta *meta)
{
    return writer_counts(meta->writer);
}

/* Stands in the queue for a change whose submitter waits. */
struct proxy {
    struct meta_change change; /* first: the writer hands it back */
    struct meta_change *real;
    pthread_mutex_t lock; /* guards `finished` */
    pthread_cond_t wake;
    bool finished;
};

static int apply_real(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct meta_change *real = ((struct proxy *)change)->real;

    return real->apply(txn, real, e);
}

static void wake_submitter(struct meta_change *change)
{
    struct proxy *p = (struct proxy *)change;

    pthread_mutex_lock(&p->lock);
    p->finished = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

int meta_write(struct meta *meta, struct meta_change *change)
{
    struct proxy p = {.change = {.apply = apply_real, .done = wake_submitter}, .real = change};

    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.wake, NULL);
    writer_submit(meta->writer, &p.change);
    pthread_mutex_lock(&p.lock);
    while (!p.finished)
        pthread_cond_wait(&p.wake, &p.lock);
    pthread_mutex_unlock(&p.lock);
    pthread_cond_destroy(&p.wake);
    pthread_mutex_destroy(&p.lock);
    change->rc = p.change.rc;
    change->err = p.change.err;
    return change->rc;
}
