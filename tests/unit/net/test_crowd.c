#include "registry/net/crowd.h"

#include "tests/unit/test.h"

static struct network_address at(const char *text)
{
    struct network_address address;

    if (!network_address_parse(str_of(text), &address))
        test_fail(__FILE__, __LINE__, "%s", text);
    return address;
}

/* How many of `n` connections from there are welcome. */
static int enter(struct crowd *crowd, const char *text, int n)
{
    struct network_address from = at(text);
    int welcome = 0;

    for (int i = 0; i < n; i++)
        welcome += crowd_enter(crowd, &from) == CROWD_WELCOME;
    return welcome;
}

static void leave(struct crowd *crowd, const char *text, int n)
{
    struct network_address from = at(text);

    for (int i = 0; i < n; i++)
        crowd_leave(crowd, &from);
}

TEST(address, "an address has so many connections and no more, until one of them ends")
{
    struct crowd *crowd = crowd_new(1000, 3);

    CHECK_INT(enter(crowd, "192.0.2.1", 5), 3);
    CHECK_INT(enter(crowd, "192.0.2.2", 1), 1);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(enter(crowd, "192.0.2.1", 5), 1);
    leave(crowd, "192.0.2.1", 3);
    CHECK_INT(enter(crowd, "192.0.2.1", 5), 3);
    crowd_free(&crowd);
    CHECK(crowd == NULL);
}

TEST(prefix, "IPv6 addresses of one /64 share a limit; IPv4 is the same by either family of sockets")
{
    struct crowd *crowd = crowd_new(1000, 2);

    CHECK_INT(enter(crowd, "2001:db8::1", 1), 1);
    CHECK_INT(enter(crowd, "2001:db8::ffff:2", 3), 1);
    CHECK_INT(enter(crowd, "2001:db8:0:1::1", 3), 2);
    CHECK_INT(enter(crowd, "192.0.2.1", 1), 1);
    CHECK_INT(enter(crowd, "::ffff:192.0.2.1", 3), 1);
    crowd_free(&crowd);
}

TEST(local, "this machine and Unix sockets have no limit of their own, but count")
{
    struct crowd *crowd = crowd_new(30, 1);
    struct network_address unknown = {0};

    CHECK_INT(enter(crowd, "127.0.0.1", 10), 10);
    CHECK_INT(enter(crowd, "127.200.0.1", 5), 5);
    CHECK_INT(enter(crowd, "::1", 10), 10);
    for (int i = 0; i < 5; i++)
        CHECK_INT(crowd_enter(crowd, &unknown), CROWD_WELCOME);
    CHECK(crowd_is_full(crowd, 0));
    crowd_leave(crowd, &unknown);
    CHECK(!crowd_is_full(crowd, 0));
    crowd_free(&crowd);
}

TEST(full, "it is full with as many as may be, and with a spare it is not yet")
{
    struct crowd *crowd = crowd_new(4, 10);

    CHECK_INT(crowd_most(crowd), 4);
    CHECK(!crowd_is_full(NULL, 0));
    enter(crowd, "192.0.2.1", 3);
    CHECK(!crowd_is_full(crowd, 0));
    enter(crowd, "192.0.2.2", 1);
    CHECK(crowd_is_full(crowd, 0));
    CHECK(!crowd_is_full(crowd, 1));
    leave(crowd, "192.0.2.1", 1);
    CHECK(!crowd_is_full(crowd, 0));
    crowd_free(&crowd);
}

struct sleeper {
    struct crowd_waiter waiter;
    int woken;
};

static void wake(struct crowd_waiter *waiter)
{
    ((struct sleeper *)waiter)->woken++;
}

TEST(waiting, "who waits is woken once by whoever leaves, and again only when he has come and waits again")
{
    struct crowd *crowd = crowd_new(10, 10);
    struct sleeper one = {.waiter.wake = wake}, two = {.waiter.wake = wake};

    enter(crowd, "192.0.2.1", 8);
    crowd_wait(crowd, &one.waiter);
    crowd_wait(crowd, &one.waiter);
    crowd_wait(crowd, &two.waiter);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 1);
    CHECK_INT(two.woken, 1);
    crowd_wait(crowd, &one.waiter); /* its message is on the way */
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 1);
    crowd_arrived(crowd, &one.waiter);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 1);
    crowd_wait(crowd, &one.waiter);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 2);
    crowd_free(&crowd);
}

TEST(giving_up, "who gives up is not woken any more, wherever he stands")
{
    struct crowd *crowd = crowd_new(10, 10);
    struct sleeper one = {.waiter.wake = wake}, two = {.waiter.wake = wake}, three = {.waiter.wake = wake};

    enter(crowd, "192.0.2.1", 2);
    crowd_wait(crowd, &one.waiter);
    crowd_wait(crowd, &two.waiter);
    crowd_wait(crowd, &three.waiter);
    crowd_give_up(crowd, &two.waiter);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 1);
    CHECK_INT(two.woken, 0);
    CHECK_INT(three.woken, 1);
    crowd_give_up(crowd, &one.waiter);
    crowd_wait(crowd, &one.waiter);
    leave(crowd, "192.0.2.1", 1);
    CHECK_INT(one.woken, 1);
    crowd_free(&crowd);
}

TEST(many, "ten thousand addresses that come and go leave nothing behind")
{
    struct crowd *crowd = crowd_new(100000, 1);

    for (int turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < 20000; i++) {
            struct network_address from = at("198.51.100.1");

            from.bytes[13] = (uint8_t)(i % 10000 >> 8);
            from.bytes[14] = (uint8_t)(i % 10000);
            if (i < 10000)
                CHECK_INT(crowd_enter(crowd, &from), CROWD_WELCOME);
            else
                crowd_leave(crowd, &from);
        }
    }
    CHECK(!crowd_is_full(crowd, 0));
    crowd_free(&crowd);
}
