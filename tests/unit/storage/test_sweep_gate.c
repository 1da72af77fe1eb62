/* Sweeps that are held back, and one that is alone. */
#include "tests/unit/upkeep/sweep_fixture.h"

TEST(held_back, "while sweeps are held back nothing goes, and the walk goes on where it was when the last hold ends")
{
    const struct sweep_options options = {.grace_s = GRACE};
    struct sweep_freed freed = {0};
    struct sweep *sweep;
    bool more = true;
    struct err e;
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    test_now += 2 * GRACE;
    sweep = sweep_new(y.store, &options, &e);
    store_hold_sweeps(y.store);
    store_hold_sweeps(y.store);
    CHECK_INT(sweep_step(sweep, test_now, &freed, &more, &e), -1);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_TEXT(e.text, "nothing is swept while a backup is taken; try again when it is done");
    CHECK(more);
    store_release_sweeps(y.store);
    CHECK_INT(sweep_step(sweep, test_now, &freed, &more, &e), -1);
    CHECK(has_file(y.store, 1));
    CHECK(has_record(&y, 1));
    store_release_sweeps(y.store);
    CHECK_INT(sweep_step(sweep, test_now, &freed, &more, &e), 0);
    CHECK_INT(freed.blobs, 1);
    CHECK(!has_file(y.store, 1));
    sweep_free(&sweep);
    yard_close(&y);
}

TEST(alone, "beside a sweep that is alone no other steps, nor can another be alone")
{
    const struct sweep_options some = {.grace_s = GRACE}, only = {.grace_s = GRACE, .alone = true};
    struct sweep_freed freed = {0};
    struct sweep *background, *asked;
    bool more = true;
    struct err e;
    struct yard y;

    yard_open(&y);
    background = sweep_new(y.store, &some, &e);
    asked = sweep_new(y.store, &only, &e);
    CHECK(background != NULL && asked != NULL);
    CHECK(sweep_new(y.store, &only, &e) == NULL);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_INT(sweep_step(background, test_now, &freed, &more, &e), -1);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_TEXT(e.text, "another sweep was asked for and is under way");
    CHECK_INT(sweep_step(asked, test_now, &freed, &more, &e), 0);
    sweep_free(&asked);
    CHECK_INT(sweep_step(background, test_now, &freed, &more, &e), 0);
    sweep_free(&background);
    yard_close(&y);
}
