/*
 * Random pushes, mounts, HEADs, deletions, crashes and sweeps under a clock that the test sets, against a model that
 * says of each blob who holds it, which images name it and when it was last needed, there and at all. After each sweep
 * exactly those blobs are gone, records and files, and those memberships ended, that the model says may be; everything
 * else is compared after each change.
 */
#include "tests/unit/meta/accounts_fixture.h"
#include "tests/unit/meta/check_fixture.h"
#include "tests/unit/upkeep/sweep_fixture.h"

enum { REPOS = 3, BLOBS = 8, IMAGES = 6, ROUNDS = 1200 };

static const char *const repo_names[REPOS] = {"a", "a/b", "c"};

/* Image t names blobs t and t + 2 (and t once more as a layer). */
static int config_of(int t)
{
    return t;
}

static int layer_of(int t)
{
    return t + 2;
}

static bool image_names(int t, int b)
{
    return b == config_of(t) || b == layer_of(t);
}

static struct {
    bool known[REPOS];
    bool held[REPOS][BLOBS];
    bool image[REPOS][IMAGES];
    bool record[BLOBS];
    bool file[BLOBS];
    uint64_t needed[BLOBS];
    uint64_t needed_here[REPOS][BLOBS];
} model;

static struct digest images[IMAGES];
static unsigned seed = 20261122;

static int pick(int n)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((seed >> 8) % (unsigned)n);
}

static uint64_t model_names(int r, int b)
{
    uint64_t n = 0;

    for (int t = 0; t < IMAGES; t++)
        n += model.image[r][t] && image_names(t, b);
    return n;
}

static uint64_t model_references(int b)
{
    uint64_t n = 0;

    for (int r = 0; r < REPOS; r++)
        n += model.held[r][b] ? model_names(r, b) : 0;
    return n;
}

static void model_hold(int r, int b)
{
    model.known[r] = model.held[r][b] = model.record[b] = true;
    model.needed[b] = model.needed_here[r][b] = test_now;
}

/* ---- changes ---- */

static void do_push(struct yard *y, int r, int b)
{
    push(y, repo_names[r], (unsigned)b);
    model_hold(r, b);
    model.file[b] = true;
}

/* Killed between the file and its record. */
static void do_broken_push(struct yard *y, int b)
{
    CHECK_INT(adopt_blob(y->store, (unsigned)b, NULL), 0);
    model.file[b] = true;
}

static void do_mount(struct yard *y, int r, int b)
{
    int from = pick(REPOS);
    struct op op = {.kind = BLOB_MOUNT,
                    .repository = str_of(repo_names[r]),
                    .from = str_of(repo_names[from]),
                    .digest = blob_digest((unsigned)b),
                    .now = test_now};

    CHECK_INT(world_run(&y->world, &op), model.held[from][b] ? 0 : -1);
    if (model.held[from][b])
        model_hold(r, b);
}

static void do_head(struct yard *y, int r, int b)
{
    CHECK_INT(blob_touch(&y->world, repo_names[r], blob_digest((unsigned)b), test_now), model.held[r][b] ? 0 : -1);
    if (model.held[r][b])
        model.needed[b] = model.needed_here[r][b] = test_now;
}

static void do_blob_delete(struct yard *y, int r, int b)
{
    uint64_t before = model_references(b);

    CHECK_INT(blob_delete(&y->world, repo_names[r], blob_digest((unsigned)b)), model.held[r][b] ? 0 : -1);
    model.held[r][b] = false;
    if (before > 0 && model_references(b) == 0)
        model.needed[b] = test_now;
}

static struct sbuf image_bytes(int t)
{
    struct digest layers[2] = {blob_digest((unsigned)layer_of(t)), blob_digest((unsigned)config_of(t))};
    struct sbuf out = {0};

    sbuf_printf(&out, "{\"schemaVersion\":2,\"config\":");
    descriptor(&out, "application/vnd.oci.image.config.v1+json", layers[1], blob_size(), "");
    sbuf_printf(&out, ",\"layers\":[");
    for (int i = 0; i < 2; i++) {
        sbuf_printf(&out, "%s", i == 0 ? "" : ",");
        descriptor(&out, "application/vnd.oci.image.layer.v1.tar", layers[i], blob_size(), "");
    }
    sbuf_printf(&out, "]}");
    return out;
}

static void do_image_put(struct yard *y, int r, int t)
{
    bool whole = model.held[r][config_of(t)] && model.held[r][layer_of(t)];
    struct sbuf bytes = image_bytes(t);

    CHECK_INT(manifest_put(&y->world, repo_names[r], text_of(&bytes), NULL, false, &images[t]), whole ? 0 : -1);
    model.image[r][t] = model.image[r][t] || whole;
    sbuf_free(&bytes);
}

static void do_image_delete(struct yard *y, int r, int t)
{
    uint64_t before[BLOBS];

    for (int b = 0; b < BLOBS; b++)
        before[b] = model_references(b);
    CHECK_INT(manifest_delete(&y->world, repo_names[r], images[t]), model.image[r][t] ? 0 : -1);
    for (int b = 0; b < BLOBS; b++)
        if (model.image[r][t] && image_names(t, b))
            model.needed_here[r][b] = test_now;
    model.image[r][t] = false;
    for (int b = 0; b < BLOBS; b++)
        if (before[b] > 0 && model_references(b) == 0)
            model.needed[b] = test_now;
}

static unsigned lapsed; /* memberships that ended while others needed the blob */

static void do_sweep(struct yard *y)
{
    struct sweep_freed freed = sweep_all(y);
    uint64_t wanted = 0;

    for (int b = 0; b < BLOBS; b++) {
        bool goes = model.record[b] && model_references(b) == 0 && model.needed[b] + GRACE < test_now;
        bool unrecorded = !model.record[b] && model.file[b];

        wanted += goes || unrecorded;
        if (!goes && !unrecorded)
            continue;
        model.record[b] = model.file[b] = false;
        for (int r = 0; r < REPOS; r++)
            model.held[r][b] = false;
    }
    for (int r = 0; r < REPOS; r++)
        for (int b = 0; b < BLOBS; b++)
            if (model.held[r][b] && model_names(r, b) == 0 && model.needed_here[r][b] + GRACE < test_now) {
                model.held[r][b] = false;
                lapsed++;
            }
    CHECK_INT(freed.blobs, wanted);
    CHECK_INT(freed.bytes, wanted * blob_size());
}

static void change(struct yard *y)
{
    int r = pick(REPOS), b = pick(BLOBS), t = pick(IMAGES), what = pick(100);

    test_now += (uint64_t)pick(3);
    if (what < 22)
        do_push(y, r, b);
    else if (what < 26)
        do_broken_push(y, b);
    else if (what < 38)
        do_mount(y, r, b);
    else if (what < 44)
        do_head(y, r, b);
    else if (what < 52)
        do_blob_delete(y, r, b);
    else if (what < 70)
        do_image_put(y, r, t);
    else if (what < 86)
        do_image_delete(y, r, t);
    else
        do_sweep(y);
}

/* ---- comparison ---- */

static void compare_blob(struct yard *y, struct meta_txn *txn, int b)
{
    struct digest d = blob_digest((unsigned)b);
    struct blob_record record;
    uint64_t holders = 0;

    for (int r = 0; r < REPOS; r++)
        holders += model.held[r][b];
    CHECK_INT(blob_load(txn, &d, &record), model.record[b]);
    CHECK_INT(record.references, model_references(b));
    CHECK_INT(record.holders, holders);
    CHECK_INT(record.last_needed, model.record[b] ? model.needed[b] : 0);
    CHECK_INT(has_file(y->store, (unsigned)b), model.file[b]);
}

static void compare(struct yard *y)
{
    struct meta_txn *txn = look(&y->world);
    size_t blobs = 0, members = 0;

    for (int b = 0; b < BLOBS; b++) {
        compare_blob(y, txn, b);
        blobs += model.record[b];
    }
    for (int r = 0; r < REPOS; r++) {
        struct repo_record repo;
        uint64_t held = 0;

        for (int b = 0; b < BLOBS; b++) {
            struct digest d = blob_digest((unsigned)b);
            struct blob_record record;

            held += model.held[r][b];
            repo_load(txn, str_of(repo_names[r]), &repo);
            CHECK_INT(blob_load_held(txn, repo.id, &d, &record), model.held[r][b]);
        }
        CHECK_INT(repo.blobs, held);
        members += held;
    }
    CHECK_INT(table_entries(txn, KV_BLOBS), blobs);
    CHECK_INT(table_entries(txn, KV_MEMBERS), members);
    CHECK_INT(table_entries(txn, KV_HOLDERS), members);
    CHECK_INT(kv_status(txn, &y->world.err), 0);
    meta_done(y->world.reader);
    check_accounts(&y->world);
    check_whole(y->store->meta);
}

TEST(model_agrees, "after any sequence of changes a sweep removes exactly what nobody needs, and every count is right")
{
    struct yard y;

    yard_open(&y);
    for (int t = 0; t < IMAGES; t++) {
        struct sbuf bytes = image_bytes(t);

        digest_of(DIGEST_SHA256, bytes.p, bytes.n, &images[t]);
        sbuf_free(&bytes);
    }
    for (int round = 0; round < ROUNDS; round++) {
        change(&y);
        compare(&y);
    }
    for (int r = 0; r < REPOS; r++)
        for (int t = 0; t < IMAGES; t++)
            do_image_delete(&y, r, t);
    test_now += GRACE + 1;
    do_sweep(&y);
    compare(&y);
    CHECK(lapsed > 50);
    for (int b = 0; b < BLOBS; b++)
        CHECK(!model.record[b] && !has_file(y.store, (unsigned)b));
    yard_close(&y);
}
