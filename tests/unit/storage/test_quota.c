#include "storage/quota.h"

#include <pthread.h>

#include "tests/unit/meta/meta_fixture.h"

static struct quotas *two_quotas(void)
{
    const struct quota_rule rules[] = {{"", 1000}, {"team-a", 100}};

    return quotas_new(rules, 2);
}

static int reserve(struct world *w, struct quotas *quotas, struct quota_hold *hold, const char *repository,
                   uint64_t bytes)
{
    int rc = quota_reserve(quotas, hold, str_of(repository), bytes, look(w), &w->err);

    meta_done(w->reader);
    return rc;
}

TEST(stored_and_reserved, "an upload has room when it fits beside what is stored and what others have reserved")
{
    struct quotas *quotas = two_quotas();
    struct quota_hold one = {0}, two = {0};
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "team-a/app", blob_digest(1), 40, NOW), 0);
    CHECK_INT(reserve(&w, quotas, &one, "team-a/app", 50), 0);
    CHECK_INT(reserve(&w, quotas, &two, "team-a", 11), -1);
    CHECK_INT(w.err.code, ERR_QUOTA);
    CHECK_TEXT(w.err.text,
               "no room for 11 bytes more: the quota of \"team-a\" is 100 bytes, 40 bytes are stored and 50 bytes are "
               "being uploaded; delete images there that nobody needs, or ask the administrator to raise the limit "
               "(storage.quotas)");
    CHECK(two.quotas == NULL);
    CHECK_INT(reserve(&w, quotas, &two, "team-a", 10), 0);
    quota_release(&one);
    CHECK_INT(reserve(&w, quotas, &two, "team-a", 60), 0); /* its own do not stand in its way */
    CHECK_INT(reserve(&w, quotas, &two, "team-a", 61), -1);
    CHECK_INT(two.bytes, 60); /* as it was */
    quota_release(&two);
    quota_release(&two);
    CHECK_INT(reserve(&w, quotas, &one, "team-a", 60), 0);
    quota_release(&one);
    quotas_free(&quotas);
    CHECK(quotas == NULL);
    world_close(&w);
}

TEST(paths, "a quota is for what is at and below its path, and all that are over a repository apply")
{
    struct quotas *quotas = two_quotas();
    struct quota_hold hold = {0};
    struct world w;

    world_open(&w);
    CHECK_INT(reserve(&w, quotas, &hold, "team-ab", 1000), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "team-ab", 1001), -1);
    CHECK(strstr(w.err.text, "the quota of the registry is 1000 bytes") != NULL);
    quota_release(&hold);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a/deep/down", 101), -1);
    CHECK(strstr(w.err.text, "the quota of \"team-a\" is 100 bytes") != NULL);
    CHECK_INT(blob_put(&w, "other", blob_digest(1), 950, NOW), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a", 51), -1);
    CHECK(strstr(w.err.text, "the quota of the registry") != NULL);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a", 50), 0);
    quota_release(&hold);
    quotas_free(&quotas);
    world_close(&w);
}

TEST(overfull, "under a limit that was lowered below what is stored nothing has room, and nothing overflows")
{
    struct quotas *quotas = two_quotas();
    struct quota_hold hold = {0};
    struct world w;

    world_open(&w);
    CHECK_INT(blob_put(&w, "team-a", blob_digest(1), 500, NOW), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a", 1), -1);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a", UINT64_MAX), -1);
    CHECK_INT(reserve(&w, quotas, &hold, "b", 500), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "b", UINT64_MAX), -1);
    quota_release(&hold);
    quotas_free(&quotas);
    world_close(&w);
}

TEST(none, "without quotas everything has room")
{
    struct quota_hold hold = {0};
    struct world w;

    world_open(&w);
    CHECK_INT(reserve(&w, NULL, &hold, "a", UINT64_MAX), 0);
    CHECK(hold.quotas == NULL);
    quota_release(&hold);
    world_close(&w);
}

/* ---- in the change ---- */

TEST(admitted, "a change is admitted by what it adds: what the repository holds already costs nothing")
{
    struct quotas *quotas = two_quotas();
    struct digest held = blob_digest(1), fresh = blob_digest(3), image;
    struct meta_txn *txn;
    struct world w;

    world_open(&w);
    image = push_image(&w, "team-a", 1, "v1", "");
    CHECK_INT(blob_put(&w, "other", fresh, 10, NOW), 0);
    txn = look(&w);
    CHECK_INT(quota_admit_blob(quotas, txn, STR("team-a"), &held, 1000000, &w.err), 0);
    CHECK_INT(quota_admit_manifest(quotas, txn, STR("team-a"), &image, 1000000, &w.err), 0);
    CHECK_INT(quota_admit_blob(quotas, txn, STR("team-a"), &fresh, 10, &w.err), -1);
    CHECK_INT(w.err.code, ERR_QUOTA);
    CHECK(strstr(w.err.text, "no room for 10 bytes more: the quota of \"team-a\"") != NULL);
    CHECK_INT(quota_admit_manifest(quotas, txn, STR("team-a"), &fresh, 1, &w.err), -1);
    CHECK_INT(w.err.code, ERR_QUOTA);
    CHECK_INT(quota_admit_blob(quotas, txn, STR("elsewhere"), &fresh, 10, &w.err), 0);
    CHECK_INT(quota_admit_blob(NULL, txn, STR("team-a"), &fresh, 10, &w.err), 0);
    CHECK_INT(quota_admit_manifest(NULL, txn, STR("team-a"), &fresh, 10, &w.err), 0);
    meta_done(w.reader);
    quotas_free(&quotas);
    world_close(&w);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 3000 };

struct reserver {
    struct world *world;
    struct quotas *quotas;
    unsigned refused;
};

static void *reserve_often(void *arg)
{
    struct reserver *r = arg;
    struct meta_reader *reader = meta_reader_new(r->world->meta, NULL);
    struct quota_hold hold = {0};

    for (unsigned i = 0; i < ROUNDS; i++) {
        if (quota_reserve(r->quotas, &hold, STR("team-a"), 1 + i % 60, meta_read(reader, NULL), NULL) != 0)
            r->refused++;
        meta_done(reader);
        if (i % 3 == 0)
            quota_release(&hold);
    }
    quota_release(&hold);
    meta_reader_free(&reader);
    return NULL;
}

TEST(use, "how each quota stands is told: its limit, what is stored, what is reserved")
{
    struct quotas *quotas = two_quotas();
    struct quota_hold hold = {0};
    struct quota_use use;
    struct world w;

    world_open(&w);
    CHECK_INT(quotas_count(NULL), 0);
    CHECK_INT(quotas_count(quotas), 2);
    CHECK_INT(blob_put(&w, "team-a/app", blob_digest(1), 40, NOW), 0);
    CHECK_INT(blob_put(&w, "team-b", blob_digest(2), 7, NOW), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a/app", 50), 0);
    CHECK_INT(quotas_use(quotas, 0, look(&w), &use, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(use.path, "");
    CHECK_INT(use.limit, 1000);
    CHECK_INT(use.used, 47);
    CHECK_INT(use.reserved, 50);
    CHECK_INT(quotas_use(quotas, 1, look(&w), &use, &w.err), 0);
    meta_done(w.reader);
    CHECK_TEXT(use.path, "team-a");
    CHECK_INT(use.limit, 100);
    CHECK_INT(use.used, 40);
    CHECK_INT(use.reserved, 50);
    quota_release(&hold);
    quotas_free(&quotas);
    world_close(&w);
}

TEST(threads, "reservations of many threads end as if there had been none")
{
    struct quotas *quotas = two_quotas();
    struct reserver reservers[THREADS];
    struct quota_hold hold = {0};
    pthread_t threads[THREADS];
    struct world w;

    world_open(&w);
    for (size_t i = 0; i < THREADS; i++) {
        reservers[i] = (struct reserver){.world = &w, .quotas = quotas};
        CHECK_INT(pthread_create(&threads[i], NULL, reserve_often, &reservers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(reserve(&w, quotas, &hold, "team-a", 100), 0);
    quota_release(&hold);
    quotas_free(&quotas);
    world_close(&w);
}
