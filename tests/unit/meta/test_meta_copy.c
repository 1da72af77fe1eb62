#include "storage/meta/meta_copy.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/meta/meta_lmdb.h"
#include "tests/unit/meta/meta_fixture.h"

static char copy_path[PATH_MAX];

static void world_begin(struct world *w, uint64_t map_bytes)
{
    char directory[PATH_MAX];

    snprintf(copy_path, sizeof(copy_path), "%s", test_dir());
    snprintf(directory, sizeof(directory), "%.900s/meta", copy_path);
    strcat(copy_path, "/copy.mdb");
    world_open_sized(w, directory, map_bytes);
}

struct seen {
    size_t count;
    uint64_t bytes;
    struct digest last;
    bool ordered;
    size_t stop_at;
};

static int see(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct seen *s = arg;
    uint8_t before[DIGEST_KEY_MAX], now[DIGEST_KEY_MAX];

    if (s->count > 0) {
        size_t n = digest_to_key(&s->last, before);

        digest_to_key(d, now);
        s->ordered = s->ordered && memcmp(before, now, n) < 0;
    }
    s->count++;
    s->bytes += size;
    s->last = *d;
    return s->count == s->stop_at ? err_set(e, ERR_RANGE, "enough") : 0;
}

static void put_many(struct world *w, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++)
        CHECK_INT(blob_put(w, "a", blob_digest(i), 3, NOW), 0);
}

TEST(copied, "a copy has what there was, reads where it lies and makes no file beside it")
{
    struct seen seen = {.ordered = true};
    struct stat before, after;
    uint32_t schema = 0;
    struct world w;
    char lock[PATH_MAX + 8];

    world_begin(&w, KV_MAP_DEFAULT);
    put_many(&w, 0, 100);
    CHECK_INT(meta_copy(w.meta, copy_path, &w.err), 0);
    put_many(&w, 100, 10);
    CHECK_INT(stat(copy_path, &before), 0);
    CHECK_INT(before.st_mode & 0777, 0600);
    CHECK_INT(meta_copy_walk(copy_path, see, &seen, &schema, &w.err), 0);
    CHECK_INT(schema, META_SCHEMA);
    CHECK_INT(seen.count, 100);
    CHECK_INT(seen.bytes, 300);
    CHECK(seen.ordered);
    CHECK_INT(stat(copy_path, &after), 0);
    CHECK_INT(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    snprintf(lock, sizeof(lock), "%s-lock", copy_path);
    CHECK(access(lock, F_OK) != 0);
    world_close(&w);
}

TEST(walked, "a walk over the records sees them all, in order, however many there are")
{
    struct seen seen = {.ordered = true};
    struct world w;

    world_begin(&w, KV_MAP_DEFAULT);
    put_many(&w, 0, 2500);
    CHECK_INT(meta_blobs_each(w.meta, see, &seen, &w.err), 0);
    CHECK_INT(seen.count, 2500);
    CHECK(seen.ordered);
    seen = (struct seen){.stop_at = 1500};
    CHECK_INT(meta_blobs_each(w.meta, see, &seen, &w.err), -1);
    CHECK_TEXT(w.err.text, "enough");
    CHECK_INT(seen.count, 1500);
    world_close(&w);
}

static int put_while_walking(const struct digest *d, uint64_t size, void *arg, struct err *e)
{
    struct world *w = arg;

    (void)d;
    (void)size;
    (void)e;
    return w->meta == NULL ? -1 : blob_put(w, "b", blob_digest(1), 3, NOW);
}

TEST(unheld, "whoever walks may wait for changes meanwhile")
{
    struct world w;

    world_begin(&w, KV_MAP_DEFAULT);
    put_many(&w, 0, 10);
    CHECK_INT(meta_blobs_each(w.meta, put_while_walking, &w, &w.err), 0);
    world_close(&w);
}

TEST(there_already, "a copy is never written over a file")
{
    struct world w;

    world_begin(&w, KV_MAP_DEFAULT);
    CHECK_INT(meta_copy(w.meta, copy_path, &w.err), 0);
    CHECK_INT(meta_copy(w.meta, copy_path, &w.err), -1);
    CHECK_INT(w.err.code, ERR_EXISTS);
    world_close(&w);
}

TEST(older, "tables that a copy does not have are empty, and a copy that is not there is named")
{
    struct meta_reader *reader;
    struct seen seen = {0};
    struct meta_txn *txn;
    struct kv_walk walk;
    struct str value;
    uint32_t schema;
    struct world w;
    struct kv *kv;

    world_begin(&w, KV_MAP_DEFAULT);
    CHECK_INT(meta_copy(w.meta, copy_path, &w.err), 0);
    kv = kv_open_copy(copy_path, &w.err);
    CHECK(kv != NULL);
    kv->tables[KV_PULLS] = KV_ABSENT; /* as in one of an older schema */
    reader = kv_reader_new(kv, &w.err);
    txn = kv_read(reader, &w.err);
    CHECK(!kv_get(txn, KV_PULLS, STR("x"), &value));
    kv_walk_begin(&walk, txn, KV_PULLS, (struct str){0}, (struct str){0});
    CHECK(!kv_walk_next(&walk));
    kv_walk_end(&walk);
    CHECK_INT(kv_status(txn, &w.err), 0);
    kv_read_done(reader);
    kv_reader_free(&reader);
    kv_close(&kv);
    CHECK_INT(meta_copy_walk("/nonexistent/copy.mdb", see, &seen, &schema, &w.err), -1);
    CHECK_TEXT(w.err.text, "/nonexistent/copy.mdb: metadata: open a copy: No such file or directory");
    world_close(&w);
}

/* ---- with a writer beside it ---- */

struct writer_beside {
    struct world *w;
    atomic_bool stop;
    atomic_uint written;
};

static void *write_on(void *arg)
{
    struct writer_beside *beside = arg;

    for (unsigned i = 1000; !beside->stop; i++) {
        if (blob_put(beside->w, "a", blob_digest(i), 3, NOW) != 0)
            return beside;
        beside->written++;
    }
    return NULL;
}

TEST(beside, "copies are whole while changes go on and the map grows, and changes go on while copies are made")
{
    struct writer_beside beside = {0};
    size_t before = 0;
    pthread_t thread;
    void *failed;
    struct world w;

    world_begin(&w, 256 * 1024);
    put_many(&w, 0, 200);
    beside.w = &w;
    CHECK_INT(pthread_create(&thread, NULL, write_on, &beside), 0);
    for (int i = 0; i < 30; i++) {
        struct seen seen = {.ordered = true};
        uint32_t schema;
        struct err e;

        unlink(copy_path);
        if (meta_copy(w.meta, copy_path, &e) != 0 || meta_copy_walk(copy_path, see, &seen, &schema, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
        CHECK(seen.count >= 200 && seen.count >= before && seen.ordered);
        before = seen.count;
    }
    while (kv_map_bytes(meta_kv(w.meta)) <= 256 * 1024)
        usleep(1000);
    beside.stop = true;
    pthread_join(thread, &failed);
    CHECK(failed == NULL);
    CHECK(beside.written > 0);
    world_close(&w);
}
