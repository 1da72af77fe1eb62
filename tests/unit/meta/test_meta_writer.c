/*
 * Group commit. To know which changes share a batch, a test holds the writer in a change that waits: what is submitted
 * meanwhile is the next batch.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "storage/meta/meta_writer.h"
#include "tests/unit/meta/meta_fixture.h"

struct gate {
    struct meta_change change; /* first */
    sem_t entered;
    sem_t open;
};

static int wait_at_gate(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct gate *gate = (struct gate *)change;

    (void)txn, (void)e;
    sem_post(&gate->entered);
    sem_wait(&gate->open);
    sem_post(&gate->open);
    return 0;
}

static sem_t finished;

static void count_finished(struct meta_change *change)
{
    (void)change;
    sem_post(&finished);
}

static void close_gate(struct world *w, struct gate *gate)
{
    *gate = (struct gate){.change = {.apply = wait_at_gate, .done = count_finished}};
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
    sem_init(&finished, 0, 0);
    meta_submit(w->meta, &gate->change);
    sem_wait(&gate->entered);
}

static void submit(struct world *w, struct op *op)
{
    op->change.apply = op_apply;
    op->change.done = count_finished;
    meta_submit(w->meta, &op->change);
}

/* Let the writer go and wait for the gate and `n` changes. */
static void open_gate(struct gate *gate, size_t n)
{
    sem_post(&gate->open);
    for (size_t i = 0; i <= n; i++)
        sem_wait(&finished);
    sem_destroy(&gate->entered);
    sem_destroy(&gate->open);
    sem_destroy(&finished);
}

static struct op put_op(unsigned number)
{
    return (struct op){
        .kind = BLOB_PUT, .repository = STR("app"), .digest = blob_digest(number), .size = 1, .now = NOW};
}

static bool has(struct world *w, unsigned number)
{
    struct blob_info info;

    return blob_get(w, "app", blob_digest(number), &info) == 0;
}

TEST(one_commit, "changes that wait together become durable with one commit, and a long queue with a few")
{
    enum { FEW = 200, MANY = WRITER_BATCH * 2 + 1 };
    static struct op ops[MANY];
    struct world w;
    struct gate gate;
    uint64_t before;

    world_open(&w);
    before = kv_last_commit(meta_kv(w.meta));
    close_gate(&w, &gate);
    for (unsigned i = 0; i < FEW; i++)
        submit(&w, (ops[i] = put_op(i), &ops[i]));
    open_gate(&gate, FEW);
    CHECK_INT(kv_last_commit(meta_kv(w.meta)) - before, 1);
    close_gate(&w, &gate);
    for (unsigned i = 0; i < MANY; i++)
        submit(&w, (ops[i] = put_op(i), &ops[i]));
    open_gate(&gate, MANY);
    CHECK_INT(kv_last_commit(meta_kv(w.meta)) - before, 4);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(ops[i].change.rc == 0 && has(&w, i));
    world_close(&w);
}

TEST(counts, "batches are counted by their changes, and how long changes waited and batches took")
{
    enum { N = 5, WAIT_US = 20000 };
    struct bucket_counts waits = {0}, changes = {0}, durations = {0}, syncs = {0};
    const struct timespec wait = {0, WAIT_US * 1000L};
    const struct commit_counts *counts;
    struct op ops[N];
    struct world w;
    struct gate gate;

    world_open(&w);
    close_gate(&w, &gate);
    for (unsigned i = 0; i < N; i++)
        submit(&w, (ops[i] = put_op(i), &ops[i]));
    nanosleep(&wait, NULL);
    open_gate(&gate, N);
    counts = meta_commits(w.meta);
    buckets_read(&counts->waits, &waits);
    buckets_read(&counts->changes, &changes);
    buckets_read(&counts->durations, &durations);
    buckets_read(&counts->syncs, &syncs);
    CHECK_INT(changes.total, 2);
    CHECK_INT(changes.sum, 1 + N);
    CHECK_INT(changes.counts[0], 1); /* the gate's own */
    CHECK_INT(waits.total, 1 + N);
    CHECK(waits.sum >= (uint64_t)N * WAIT_US);
    CHECK_INT(durations.total, 2);
    CHECK(durations.sum >= WAIT_US);
    CHECK_INT(syncs.total, 2);
    CHECK(syncs.sum <= durations.sum);
    CHECK_INT(counts->failures, 0);
    world_close(&w);
}

TEST(order, "changes of one batch are applied in the order they were submitted")
{
    struct world w;
    struct gate gate;
    struct op ops[3] = {
        put_op(1), {.kind = BLOB_DELETE, .repository = STR("app"), .digest = blob_digest(1)}, put_op(1)};

    world_open(&w);
    close_gate(&w, &gate);
    for (int i = 0; i < 3; i++)
        submit(&w, &ops[i]);
    open_gate(&gate, 3);
    for (int i = 0; i < 3; i++)
        CHECK_INT(ops[i].change.rc, 0);
    CHECK(has(&w, 1));
    world_close(&w);
}

TEST(failures_stay_alone, "a change that fails, before or after writing, leaves no trace and does not harm its batch")
{
    enum { N = 30 };
    struct world w;
    struct gate gate;
    struct op ops[N];

    world_open(&w);
    for (unsigned i = 0; i < N; i++) {
        ops[i] = put_op(i);
        if (i % 3 == 1)
            ops[i].kind = SABOTAGE;
        if (i % 3 == 2)
            ops[i].kind = BLOB_DELETE;
    }
    close_gate(&w, &gate);
    for (unsigned i = 0; i < N; i++)
        submit(&w, &ops[i]);
    open_gate(&gate, N);
    for (unsigned i = 0; i < N; i++) {
        CHECK_INT(ops[i].change.rc, i % 3 == 0 ? 0 : -1);
        CHECK_INT(ops[i].change.err.code, i % 3 == 0 ? ERR_NONE : i % 3 == 1 ? ERR_RANGE : ERR_NOT_FOUND);
        CHECK_INT(has(&w, i), i % 3 == 0);
    }
    CHECK_TEXT(ops[1].change.err.text, "sabotage");
    world_close(&w);
}

TEST(judged_without_the_failed, "a change is judged without the work of one before it that failed")
{
    struct world w;
    struct gate gate;
    struct op ops[2] = {put_op(1), {.kind = BLOB_DELETE, .repository = STR("app"), .digest = blob_digest(1)}};

    world_open(&w);
    ops[0].kind = SABOTAGE;
    close_gate(&w, &gate);
    submit(&w, &ops[0]);
    submit(&w, &ops[1]);
    open_gate(&gate, 2);
    CHECK_INT(ops[0].change.err.code, ERR_RANGE);
    CHECK_INT(ops[1].change.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

/* Fails to notice that the database failed. */
static int write_too_long_a_key(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    char key[KV_KEY_MAX + 1] = {0};

    (void)change, (void)e;
    kv_put(txn, KV_REPOS, (struct str){key, sizeof(key)}, STR("x"));
    return 0;
}

TEST(sticky_error, "a change that overlooks an error of the database fails all the same")
{
    struct world w;
    struct meta_change change = {.apply = write_too_long_a_key};

    world_open(&w);
    CHECK_INT(meta_write(w.meta, &change), -1);
    CHECK_INT(change.err.code, ERR_IO);
    CHECK(strncmp(change.err.text, "metadata: write table repos: MDB_BAD_VALSIZE", 44) == 0);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), 1, NOW), 0);
    world_close(&w);
}

/* ---- threads ---- */

enum { THREADS = 8, PUTS = 40 };

struct pusher {
    struct world w; /* a reader of its own */
    unsigned first;
    int failures;
};

static void *push_and_look(void *arg)
{
    struct pusher *p = arg;
    struct blob_info info;

    for (unsigned i = p->first; i < p->first + PUTS; i++)
        p->failures += blob_put(&p->w, "app", blob_digest(i), 1, NOW) != 0 ||
                       blob_get(&p->w, "app", blob_digest(i), &info) != 0;
    return NULL;
}

/* Returns how many puts failed or were not to be seen when they returned. */
static int push_from_threads(struct world *w)
{
    struct pusher pushers[THREADS];
    pthread_t threads[THREADS];
    int failures = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        pushers[i] = (struct pusher){.w = {.meta = w->meta, .reader = meta_reader_new(w->meta, NULL)},
                                     .first = i * PUTS};
        if (pthread_create(&threads[i], NULL, push_and_look, &pushers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += pushers[i].failures;
        meta_reader_free(&pushers[i].w.reader);
    }
    return failures;
}

TEST(many_threads, "what any of many threads has written is to be seen by it when its write returns")
{
    struct world w;

    world_open(&w);
    CHECK_INT(push_from_threads(&w), 0);
    CHECK_INT(table_entries(look(&w), KV_BLOBS), THREADS * PUTS);
    meta_done(w.reader);
    world_close(&w);
}

/* ---- a full map ---- */

enum { TINY_MAP = 160 * 1024 };

TEST(grows_under_readers, "a full map grows while other threads read and write, and nobody notices")
{
    struct world w;

    world_open_sized(&w, test_dir(), TINY_MAP);
    CHECK_INT(kv_map_bytes(meta_kv(w.meta)), TINY_MAP);
    CHECK_INT(push_from_threads(&w), 0);
    CHECK(kv_map_bytes(meta_kv(w.meta)) > TINY_MAP);
    CHECK_INT(table_entries(look(&w), KV_BLOBS), THREADS * PUTS);
    meta_done(w.reader);
    world_close(&w);
}

/* An index of no children that fills `size` bytes. */
static struct sbuf large_index(size_t size)
{
    struct sbuf b = {0};

    sbuf_str(&b, STR("{\"schemaVersion\":2,\"manifests\":[]}"));
    while (b.n < size)
        sbuf_put(&b, " ", 1);
    return b;
}

TEST(grows_for_one, "one change that needs many times the map gets it")
{
    struct sbuf bytes = large_index(MANIFEST_BYTES_MAX);
    struct manifest_view view;
    struct world w;
    struct digest d;

    world_open_sized(&w, test_dir(), TINY_MAP);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), "v1", false, &d), 0);
    CHECK_INT(meta_tag_get(look(&w), STR("app"), STR("v1"), &view, &w.err), 0);
    CHECK(str_eq(view.bytes, text_of(&bytes)));
    meta_done(w.reader);
    CHECK(kv_map_bytes(meta_kv(w.meta)) > MANIFEST_BYTES_MAX);
    sbuf_free(&bytes);
    world_close(&w);
}

/* ---- a disk that refuses ---- */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        abort();
}

TEST(commit_fails, "a commit that fails is an error of every change in it, changes nothing, and the next one works")
{
    struct sbuf bytes = large_index(MANIFEST_BYTES_MAX);
    struct op ops[2] = {put_op(1), {.kind = MANIFEST_PUT}};
    struct manifest m;
    struct gate gate;
    struct world w;

    world_open(&w);
    CHECK_INT(manifest_parse(text_of(&bytes), (struct str){0}, &m, NULL), 0);
    ops[1].put = (struct manifest_put){.repository = STR("app"), .manifest = &m, .bytes = text_of(&bytes), .now = NOW};
    digest_of(DIGEST_SHA256, bytes.p, bytes.n, &ops[1].put.digest);
    signal(SIGXFSZ, SIG_IGN);
    close_gate(&w, &gate);
    submit(&w, &ops[0]);
    submit(&w, &ops[1]);
    limit_file_size(1 << 20);
    open_gate(&gate, 2);
    limit_file_size(RLIM_INFINITY);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(ops[i].change.rc, -1);
        CHECK_INT(ops[i].change.err.code, ERR_IO);
        CHECK_TEXT(ops[i].change.err.text, "metadata: commit: Input/output error");
    }
    CHECK(!has(&w, 1));
    CHECK_INT(world_run(&w, &ops[0]), 0);
    CHECK_INT(world_run(&w, &ops[1]), 0);
    CHECK(has(&w, 1));
    manifest_free(&m);
    sbuf_free(&bytes);
    world_close(&w);
}
