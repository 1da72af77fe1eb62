#include "tests/unit/events/event_fixture.h"

#include <stdlib.h>

static void check_same(struct str a, struct str b)
{
    CHECK(str_eq(a, b));
}

TEST(whole, "what is packed is unpacked, all of it")
{
    const struct event event = full_event();
    struct sbuf record = packed(&event);
    struct event out;

    CHECK(event_unpack((struct str){record.p, record.n}, &out));
    CHECK_INT(out.action, ACTION_MOUNT);
    CHECK_INT(out.target, TARGET_BLOB);
    CHECK(out.when_ns == event.when_ns && out.size == 700 && out.origin.tls);
    CHECK(memcmp(out.run, event.run, sizeof(out.run)) == 0 && digest_equal(&out.digest, &event.digest));
    check_same(out.repository, event.repository);
    check_same(out.media_type, event.media_type);
    check_same(out.tag, event.tag);
    check_same(out.from, event.from);
    check_same(out.origin.id, event.origin.id);
    check_same(out.origin.address, event.origin.address);
    check_same(out.origin.host, event.origin.host);
    check_same(out.origin.method, event.origin.method);
    check_same(out.origin.agent, event.origin.agent);
    check_same(out.origin.user, event.origin.user);
    sbuf_free(&record);
}

TEST(little, "an event of a tag has no digest, and an origin over plain HTTP says so")
{
    const struct event event = {.action = ACTION_DELETE, .target = TARGET_TAG, .repository = STR("a"), .tag = STR("t")};
    struct sbuf record = packed(&event);
    struct event out;

    CHECK(event_unpack((struct str){record.p, record.n}, &out));
    CHECK(out.digest.alg == 0 && out.media_type.n == 0 && !out.origin.tls && out.origin.id.n == 0);
    sbuf_free(&record);
}

TEST(torn, "a record that is cut anywhere, or longer, or of another version, is none")
{
    const struct event event = full_event();
    struct sbuf record = packed(&event);
    struct event out;

    for (size_t n = 0; n < record.n; n++) {
        char *cut = xmalloc(n + 1); /* so that a sanitizer sees a step over the end */

        memcpy(cut, record.p, n);
        cut = xrealloc(cut, n == 0 ? 1 : n);
        CHECK(!event_unpack((struct str){cut, n}, &out));
        free(cut);
    }
    sbuf_put(&record, "", 1);
    CHECK(!event_unpack((struct str){record.p, record.n}, &out));
    record.n--;
    for (int at = 0; at < 4; at++) {
        char was = record.p[at];

        record.p[at] = 99;
        CHECK(!event_unpack((struct str){record.p, record.n}, &out));
        record.p[at] = was;
    }
    CHECK(event_unpack((struct str){record.p, record.n}, &out));
    sbuf_free(&record);
}

TEST(lengthy, "what a client makes longer than a kilobyte is cut")
{
    static char agent[70000];
    struct event event = full_event(), out;
    struct sbuf record;

    memset(agent, 'a', sizeof(agent));
    event.origin.agent = (struct str){agent, sizeof(agent)};
    record = packed(&event);
    CHECK(event_unpack((struct str){record.p, record.n}, &out));
    CHECK_INT(out.origin.agent.n, 1024);
    check_same(out.origin.user, event.origin.user);
    sbuf_free(&record);
}
