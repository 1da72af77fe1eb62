/* The queue of what is to be told others: appended in changes, read in order, forgotten when nobody waits for it. */
#include "storage/meta/meta_outbox.h"
#include "tests/unit/meta/meta_fixture.h"

enum { MOST = 8 };

/* One change: begin, put, move, drop, clear; what is zero is not done. */
struct step {
    struct meta_change change; /* first */
    struct str readers[MOST];
    size_t reader_count;
    bool begin;
    uint64_t put; /* number */
    struct str bytes;
    struct str reader;
    uint64_t place;
    uint64_t drop;
    size_t limit;
    bool fails;

    uint64_t places[MOST];
    uint64_t next;
    uint64_t number;
    size_t dropped;
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct step *s = (struct step *)change;

    if (s->begin && outbox_begin(txn, s->readers, s->reader_count, s->places, &s->next, &s->number, e) != 0)
        return -1;
    if (s->put != 0)
        outbox_put(txn, s->put, s->bytes);
    if (s->reader.n > 0)
        outbox_place_put(txn, s->reader, s->place);
    if (s->drop != 0)
        s->dropped = outbox_drop(txn, s->drop, s->limit);
    if (s->fails)
        return err_set(e, ERR_RANGE, "it fails");
    return kv_status(txn, e);
}

static void run(struct world *w, struct step *s)
{
    s->change = (struct meta_change){.apply = apply};
    CHECK_INT(meta_write(w->meta, &s->change), s->fails ? -1 : 0);
}

static void put(struct world *w, uint64_t number, const char *text)
{
    struct step s = {.put = number, .bytes = str_of(text)};

    run(w, &s);
}

static struct step begin(struct world *w, const char *a, const char *b)
{
    struct step s = {.begin = true};

    if (a != NULL)
        s.readers[s.reader_count++] = str_of(a);
    if (b != NULL)
        s.readers[s.reader_count++] = str_of(b);
    run(w, &s);
    return s;
}

struct gathered {
    char text[256];
    size_t most;
};

static bool gather(uint64_t number, struct str bytes, void *arg)
{
    struct gathered *g = arg;
    size_t n = strlen(g->text);

    snprintf(g->text + n, sizeof(g->text) - n, "%llu=%.*s ", (unsigned long long)number, (int)bytes.n, bytes.p);
    return --g->most > 0;
}

/* "1=a 2=b ": what is there from `from` on, at most `most`. */
static void check_read(struct world *w, uint64_t from, size_t most, const char *wanted)
{
    struct gathered g = {.most = most};

    CHECK_INT(meta_outbox_read(look(w), from, gather, &g, &w->err), 0);
    meta_done(w->reader);
    CHECK_TEXT(g.text, wanted);
}

static bool used(struct world *w)
{
    bool used = meta_outbox_used(look(w));

    meta_done(w->reader);
    return used;
}

TEST(order, "records are read in the order of their numbers, from any number on")
{
    struct world w;

    world_open(&w);
    begin(&w, "a", NULL);
    put(&w, 2, "first");
    put(&w, 255, "second");
    put(&w, 300, "third");
    check_read(&w, 0, 9, "2=first 255=second 300=third ");
    check_read(&w, 3, 9, "255=second 300=third ");
    check_read(&w, 255, 1, "255=second ");
    check_read(&w, 301, 9, "");
    world_close(&w);
}

TEST(failed, "a change that fails leaves no record")
{
    struct step s = {.put = 1, .bytes = STR("x"), .fails = true};
    struct world w;

    world_open(&w);
    run(&w, &s);
    CHECK(!used(&w));
    world_close(&w);
}

TEST(new_reader, "a new reader begins at the end, a known one where it was, whichever way it is named")
{
    struct world w;
    struct step s, move = {.reader = STR("a"), .place = 3};

    world_open(&w);
    s = begin(&w, "a", NULL);
    CHECK_INT(s.next, 1);
    CHECK_INT(s.places[0], 1);
    put(&w, 1, "x");
    put(&w, 2, "y");
    put(&w, 3, "z");
    run(&w, &move);
    s = begin(&w, "b", "a");
    CHECK_INT(s.next, 4);
    CHECK_INT(s.places[0], 4);
    CHECK_INT(s.places[1], 3);
    world_close(&w);
}

TEST(gone_reader, "a reader that is not named any more is forgotten, and new when it comes back")
{
    struct world w;
    struct step s;

    world_open(&w);
    begin(&w, "a", "b");
    put(&w, 1, "x");
    begin(&w, "b", NULL);
    s = begin(&w, "a", "b");
    CHECK_INT(s.places[0], 2);
    CHECK_INT(s.places[1], 1);
    world_close(&w);
}

TEST(numbers, "numbers go on behind what was read and removed, so that none is given out twice")
{
    struct world w;
    struct step s, move = {.reader = STR("a"), .place = 8, .drop = 8, .limit = 99};

    world_open(&w);
    begin(&w, "a", NULL);
    put(&w, 7, "x");
    run(&w, &move);
    CHECK_INT(move.dropped, 1);
    s = begin(&w, "a", NULL);
    CHECK_INT(s.next, 8);
    CHECK_INT(s.places[0], 8);
    s = begin(&w, "z", NULL);
    CHECK_INT(s.next, 8);
    world_close(&w);
}

TEST(drop, "dropping takes the oldest below a number, as many as may be")
{
    struct world w;
    struct step s = {.drop = 4, .limit = 2};

    world_open(&w);
    begin(&w, "a", NULL);
    for (uint64_t i = 1; i <= 5; i++)
        put(&w, i, "x");
    run(&w, &s);
    CHECK_INT(s.dropped, 2);
    check_read(&w, 0, 9, "3=x 4=x 5=x ");
    run(&w, &s);
    CHECK_INT(s.dropped, 1);
    check_read(&w, 0, 9, "4=x 5=x ");
    world_close(&w);
}

TEST(number, "the queue keeps its own number until all is forgotten")
{
    struct world w;
    uint64_t first;

    world_open(&w);
    first = begin(&w, "a", NULL).number;
    put(&w, 1, "x");
    CHECK(begin(&w, "a", "b").number == first);
    CHECK_INT(meta_outbox_forget(w.meta, &w.err), 0);
    CHECK(!used(&w));
    check_read(&w, 0, 9, "");
    CHECK(begin(&w, "a", NULL).number != first);
    world_close(&w);
}

TEST(restart, "what was put is there after the metadata were closed and opened")
{
    struct world w;
    const char *directory = test_dir();

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    begin(&w, "a", NULL);
    put(&w, 1, "kept");
    world_close(&w);
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    check_read(&w, 0, 9, "1=kept ");
    CHECK_INT(begin(&w, "a", NULL).next, 2);
    world_close(&w);
}

TEST(size, "its size is that of its pages, which come free when it is emptied")
{
    static char kilobyte[1024];
    struct step s = {.drop = 1000, .limit = 1000};
    struct world w;
    uint64_t full;

    memset(kilobyte, 'x', sizeof(kilobyte) - 1);
    world_open(&w);
    for (uint64_t i = 1; i <= 100; i++)
        put(&w, i, kilobyte);
    full = meta_outbox_bytes(look(&w));
    meta_done(w.reader);
    run(&w, &s);
    CHECK(full >= 100 * 1024 && full < 150 * 1024);
    CHECK_INT(meta_outbox_bytes(look(&w)), 0);
    meta_done(w.reader);
    world_close(&w);
}
