/* The sweeper, case by case. test_sweep_model.c has it among random changes. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/upkeep/sweep_fixture.h"

TEST(leases, "a blob without references goes when its whole lease is over, and not a second before")
{
    struct sweep_freed freed;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    test_now += GRACE;
    freed = sweep_all(&y);
    CHECK_INT(freed.blobs, 0);
    CHECK(has_record(&y, 1) && has_file(y.store, 1));
    test_now++;
    freed = sweep_all(&y);
    CHECK_INT(freed.blobs, 1);
    CHECK_INT(freed.bytes, blob_size());
    CHECK(!has_record(&y, 1) && !has_file(y.store, 1));
    yard_close(&y);
}

TEST(no_grace, "with a grace of 0 an unreferenced blob goes at once, and a referenced one never")
{
    const struct sweep_options options = {.grace_s = 0};
    struct digest layers[1] = {blob_digest(2)};
    struct sweep_freed freed;
    struct sbuf bytes;
    struct digest d;
    struct yard y;

    yard_open(&y);
    for (unsigned i = 1; i <= 3; i++)
        push(&y, "a", i);
    bytes = image_of(blob_digest(1), layers, 1, "");
    CHECK_INT(manifest_put(&y.world, "a", text_of(&bytes), "1", true, &d), -1); /* sizes are not those of the image */
    CHECK(strstr(y.world.err.text, "has 10 bytes, but it has 4") != NULL);
    CHECK_INT(blob_put(&y.world, "a", blob_digest(1), CONFIG_SIZE, test_now), 0);
    CHECK_INT(blob_put(&y.world, "a", blob_digest(2), LAYER_SIZE, test_now), 0);
    CHECK_INT(manifest_put(&y.world, "a", text_of(&bytes), "1", false, &d), 0);
    walk_with(&y, &options, &freed);
    CHECK_INT(freed.blobs, 1);
    CHECK(has_file(y.store, 1) && has_file(y.store, 2) && !has_file(y.store, 3));
    CHECK_INT(manifest_delete(&y.world, "a", d), 0);
    walk_with(&y, &options, &freed);
    CHECK_INT(freed.blobs, 2);
    sbuf_free(&bytes);
    yard_close(&y);
}

TEST(renewed, "a lease that is renewed after the sweeper looked keeps the blob")
{
    struct yard y;
    struct digest d = blob_digest(1);
    struct pin pin = {0};

    yard_open(&y);
    push(&y, "a", 1);
    test_now += 2 * GRACE;
    CHECK_INT(blob_touch(&y.world, "a", d, test_now), 0);
    CHECK_INT(sweep_all(&y).blobs, 0);
    test_now += 2 * GRACE;
    CHECK_INT(blob_mount(&y.world, "b", "a", d), 0); /* at a time long past: does not shorten a lease, nor renew it */
    pin_hold(y.store->pins, &pin, &d);
    CHECK_INT(sweep_all(&y).blobs, 0);
    CHECK(has_record(&y, 1) && has_file(y.store, 1));
    pin_drop(y.store->pins, &pin);
    CHECK_INT(sweep_all(&y).blobs, 1);
    yard_close(&y);
}

/* ---- changes of one's own ---- */

struct forgetting {
    struct meta_change change; /* first */
    struct digest digest;
    uint64_t needed_before;
    size_t holders;
    bool removed;
};

static int apply_forget(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct forgetting *f = (struct forgetting *)change;

    return meta_blob_forget(txn, &f->digest, f->needed_before, &f->holders, &f->removed, e);
}

/* The record goes and the file stays, as after a crash between the two. */
static bool forget(struct yard *y, unsigned number, uint64_t needed_before, size_t *holders)
{
    struct forgetting f = {.change.apply = apply_forget,
                           .digest = blob_digest(number),
                           .needed_before = needed_before,
                           .holders = *holders};

    if (meta_write(y->store->meta, &f.change) != 0)
        test_fail(__FILE__, __LINE__, "%s", f.change.err.text);
    *holders = f.holders;
    return f.removed;
}

TEST(judged_again, "the change that forgets a blob looks at its lease and references itself")
{
    size_t holders = 10;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    CHECK(!forget(&y, 1, test_now, &holders));
    CHECK(!forget(&y, 2, UINT64_MAX, &holders)); /* there is none */
    CHECK_INT(holders, 10);
    CHECK(forget(&y, 1, test_now + 1, &holders));
    CHECK_INT(holders, 9);
    CHECK(!has_record(&y, 1));
    yard_close(&y);
}

TEST(crash_after_commit, "a file whose record a crash has separated from it goes when it is older than the grace")
{
    size_t holders = 10;
    struct sweep_freed freed;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    push(&y, "a", 2);
    CHECK(forget(&y, 1, UINT64_MAX, &holders));
    test_now -= 1000; /* about when the files came */
    CHECK_INT(sweep_all(&y).blobs, 0);
    CHECK(has_file(y.store, 1));
    test_now += 1000;
    freed = sweep_all(&y);
    CHECK_INT(freed.blobs, 1);
    CHECK_INT(freed.bytes, blob_size());
    CHECK(!has_file(y.store, 1) && has_file(y.store, 2));
    yard_close(&y);
}

TEST(crash_before_commit, "a file that was adopted and never recorded goes, unless somebody is about to record it")
{
    struct digest d = blob_digest(1);
    struct pin pin = {0};
    struct yard y;

    yard_open(&y);
    pin_hold(y.store->pins, &pin, &d);
    CHECK_INT(adopt_blob(y.store, 1, NULL), 0);
    CHECK_INT(sweep_all(&y).blobs, 0);
    CHECK(has_file(y.store, 1));
    pin_drop(y.store->pins, &pin);
    CHECK_INT(sweep_all(&y).blobs, 1);
    CHECK(!has_file(y.store, 1));
    yard_close(&y);
}

TEST(strangers, "files in blobs/ that are not named as blobs are left alone")
{
    static const char *const names[] = {"blobs/sha256/00/notes.txt", "blobs/sha256/ab/ab", "blobs/README"};
    char paths[4][600];
    struct digest d = blob_digest(1);
    char text[DIGEST_TEXT_MAX];
    struct yard y;

    yard_open(&y);
    digest_format(&d, text);
    for (size_t i = 0; i < 3; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", y.store->root, names[i]);
    /* A good name in a folder that is not its own. */
    snprintf(paths[3], sizeof(paths[3]), "%s/blobs/sha256/%s/%s", y.store->root, text[7] == '0' ? "11" : "00",
             text + 7);
    for (size_t i = 0; i < 4; i++) {
        int fd = open(paths[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK(fd >= 0);
        close(fd);
    }
    CHECK_INT(sweep_all(&y).blobs, 0);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(access(paths[i], F_OK), 0);
    yard_close(&y);
}

TEST(stuck_file, "a file that cannot be removed does not keep others, and counts as left, not as freed")
{
    char text[DIGEST_TEXT_MAX], path[600];
    struct digest d = blob_digest(1);
    struct sweep_freed freed;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    push(&y, "a", 2);
    digest_format(&d, text);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%.2s/%s", y.store->root, text + 7, text + 7);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkdir(path, 0700), 0);
    test_now += 2 * GRACE;
    freed = sweep_all(&y);
    CHECK_INT(freed.blobs, 1);
    CHECK(freed.left >= 1);
    CHECK(!has_record(&y, 1) && !has_record(&y, 2) && !has_file(y.store, 2));
    CHECK_INT(rmdir(path), 0);
    yard_close(&y);
}

/* ---- size ---- */

TEST(steps, "a walk over many blobs is cut into steps and finds each of them")
{
    const struct sweep_options options = {.grace_s = GRACE};
    struct sweep_freed freed;
    struct yard y;

    yard_open(&y);
    for (unsigned i = 0; i < 300; i++)
        CHECK_INT(blob_put(&y.world, "a", blob_digest(i), blob_size(), test_now + (i % 3 == 0 ? 0 : 2 * GRACE)), 0);
    test_now += GRACE + 1;
    CHECK_INT(walk_with(&y, &options, &freed), 7 + 1 + BLOB_FOLDERS);
    CHECK_INT(freed.blobs, 100);
    for (unsigned i = 0; i < 300; i++)
        CHECK_INT(has_record(&y, i), i % 3 != 0);
    yard_close(&y);
}

TEST(holders, "a blob that thousands of repositories hold goes in several changes, and all counters stay right")
{
    enum { REPOSITORIES = 2500 };
    struct repo_record repo;
    struct sweep_freed freed;
    struct yard y;
    char name[32];

    yard_open(&y);
    push(&y, "a", 1);
    push(&y, "a", 2);
    for (unsigned i = 0; i < REPOSITORIES; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        CHECK_INT(blob_put(&y.world, name, blob_digest(1), blob_size(), test_now), 0);
    }
    test_now += 2 * GRACE;
    CHECK_INT(blob_touch(&y.world, "a", blob_digest(2), test_now), 0);
    freed = sweep_all(&y);
    CHECK_INT(freed.blobs, 1);
    CHECK(!has_record(&y, 1) && has_record(&y, 2));
    CHECK_INT(table_entries(look(&y.world), KV_HOLDERS), 1);
    meta_done(y.world.reader);
    CHECK_INT(table_entries(look(&y.world), KV_MEMBERS), 1);
    meta_done(y.world.reader);
    CHECK(repo_load(look(&y.world), STR("r77"), &repo));
    CHECK_INT(repo.blobs, 0);
    meta_done(y.world.reader);
    yard_close(&y);
}

/* ---- dry run ---- */

struct seen {
    unsigned count;
    struct sweep_item items[4];
};

static void see(const struct sweep_item *item, void *arg)
{
    struct seen *seen = arg;

    CHECK(seen->count < 4);
    seen->items[seen->count++] = *item;
}

TEST(dry_run, "a dry run says what would go and why, and removes nothing")
{
    struct seen seen = {0};
    const struct sweep_options options = {.grace_s = GRACE, .dry_run = true, .item = see, .arg = &seen};
    struct digest first = blob_digest(1), second = blob_digest(2);
    struct sweep_freed freed;
    size_t holders = 1;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    push(&y, "a", 2);
    CHECK(forget(&y, 2, UINT64_MAX, &holders));
    test_now += 2 * GRACE;
    push(&y, "a", 3);
    walk_with(&y, &options, &freed);
    CHECK_INT(freed.blobs, 2);
    CHECK_INT(freed.bytes, 2 * blob_size());
    CHECK_INT(seen.count, 2);
    CHECK_INT(seen.items[0].reason, SWEEP_UNREFERENCED);
    CHECK(digest_equal(&seen.items[0].digest, &first));
    CHECK_INT(seen.items[0].since, test_now - 2 * GRACE);
    CHECK_INT(seen.items[1].reason, SWEEP_UNRECORDED);
    CHECK(digest_equal(&seen.items[1].digest, &second));
    CHECK_INT(seen.items[1].size, blob_size());
    for (unsigned i = 1; i <= 3; i++)
        CHECK(has_file(y.store, i));
    CHECK(has_record(&y, 1));
    yard_close(&y);
}

/* ---- threads ---- */

enum { PUSHERS = 4, POOL = 4, PUSHES = 60 };

struct pusher {
    struct yard *yard;
    unsigned seed;
    unsigned lost;
    unsigned failed;
};

static atomic_bool pushing;
static atomic_uint swept;

/* Records are old when they come: the sweeper may take each as soon as it is committed and not pinned. */
static void *push_often(void *arg)
{
    struct pusher *p = arg;
    struct store *store = p->yard->store;

    for (unsigned i = 0; i < PUSHES; i++) {
        unsigned number = (p->seed + i * 5) % POOL;
        struct op op = {.change.apply = op_apply,
                        .kind = BLOB_PUT,
                        .repository = STR("a"),
                        .digest = blob_digest(number),
                        .size = blob_size(),
                        .now = 1};
        struct pin pin = {0};

        pin_hold(store->pins, &pin, &op.digest);
        if (adopt_blob(store, number, NULL) != 0 || meta_write(store->meta, &op.change) != 0)
            p->failed++;
        else if (!has_file(store, number))
            p->lost++;
        pin_drop(store->pins, &pin);
    }
    return NULL;
}

static void *sweep_often(void *arg)
{
    const struct sweep_options options = {.grace_s = GRACE};
    struct yard *y = arg;
    struct sweep *sweep = sweep_new(y->store, &options, NULL);
    struct sweep_freed freed = {0};
    bool more;

    while (atomic_load(&pushing))
        if (sweep_step(sweep, test_now, &freed, &more, NULL) != 0)
            break;
    atomic_store(&swept, (unsigned)freed.blobs);
    sweep_free(&sweep);
    return NULL;
}

TEST(races, "a push never loses its file to a sweep of the same digest, and every record has its file")
{
    struct pusher pushers[PUSHERS] = {0};
    pthread_t threads[PUSHERS], sweeper;
    struct yard y;

    yard_open(&y);
    atomic_store(&pushing, true);
    CHECK_INT(pthread_create(&sweeper, NULL, sweep_often, &y), 0);
    for (unsigned i = 0; i < PUSHERS; i++) {
        pushers[i] = (struct pusher){.yard = &y, .seed = i};
        CHECK_INT(pthread_create(&threads[i], NULL, push_often, &pushers[i]), 0);
    }
    for (unsigned i = 0; i < PUSHERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    atomic_store(&pushing, false);
    CHECK_INT(pthread_join(sweeper, NULL), 0);
    CHECK(atomic_load(&swept) > 0);
    for (unsigned i = 0; i < PUSHERS; i++)
        CHECK_INT(pushers[i].lost + pushers[i].failed, 0);
    for (unsigned i = 0; i < POOL; i++)
        CHECK_INT(has_record(&y, i), has_file(y.store, i));
    yard_close(&y);
}
