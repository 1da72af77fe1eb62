/* The queue, and the pulls that loops gather for it. */
#include "registry/events/event_queue.h"

#include <stdatomic.h>
#include <unistd.h>

#include "registry/events/event_gather.h"
#include "tests/unit/events/event_fixture.h"
#include "tests/unit/meta/meta_fixture.h"

enum { LIMIT = 1 << 20 };

struct scene {
    struct world world;
    struct event_queue *queue;
};

static void open_queue(struct scene *s, const char *a, const char *b)
{
    const struct str names[] = {str_of(a), str_of(b == NULL ? "" : b)};
    const struct event_queue_options options = {.readers = names, .reader_count = b == NULL ? 1 : 2, .limit = LIMIT};

    s->queue = event_queue_open(s->world.meta, &options, &s->world.err);
    if (s->queue == NULL)
        test_fail(__FILE__, __LINE__, "%s", s->world.err.text);
}

static void begin(struct scene *s, const char *a, const char *b)
{
    world_open(&s->world);
    open_queue(s, a, b);
}

static void end(struct scene *s)
{
    event_queue_close(&s->queue);
    CHECK(s->queue == NULL);
    world_close(&s->world);
}

struct appending {
    struct meta_change change; /* first */
    struct event_queue *queue;
    struct str record;
    unsigned times;
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct appending *a = (struct appending *)change;

    (void)e;
    for (unsigned i = 0; i < a->times; i++)
        event_queue_append(a->queue, txn, a->record);
    return 0;
}

static void append(struct scene *s, struct str record, unsigned times)
{
    struct appending a = {.change = {.apply = apply}, .queue = s->queue, .record = record, .times = times};

    CHECK_INT(meta_write(s->world.meta, &a.change), 0);
    event_queue_wake(s->queue);
}

struct seen {
    uint64_t first, last;
    size_t n;
};

static bool look_at(uint64_t number, struct str bytes, void *arg)
{
    struct seen *seen = arg;

    (void)bytes;
    seen->first = seen->n++ == 0 ? number : seen->first;
    seen->last = number;
    return true;
}

static struct seen read_all(struct scene *s, size_t reader)
{
    struct seen seen = {0};

    CHECK_INT(event_queue_read(s->queue, reader, look(&s->world), look_at, &seen, &s->world.err), 0);
    meta_done(s->world.reader);
    return seen;
}

/* How many records there are, whoever waits for them. */
static size_t kept(struct scene *s)
{
    struct seen seen = {0};

    CHECK_INT(meta_outbox_read(look(&s->world), 0, look_at, &seen, &s->world.err), 0);
    meta_done(s->world.reader);
    return seen.n;
}

static bool tidy(struct scene *s, uint64_t wanted_dropped)
{
    uint64_t dropped;
    bool more;

    CHECK_INT(event_queue_tidy(s->queue, &dropped, &more, &s->world.err), 0);
    CHECK_INT(dropped, wanted_dropped);
    return more;
}

TEST(order, "each reader reads everything in order, and passes it on its own")
{
    struct scene s;

    begin(&s, "a", "b");
    append(&s, STR("x"), 3);
    CHECK_INT(read_all(&s, 0).n, 3);
    event_queue_pass(s.queue, 0, read_all(&s, 0).first + 2);
    CHECK_INT(read_all(&s, 0).n, 1);
    CHECK_INT(read_all(&s, 1).n, 3);
    CHECK_INT(event_queue_pending(s.queue, 0), 1);
    CHECK_INT(event_queue_pending(s.queue, 1), 3);
    end(&s);
}

TEST(tidying, "what all have passed is removed, and what one has not is kept")
{
    struct scene s;

    begin(&s, "a", "b");
    append(&s, STR("x"), 4);
    event_queue_pass(s.queue, 0, 5);
    CHECK(!tidy(&s, 0));
    CHECK_INT(kept(&s), 4);
    event_queue_pass(s.queue, 1, 3);
    CHECK(!tidy(&s, 0));
    CHECK_INT(kept(&s), 2);
    CHECK_INT(read_all(&s, 1).n, 2);
    end(&s);
}

TEST(restart, "after a restart a reader goes on where it was, and one that is gone keeps nobody waiting")
{
    struct scene s;
    uint64_t number;

    begin(&s, "a", "b");
    number = event_queue_number(s.queue);
    append(&s, STR("x"), 4);
    event_queue_pass(s.queue, 0, 3);
    event_queue_close(&s.queue);
    open_queue(&s, "a", NULL);
    CHECK(event_queue_number(s.queue) == number);
    CHECK_INT(read_all(&s, 0).n, 2);
    append(&s, STR("y"), 1);
    CHECK_INT(read_all(&s, 0).last, 5);
    CHECK(!tidy(&s, 0));
    CHECK_INT(kept(&s), 3);
    end(&s);
}

TEST(crash, "what was passed and not written down before a crash is read again, and nothing is lost")
{
    struct scene s, after;

    begin(&s, "a", NULL);
    append(&s, STR("x"), 4);
    event_queue_pass(s.queue, 0, 5);
    after = s;
    open_queue(&after, "a", NULL); /* as a start finds it */
    CHECK_INT(read_all(&after, 0).n, 4);
    event_queue_close(&after.queue);
    end(&s);
}

TEST(limit, "beyond the limit the oldest go, and who has not had them is told how many")
{
    static char kilobyte[1024];
    struct scene s;
    size_t rounds = 0;

    memset(kilobyte, 'x', sizeof(kilobyte));
    begin(&s, "a", "b");
    append(&s, (struct str){kilobyte, 900}, 1000);
    CHECK(!tidy(&s, 0));
    append(&s, (struct str){kilobyte, 900}, 2000);
    event_queue_pass(s.queue, 0, 501);
    while (rounds++ < 10 && tidy(&s, 1000))
        ;
    CHECK_INT(rounds, 2);
    CHECK_INT(kept(&s), 1000);
    CHECK_INT(event_queue_dropped(s.queue, 0), 1500);
    CHECK_INT(event_queue_dropped(s.queue, 1), 2000);
    CHECK_INT(read_all(&s, 0).first, 2001);
    CHECK(!tidy(&s, 0));
    end(&s);
}

TEST(waiting, "a reader waits until something comes after its mark, or for its time, or until it is stopped")
{
    struct scene s;
    uint64_t mark;

    begin(&s, "a", NULL);
    mark = event_queue_mark(s.queue);
    CHECK(event_queue_wait(s.queue, &mark, 10));
    append(&s, STR("x"), 1);
    CHECK(event_queue_wait(s.queue, &mark, 100000));
    mark = event_queue_mark(s.queue);
    CHECK(event_queue_wait(s.queue, NULL, 10));
    event_queue_stop(s.queue);
    CHECK(!event_queue_wait(s.queue, &mark, 100000));
    CHECK(!event_queue_wait(s.queue, NULL, 100000));
    end(&s);
}

/* ---- pulls ---- */

static void pull(struct event_gather *gather)
{
    const struct event event = full_event();
    struct sbuf *origin = event_gather_room(gather);

    event_origin_pack(&event.origin, origin);
    event_gather_add(gather, &event, (struct str){origin->p, origin->n});
}

static bool is_full_event(uint64_t number, struct str bytes, void *arg)
{
    struct event event;

    (void)number;
    *(bool *)arg = event_unpack(bytes, &event) && str_eq(event.origin.user, STR("alice"));
    return *(bool *)arg;
}

TEST(pulls, "pulls are kept in memory until the tick, and then written whole and together")
{
    _Atomic uint64_t lost = 0;
    struct event_gather *gather;
    bool whole = false;
    struct scene s;

    begin(&s, "a", NULL);
    gather = event_gather_new(s.world.meta, s.queue, &lost);
    event_gather_tick(gather);
    for (int i = 0; i < 3; i++)
        pull(gather);
    CHECK_INT(kept(&s), 0);
    event_gather_tick(gather);
    pull(gather);
    event_gather_free(&gather);
    CHECK(gather == NULL);
    CHECK_INT(kept(&s), 4);
    CHECK_INT(meta_outbox_read(look(&s.world), 0, is_full_event, &whole, &s.world.err), 0);
    meta_done(s.world.reader);
    CHECK(whole);
    CHECK_INT(lost, 0);
    end(&s);
}

TEST(many_pulls, "many pulls are written before the tick; none is lost while the writer keeps up")
{
    _Atomic uint64_t lost = 0;
    struct event_gather *gather;
    struct scene s;

    begin(&s, "a", NULL);
    gather = event_gather_new(s.world.meta, s.queue, &lost);
    for (int i = 0; i < 1000; i++)
        pull(gather);
    event_gather_free(&gather);
    CHECK_INT(kept(&s) + lost, 1000);
    CHECK_INT(lost, 0);
    end(&s);
}

struct blocker {
    struct meta_change change; /* first */
    atomic_bool free;
};

static int apply_block(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)txn, (void)e;
    while (!atomic_load(&((struct blocker *)change)->free))
        usleep(1000);
    return 0;
}

static void blocked(struct meta_change *change)
{
    (void)change;
}

TEST(flood, "when the writer is far behind pulls are counted instead of kept")
{
    struct blocker blocker = {.change = {.apply = apply_block, .done = blocked}};
    _Atomic uint64_t lost = 0;
    struct event_gather *gather;
    struct scene s;
    size_t pulled = 0;

    begin(&s, "a", NULL);
    gather = event_gather_new(s.world.meta, s.queue, &lost);
    meta_submit(s.world.meta, &blocker.change);
    while (lost < 100) {
        pull(gather);
        pulled++;
    }
    atomic_store(&blocker.free, true);
    event_gather_free(&gather);
    CHECK(pulled > GATHERS_MOST * (size_t)(GATHER_BYTES / 512));
    CHECK_INT(kept(&s) + lost, pulled);
    end(&s);
}
