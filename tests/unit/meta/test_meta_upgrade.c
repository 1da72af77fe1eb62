/* From schema 1 to 2. Version 1 is what is left when everything that 2 added is taken away again. */
#include <stdlib.h>

#include "tests/unit/meta/accounts_fixture.h"
#include "tests/unit/meta/check_fixture.h"
#include "tests/unit/meta/meta_fixture.h"

static struct kv *open_tables(const char *directory)
{
    struct err e = {0};
    struct kv *kv = kv_open(directory, KV_MAP_DEFAULT, &e);

    if (kv == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return kv;
}

/* The first key of a table after `last`, copied. */
static bool key_after(struct meta_txn *txn, enum kv_table table, struct key *last)
{
    struct kv_walk walk;
    bool found;

    kv_walk_begin(&walk, txn, table, (struct str){0}, key_str(last));
    found = kv_walk_next(&walk);
    last->n = 0;
    if (found)
        key_bytes(last, walk.key);
    kv_walk_end(&walk);
    return found;
}

static void take_back(const char *directory)
{
    static const enum kv_table added[] = {KV_IDLE, KV_LOOSE, KV_USAGE};
    struct kv *kv = open_tables(directory);
    struct meta_txn *txn = kv_write(kv, NULL);
    struct key key;

    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        for (key.n = 0; key_after(txn, added[i], &key); key.n = 0)
            kv_del(txn, added[i], key_str(&key));
    for (key.n = 0; key_after(txn, KV_MEMBERS, &key);)
        kv_put(txn, KV_MEMBERS, key_str(&key), (struct str){"", 0});
    kv_del(txn, KV_INFO, STR("stored"));
    kv_put(txn, KV_INFO, STR("schema"), STR("\0\0\0\1"));
    CHECK_INT(kv_commit(txn, NULL), 0);
    kv_close(&kv);
}

static void fill(struct world *w)
{
    struct digest d;

    d = push_image(w, "team/app", 1, "v1", "");
    CHECK_INT(manifest_delete(w, "team/app", d), 0);
    push_image(w, "team/app", 2, "v1", "");
    push_image(w, "team/app/deep", 2, "v1", "");
    push_image(w, "team", 2, "v1", "");
    push_image(w, "alone", 10, "v2", "");
    CHECK_INT(blob_put(w, "team", blob_digest(10), CONFIG_SIZE, NOW), 0); /* named elsewhere only */
    CHECK_INT(blob_put(w, "team", blob_digest(20), 77, NOW + 5), 0);      /* named by nobody */
    CHECK_INT(blob_put(w, "gone", blob_digest(21), 78, NOW + 6), 0);
    CHECK_INT(blob_delete(w, "gone", blob_digest(21)), 0);
}

TEST(upgrade, "metadata of schema 1 gets all that 2 adds when it is opened, and serves as before")
{
    const char *directory = test_dir();
    struct blob_info info;
    struct world w;

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    fill(&w);
    check_accounts(&w);
    check_whole(w.meta);
    world_close(&w);
    take_back(directory);
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    check_accounts(&w);
    check_whole(w.meta);
    CHECK_INT(blob_get(&w, "team", blob_digest(20), &info), 0);
    CHECK_INT(info.needed_here, NOW + 5);
    CHECK_INT(blob_get(&w, "team", blob_digest(10), &info), 0);
    CHECK(!info.named_here && info.needed_here > NOW + 1000000); /* begins now */
    push_image(&w, "team", 30, "v3", "");
    CHECK_INT(blob_delete(&w, "team", blob_digest(10)), 0);
    check_accounts(&w);
    check_whole(w.meta);
    world_close(&w);
    world_open_sized(&w, directory, KV_MAP_DEFAULT); /* and once is enough */
    check_accounts(&w);
    check_whole(w.meta);
    world_close(&w);
}

TEST(empty, "metadata of schema 1 with nothing in it is brought up too")
{
    const char *directory = test_dir();
    struct world w;

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    world_close(&w);
    take_back(directory);
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    check_accounts(&w);
    check_whole(w.meta);
    push_image(&w, "a", 1, "v1", "");
    check_accounts(&w);
    check_whole(w.meta);
    world_close(&w);
}

TEST(grows, "an upgrade for which the map is too small lets it grow")
{
    const char *directory = test_dir();
    struct world w;

    world_open_sized(&w, directory, 160 * 1024);
    for (unsigned i = 0; i < 1500; i++)
        CHECK_INT(blob_put(&w, "app", blob_digest(i), 1, NOW + i), 0);
    world_close(&w);
    take_back(directory);
    world_open_sized(&w, directory, 160 * 1024);
    check_accounts(&w);
    check_whole(w.meta);
    world_close(&w);
}

TEST(damage, "an upgrade that meets a damaged record is refused, and the metadata stay of schema 1")
{
    const char *directory = test_dir();
    char wanted[ERR_TEXT_MAX];
    struct err e = {0};
    struct world w;
    struct kv *kv;
    struct meta_txn *txn;
    struct str version;

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    fill(&w);
    world_close(&w);
    take_back(directory);
    kv = open_tables(directory);
    txn = kv_write(kv, NULL);
    kv_put(txn, KV_BLOBS, STR("nonsense"), STR("?"));
    CHECK_INT(kv_commit(txn, NULL), 0);
    kv_close(&kv);
    CHECK(meta_open(directory, &e) == NULL);
    snprintf(wanted, sizeof(wanted),
             "%s: metadata: decode table blobs: damaged; stop the server and run `berth fsck`, or restore a backup",
             directory);
    CHECK_TEXT(e.text, wanted);
    kv = open_tables(directory);
    txn = kv_write(kv, NULL);
    CHECK(kv_get(txn, KV_INFO, STR("schema"), &version) && str_eq(version, STR("\0\0\0\1")));
    CHECK_INT(table_entries(txn, KV_IDLE), 0);
    kv_abort(txn);
    kv_close(&kv);
}

static bool size_of_file(const struct digest *d, uint64_t *size, void *arg)
{
    (void)d, (void)arg;
    *size = 1;
    return true;
}

static void repair(struct meta *meta)
{
    const struct meta_check_options options = {.repair = true, .file_size = size_of_file};

    for (int pass = 0; pass < 12; pass++) {
        struct meta_check_count count = {0};
        struct err e = {0};
        struct meta_check *check = meta_check_new(meta, &options, &e);
        bool more = true;

        while (more)
            if (meta_check_step(check, &count, &more, &e) != 0)
                test_fail(__FILE__, __LINE__, "%s", e.text);
        meta_check_free(&check);
    }
}

TEST(repaired, "damaged metadata of schema 1 can be opened for a repair, which adds all that 2 adds")
{
    const char *directory = test_dir();
    struct err e = {0};
    struct world w;
    struct kv *kv;
    struct meta_txn *txn;

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    fill(&w);
    world_close(&w);
    take_back(directory);
    kv = open_tables(directory);
    txn = kv_write(kv, NULL);
    kv_put(txn, KV_BLOBS, STR("nonsense"), STR("?"));
    CHECK_INT(kv_commit(txn, NULL), 0);
    kv_close(&kv);
    w.meta = meta_open_for_repair(directory, &e);
    CHECK(w.meta != NULL);
    repair(w.meta);
    check_whole(w.meta);
    meta_close(&w.meta);
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    check_accounts(&w);
    world_close(&w);
}
