#include "tests/bench/histogram.h"

#include <string.h>

#include "tests/unit/test.h"

static struct histogram filled(uint64_t first, uint64_t last, uint64_t step)
{
    struct histogram h = {0};

    for (uint64_t ns = first; ns <= last; ns += step)
        histogram_add(&h, ns);
    return h;
}

TEST(empty, "nothing recorded is zero, whatever is asked")
{
    struct histogram h = {0};

    CHECK_INT(histogram_within(&h, 0.5), 0);
    CHECK_INT(histogram_within(&h, 1), 0);
}

TEST(small, "times below 128 ns are exact")
{
    struct histogram h = filled(1, 100, 1);

    CHECK_INT(h.count, 100);
    CHECK_INT(histogram_within(&h, 0.5), 50);
    CHECK_INT(histogram_within(&h, 0.99), 99);
    CHECK_INT(histogram_within(&h, 0.999), 100);
    CHECK_INT(histogram_within(&h, 1), 100);
}

/* A slot apart from its neighbours by one doubling or a fraction of it: each time must be found again by itself. */
TEST(near, "any time up to two hours is told at most 1/64 too long and never too short")
{
    for (unsigned bit = 0; bit < HISTOGRAM_MAX_BITS; bit++)
        for (int off = -1; off <= 1; off++) {
            uint64_t ns = (1ULL << bit) + (1ULL << bit) / 3 + (uint64_t)(off + 1), told;
            struct histogram h = {0};

            histogram_add(&h, ns);
            histogram_add(&h, 1ULL << 62); /* so that the longest does not hide what is told */
            told = histogram_within(&h, 0.5);
            CHECK(told >= ns);
            CHECK(told - ns <= ns / 64);
        }
}

TEST(order, "more of all never takes less time, and the longest is exact")
{
    struct histogram h = filled(1000, 50000000, 77777);
    uint64_t before = 0;

    for (int i = 1; i <= 1000; i++) {
        uint64_t now = histogram_within(&h, i / 1000.0);

        CHECK(now >= before);
        before = now;
    }
    CHECK_INT(before, h.max);
    CHECK_INT(h.max, 1000 + (50000000 - 1000) / 77777 * 77777);
}

TEST(tail, "one slow request in a thousand is seen by p99.9 and not by p99")
{
    struct histogram h = {0};

    for (int i = 0; i < 1998; i++)
        histogram_add(&h, 100);
    histogram_add(&h, 5000000);
    histogram_add(&h, 9000000);
    CHECK_INT(histogram_within(&h, 0.99), 100);
    CHECK_INT(histogram_within(&h, 0.999), 100);
    CHECK(histogram_within(&h, 0.9991) >= 5000000);
    CHECK_INT(histogram_within(&h, 1), 9000000);
}

TEST(ages, "what takes longer than two hours is counted, and its length is known when it is the longest")
{
    struct histogram h = {0};

    histogram_add(&h, 7);
    histogram_add(&h, UINT64_MAX);
    CHECK_INT(h.count, 2);
    CHECK_INT(histogram_within(&h, 0.5), 7);
    CHECK(histogram_within(&h, 1) == UINT64_MAX);
}

TEST(merge, "two halves merged are the same as the whole")
{
    struct histogram odd = filled(1, 999999, 2), even = filled(2, 1000000, 2), all = filled(1, 1000000, 1);

    histogram_merge(&odd, &even);
    CHECK(memcmp(&odd, &all, sizeof(all)) == 0);
}
