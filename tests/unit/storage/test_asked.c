/* Which manifests were asked for, and what a ticket is worth while they are being removed. */
#include "storage/asked.h"
#include "registry/base/clock.h"
#include "tests/unit/meta/meta_fixture.h"

static uint64_t test_ms = 1000000;

/* In place of those of registry/base/clock.c. */
uint64_t clock_monotonic_ms(void)
{
    return test_ms;
}

uint64_t clock_monotonic_us(void)
{
    return test_ms * 1000;
}

uint64_t clock_wall_s(void)
{
    return NOW;
}

TEST(within, "a manifest counts as asked for as long as it is said, and another does not")
{
    struct asked *asked = asked_new();
    struct digest one = blob_digest(1), other = blob_digest(2);

    CHECK(!asked_within(asked, &one, 1000000000));
    CHECK(asked_note(asked, &one, asked_ticket(asked, &one)));
    CHECK(asked_within(asked, &one, 10));
    CHECK(!asked_within(asked, &other, 10));
    test_ms += 10 * 1000;
    CHECK(asked_within(asked, &one, 10));
    test_ms += 5 * 1000;
    CHECK(!asked_within(asked, &one, 10));
    CHECK(asked_note(asked, &one, asked_ticket(asked, &one)));
    CHECK(asked_within(asked, &one, 10));
    asked_free(&asked);
    CHECK(asked == NULL);
}

TEST(tickets, "a ticket is void when a removal began or ended since, or is under way, and the question counts")
{
    struct asked *asked = asked_new();
    struct digest d = blob_digest(1);
    uint64_t before = asked_ticket(asked, &d), meanwhile;

    asked_doom(asked, &d);
    meanwhile = asked_ticket(asked, &d);
    CHECK(!asked_note(asked, &d, before));
    CHECK(asked_within(asked, &d, 10));
    CHECK(!asked_note(asked, &d, meanwhile));
    asked_doom(asked, &d); /* another one that shares the entry */
    CHECK(!asked_note(asked, &d, asked_ticket(asked, &d)));
    asked_spare(asked, &d);
    CHECK(!asked_note(asked, &d, asked_ticket(asked, &d)));
    asked_spare(asked, &d);
    CHECK(!asked_note(asked, &d, before));
    CHECK(!asked_note(asked, &d, meanwhile));
    CHECK(asked_note(asked, &d, asked_ticket(asked, &d)));
    asked_free(&asked);
}

TEST(many_removals, "counting removals never looks like one that is under way")
{
    struct asked *asked = asked_new();
    struct digest d = blob_digest(1);

    CHECK(asked_note(asked, &d, asked_ticket(asked, &d)));
    for (unsigned i = 0; i < 70000; i++) {
        asked_doom(asked, &d);
        asked_spare(asked, &d);
    }
    CHECK(asked_note(asked, &d, asked_ticket(asked, &d)));
    CHECK(asked_within(asked, &d, 10));
    asked_free(&asked);
}
