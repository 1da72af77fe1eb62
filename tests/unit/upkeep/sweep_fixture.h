/*
 * What the tests of the sweeper share: a store, a clock that stands still until it is set, blobs called by numbers and
 * pushed as files and records.
 */
#ifndef BERTH_TEST_SWEEP_FIXTURE_H
#define BERTH_TEST_SWEEP_FIXTURE_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "storage/meta/meta_internal.h"
#include "storage/store.h"
#include "storage/upkeep/sweep.h"
#include "tests/unit/meta/meta_fixture.h"
#include "tests/unit/still_clock.h"
#include "tests/unit/test.h"

enum { GRACE = 10 };

struct yard {
    struct store *store;
    struct world world; /* its meta is the store's */
};

HELPER void yard_open(struct yard *y)
{
    struct err e = {0};

    test_now = (uint64_t)time(NULL) + 1000;
    *y = (struct yard){0};
    y->store = store_open(test_dir(), &e);
    if (y->store == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    y->world.meta = y->store->meta;
    y->world.reader = meta_reader_new(y->store->meta, &e);
    CHECK(y->world.reader != NULL);
}

HELPER void yard_close(struct yard *y)
{
    meta_reader_free(&y->world.reader);
    store_close(&y->store);
}

/* The digest of a blob's bytes is that of blob_digest(). */
HELPER uint64_t blob_size(void)
{
    return sizeof(unsigned);
}

/* The file only. The caller has the blob pinned. */
HELPER int adopt_blob(struct store *store, unsigned number, struct err *e)
{
    struct digest d = blob_digest(number);
    struct iovec span = {.iov_base = &number, .iov_len = sizeof(number)};
    struct upload *u;
    uint64_t size;

    if (upload_create(store->uploads, STR("a"), STR(""), DIGEST_SHA256, &u, e) != 0)
        return -1;
    if (upload_append(u, &span, 1, e) != 0) {
        upload_release(&u);
        return -1;
    }
    return upload_finish(&u, &d, &size, e);
}

HELPER void push(struct yard *y, const char *repository, unsigned number)
{
    struct digest d = blob_digest(number);
    struct pin pin = {0};
    struct err e = {0};

    pin_hold(y->store->pins, &pin, &d);
    if (adopt_blob(y->store, number, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    CHECK_INT(blob_put(&y->world, repository, d, blob_size(), test_now), 0);
    pin_drop(y->store->pins, &pin);
}

HELPER bool has_file(const struct store *store, unsigned number)
{
    struct digest d = blob_digest(number);
    uint64_t size, changed;

    return blob_stat(store->blobs, &d, &size, &changed, NULL) == 0;
}

HELPER bool has_record(struct yard *y, unsigned number)
{
    struct digest d = blob_digest(number);
    bool known = false;

    CHECK_INT(meta_blob_known(look(&y->world), &d, &known, &y->world.err), 0);
    meta_done(y->world.reader);
    return known;
}

/* A whole walk. Returns how many steps it took. */
HELPER unsigned walk_with(struct yard *y, const struct sweep_options *options, struct sweep_freed *freed)
{
    struct err e = {0};
    struct sweep *sweep = sweep_new(y->store, options, &e);
    unsigned steps = 0;
    bool more = true;

    *freed = (struct sweep_freed){0};
    CHECK(sweep != NULL);
    while (more) {
        if (sweep_step(sweep, test_now, freed, &more, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
        steps++;
    }
    sweep_free(&sweep);
    return steps;
}

HELPER struct sweep_freed sweep_all(struct yard *y)
{
    const struct sweep_options options = {.grace_s = GRACE};
    struct sweep_freed freed;

    walk_with(y, &options, &freed);
    return freed;
}

#endif
