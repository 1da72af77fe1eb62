/* Who is let past the counts of others: pairs, farms, people who mistype. */
#include "tests/unit/auth/throttle_fixture.h"

TEST(suspects, "who has four attempts out, by address or by name, is a suspect until they have come back")
{
    const struct throttle_limits wide = {.address_burst = 100, .user_burst = 100, .recover_ms = 1000};
    struct throttle *throttle = throttle_new(&wide);
    struct network_address guesser = ipv4(1), other = ipv4(2);
    struct throttle_attempt attempt;

    for (unsigned n = 0; n < 6; n++) {
        CHECK_INT(throttle_take(throttle, &guesser, name_of(n), new_password(), NOW, &attempt), 0);
        CHECK_INT(attempt.suspect, n >= 4);
    }
    CHECK_INT(throttle_take(throttle, &other, STR("alice"), new_password(), NOW, &attempt), 0);
    CHECK(!attempt.suspect);
    for (unsigned n = 0; n < 4; n++)
        CHECK_INT(throttle_take(throttle, (struct network_address[]){ipv4(10 + n)}, STR("alice"), new_password(), NOW,
                                &attempt),
                  0);
    CHECK(attempt.suspect);
    CHECK_INT(throttle_take(throttle, &guesser, STR("bob"), new_password(), NOW + 3000, &attempt), 0);
    CHECK(!attempt.suspect);
    throttle_free(&throttle);
}

TEST(returned, "a password that was not looked at costs nothing, and vouches for nobody")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    struct throttle_attempt attempt;

    for (unsigned n = 0; n < 20; n++) {
        CHECK_INT(throttle_take(throttle, &from, STR("alice"), new_password(), NOW, &attempt), 0);
        throttle_return(throttle, &attempt);
    }
    CHECK_INT(passing(throttle, from, STR("alice"), NOW, 10), limits.user_burst);
    throttle_free(&throttle);
}

TEST(no_lock_out, "where a user has logged in before, others who guess at his name do not keep him out")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    for (uint32_t i = 100; i < 200; i++)
        take(throttle, ipv4(i), STR("alice"), NOW);
    CHECK(!log_in(throttle, ipv4(2), STR("alice"), NOW));
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    /* that is of no use to others at that address, nor to the user elsewhere */
    CHECK_INT(passing(throttle, ipv4(3), STR("bob"), NOW, 9), 3);
    CHECK(!log_in(throttle, ipv4(1), STR("bob"), NOW));
    throttle_free(&throttle);
}

TEST(pair_counts, "a pair has a count of its own: neighbours cannot use up its attempts, nor guess at it without end")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    for (unsigned n = 0; n < 100; n++)
        take(throttle, ipv4(1), name_of(n), NOW);
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(1), STR("alice"), NOW, 9), limits.user_burst);
    CHECK(!log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW + limits.recover_ms));
    throttle_free(&throttle);
}

TEST(asking, "asking takes nothing, and says of a pair what only its own count says")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    bool paired = true;

    for (unsigned n = 0; n < 50; n++)
        CHECK_INT(throttle_ask(throttle, &from, STR("alice"), NOW, &paired), 0);
    CHECK(!paired);
    CHECK(log_in(throttle, from, STR("alice"), NOW));
    CHECK_INT(passing(throttle, from, STR("bob"), NOW, 9), 3);
    CHECK_INT(throttle_ask(throttle, &from, STR("bob"), NOW, &paired), 3);
    CHECK(!paired);
    CHECK_INT(throttle_ask(throttle, &from, STR("alice"), NOW, &paired), 0);
    CHECK(paired);
    throttle_free(&throttle);
}

TEST(farm, "one password sent by a thousand at once is one attempt; another one is another")
{
    static struct throttle_attempt attempts[1000];
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1);
    struct throttle_attempt other;

    for (size_t i = 0; i < 1000; i++) {
        CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("right"), NOW, &attempts[i]), 0);
        CHECK_INT(attempts[i].joined, i > 0);
    }
    CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("wrong"), NOW, &other), 0);
    CHECK(!other.joined);
    throttle_failed(throttle, &other);
    for (size_t i = 0; i < 1000; i++)
        throttle_passed(throttle, &attempts[i], NOW);
    CHECK_INT(throttle_take(throttle, &from, STR("ci"), STR("right"), NOW, &other), 0);
    CHECK(!other.joined); /* the flight is over */
    throttle_return(throttle, &other);
    throttle_free(&throttle);
}

TEST(no_join, "who has used up his attempts cannot begin a flight for others to join")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv4(1), elsewhere = ipv4(2);
    struct throttle_attempt attempt;

    CHECK_INT(passing(throttle, from, STR("alice"), NOW, 9), 3);
    CHECK(throttle_take(throttle, &from, STR("alice"), STR("guess"), NOW, &attempt) > 0);
    CHECK(throttle_take(throttle, &elsewhere, STR("alice"), STR("guess"), NOW, &attempt) > 0);
    throttle_free(&throttle);
}

TEST(exempt_refund, "a login that took nothing from the name gives nothing back to who guesses at it")
{
    struct throttle *throttle = throttle_new(&limits);

    CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(2), STR("alice"), NOW, 9), 3);
    for (unsigned i = 0; i < 10; i++)
        CHECK(log_in(throttle, ipv4(1), STR("alice"), NOW));
    CHECK_INT(passing(throttle, ipv4(2), STR("alice"), NOW, 9), 0);
    throttle_free(&throttle);
}

TEST(recalled, "an address whose password was known without hashing it is remembered, too")
{
    struct throttle *throttle = throttle_new(&limits);
    struct network_address from = ipv6(1, 1);

    throttle_remember(throttle, &from, STR("alice"), NOW);
    throttle_remember(throttle, &nowhere, STR("alice"), NOW);
    CHECK_INT(passing(throttle, nowhere, STR("alice"), NOW, 9), 3);
    CHECK_INT(take(throttle, ipv6(2, 1), STR("alice"), NOW), 3);
    CHECK_INT(take(throttle, ipv6(1, 2), STR("alice"), NOW), 0);
    throttle_free(&throttle);
}
