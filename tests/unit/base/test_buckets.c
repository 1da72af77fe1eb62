#include "registry/base/buckets.h"

#include "tests/unit/test.h"

static const struct scale scale = {.digits = 3, .n = 3, .bounds = {10, 20, 50}};

static struct bucket_counts counts_of(const struct buckets *buckets)
{
    struct bucket_counts counts = {0};

    buckets_read(buckets, &counts);
    return counts;
}

TEST(classes, "a value counts in the first class whose bound it does not pass; bounds belong to their class")
{
    static const struct {
        uint64_t value;
        size_t class;
    } cases[] = {{0, 0}, {10, 0}, {11, 1}, {20, 1}, {21, 2}, {50, 2}, {51, 3}, {UINT64_MAX, 3}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buckets buckets = {0};

        buckets_note(&buckets, &scale, cases[i].value);
        for (size_t class = 0; class <= scale.n; class ++)
            CHECK_INT(counts_of(&buckets).counts[class], class == cases[i].class);
        CHECK_INT(counts_of(&buckets).sum, cases[i].value);
        CHECK_INT(counts_of(&buckets).total, 1);
    }
}

TEST(sums, "what several hold is added up, value by value")
{
    struct buckets a = {0}, b = {0};
    struct bucket_counts both = {0};

    buckets_note(&a, &scale, 5);
    buckets_note(&a, &scale, 15);
    buckets_note(&b, &scale, 15);
    buckets_note(&b, &scale, 1000);
    buckets_read(&a, &both);
    buckets_read(&b, &both);
    CHECK_INT(both.counts[0], 1);
    CHECK_INT(both.counts[1], 2);
    CHECK_INT(both.counts[2], 0);
    CHECK_INT(both.counts[3], 1);
    CHECK_INT(both.sum, 1035);
    CHECK_INT(both.total, 4);
}

TEST(scales,
     "the bounds of the scales that there are ascend and fit; durations reach from below a millisecond to minutes")
{
    const struct scale *all[] = {&scale_durations, &scale_numbers};

    for (size_t i = 0; i < 2; i++) {
        CHECK(all[i]->n > 0 && all[i]->n <= BUCKETS_MOST);
        for (size_t at = 1; at < all[i]->n; at++)
            CHECK(all[i]->bounds[at - 1] < all[i]->bounds[at]);
    }
    CHECK_INT(scale_durations.digits, 6);
    CHECK_INT(scale_durations.bounds[0], 100);
    CHECK_INT(scale_durations.bounds[scale_durations.n - 1], 600 * 1000000LL);
}
