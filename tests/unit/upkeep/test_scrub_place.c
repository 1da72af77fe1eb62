/* How blobs are divided between scrubs, and the place where one that is given up goes on. */
#include "storage/upkeep/scrub_state.h"
#include "tests/unit/upkeep/scrub_fixture.h"

TEST(shares, "shares divide the blobs between them, each blob to one")
{
    struct scrub_count total = {0};
    struct yard y;

    yard_open(&y);
    for (unsigned n = 1; n <= 100; n++)
        push(&y, "a", n);
    for (unsigned share = 0; share < 3; share++) {
        const struct scrub_options options = {.share = share, .shares = 3};
        struct scrub *scrub = scrub_new(y.store, &options, NULL);
        uint64_t before = total.blobs;
        bool more = true;

        while (more)
            CHECK_INT(scrub_step(scrub, &total, &more, NULL), 0);
        CHECK(total.blobs > before);
        scrub_free(&scrub);
    }
    CHECK_INT(total.blobs, 100);
    yard_close(&y);
}

TEST(resumed, "a scrub that is given up goes on at its place, looking at nothing twice and passing nothing over")
{
    struct digest place;
    struct scrub *scrub;
    struct yard y;
    bool more;

    yard_open(&y);
    for (unsigned n = 1; n <= 150; n++)
        push(&y, "a", n);
    scrub = new_scrub(&y, false);
    CHECK(!scrub_place(scrub, &place));
    CHECK_INT(scrub_step(scrub, &done, &more, NULL), 0);
    CHECK(more && done.blobs == 64);
    CHECK(scrub_place(scrub, &place));
    scrub_free(&scrub);
    scrub = scrub_new(y.store, &(struct scrub_options){0}, NULL);
    scrub_resume(scrub, &place);
    while (more)
        CHECK_INT(scrub_step(scrub, &done, &more, NULL), 0);
    CHECK_INT(done.blobs, 150);
    scrub_free(&scrub);
    yard_close(&y);
}

/* ---- the place ---- */

TEST(state, "the place of a scrub is read back as it was written")
{
    struct scrub_state state = {.under_way = true,
                                .began = 7,
                                .has_place = true,
                                .place = blob_digest(4),
                                .found = 2,
                                .finished = 5,
                                .found_last = 1};
    const char *root = test_dir();
    struct scrub_state back;

    scrub_state_load(root, &back);
    CHECK(!back.under_way && back.finished == 0);
    CHECK_INT(scrub_state_save(root, &state, NULL), 0);
    scrub_state_load(root, &back);
    CHECK(back.under_way && back.has_place && digest_equal(&back.place, &state.place));
    CHECK(back.began == 7 && back.found == 2 && back.finished == 5 && back.found_last == 1);
    state.under_way = false;
    CHECK_INT(scrub_state_save(root, &state, NULL), 0);
    scrub_state_load(root, &back);
    CHECK(!back.under_way && !back.has_place && back.finished == 5);
}

TEST(damaged_state, "a place that cannot be understood means the start")
{
    static const char place_only[] = "berth scrub 1\nplace "
                                     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    static const char *const texts[] = {"",
                                        "berth scrub 2\n",
                                        "berth scrub 1\nplace sha256:0\n",
                                        "berth scrub 1\nbegan -1\n",
                                        "berth scrub 1\nbegan 1\nwhat 3\n",
                                        "berth scrub 1\nfinished 12",
                                        place_only};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *root = test_dir();
        struct scrub_state state;
        char path[600];

        snprintf(path, sizeof(path), "%s/scrub", root);
        write_file(path, texts[i], strlen(texts[i]));
        scrub_state_load(root, &state);
        CHECK(!state.under_way && !state.has_place && state.began == 0 && state.finished == 0);
    }
}
