/* What is remembered of pulls, and when it is written. */
#include "registry/background/pulls.h"
#include "tests/unit/meta/meta_fixture.h"

static struct digest image(struct world *w, unsigned number, const char *tag)
{
    char more[64];

    snprintf(more, sizeof(more), ",\"annotations\":{\"n\":\"%u\"}", number);
    return push_image(w, "a", 1, tag, more);
}

static bool is_noted(struct world *w, const char *tag)
{
    struct tag_info info;

    CHECK_INT(meta_tag_info(look(w), STR("a"), str_of(tag), &info, &w->err), 0);
    meta_done(w->reader);
    return info.pulled > 0;
}

static size_t noted(struct world *w)
{
    size_t n = table_entries(look(w), KV_PULLS);

    meta_done(w->reader);
    return n;
}

TEST(minute, "pulls are written a minute after the first look at the clock, and each manifest once")
{
    struct world w;
    struct pulls *pulls;
    struct digest one;

    world_open(&w);
    one = image(&w, 1, "one");
    image(&w, 2, "two");
    pulls = pulls_new(w.meta);
    pulls_tick(pulls, 5000);
    for (int i = 0; i < 3 * PULLS_MOST; i++)
        pulls_note(pulls, 1, &one);
    pulls_tick(pulls, 5000 + 59999);
    CHECK(!is_noted(&w, "one"));
    pulls_tick(pulls, 5000 + 60000);
    pulls_free(&pulls); /* waits for the writer */
    CHECK(is_noted(&w, "one") && !is_noted(&w, "two"));
    CHECK_INT(noted(&w), 1);
    CHECK(pulls == NULL);
    world_close(&w);
}

TEST(stop, "at the end the rest is written")
{
    struct world w;
    struct pulls *pulls;
    struct digest one;

    world_open(&w);
    one = image(&w, 1, "one");
    pulls = pulls_new(w.meta);
    pulls_note(pulls, 1, &one);
    pulls_note(pulls, 77, &one); /* of a repository that is not there */
    pulls_free(&pulls);
    CHECK_INT(noted(&w), 1);
    world_close(&w);
}

TEST(full, "more manifests than it remembers are written before the minute is over")
{
    struct world w;
    struct pulls *pulls;
    struct digest one, two;

    world_open(&w);
    one = image(&w, 1, "one");
    two = image(&w, 2, "two");
    pulls = pulls_new(w.meta);
    pulls_note(pulls, 1, &one);
    for (unsigned i = 1; i < PULLS_MOST; i++) {
        struct digest other = blob_digest(i);

        pulls_note(pulls, 1, &other);
    }
    CHECK(!is_noted(&w, "one"));
    pulls_note(pulls, 1, &two);
    pulls_free(&pulls);
    CHECK(is_noted(&w, "one") && is_noted(&w, "two"));
    world_close(&w);
}

TEST(held, "while they are held pulls are remembered and not written; afterwards they are, and at the end forgotten")
{
    struct world w;
    struct pulls *pulls;
    struct digest one, two;

    world_open(&w);
    one = image(&w, 1, "one");
    two = image(&w, 2, "two");
    pulls = pulls_new(w.meta);
    pulls_hold(pulls, true);
    pulls_tick(pulls, 5000);
    pulls_note(pulls, 1, &one);
    for (unsigned i = 1; i < PULLS_MOST; i++) {
        struct digest other = blob_digest(i);

        pulls_note(pulls, 1, &other);
    }
    pulls_note(pulls, 1, &two);
    pulls_tick(pulls, 5000 + 60000);
    pulls_free(&pulls);
    CHECK_INT(noted(&w), 0);
    pulls = pulls_new(w.meta);
    pulls_hold(pulls, true);
    pulls_tick(pulls, 5000);
    pulls_note(pulls, 1, &one);
    pulls_hold(pulls, false);
    pulls_tick(pulls, 5000 + 60000);
    pulls_free(&pulls);
    CHECK(is_noted(&w, "one"));
    world_close(&w);
}

TEST(off, "where pulls are not noted nothing happens")
{
    struct digest one = blob_digest(1);
    struct pulls *none = NULL;

    pulls_note(none, 1, &one);
    pulls_tick(none, 99999);
    pulls_free(&none);
    CHECK(none == NULL);
}
