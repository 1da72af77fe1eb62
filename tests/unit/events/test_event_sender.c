/* One endpoint, told by a thread, over real sockets. */
#include "registry/events/event_sender.h"

#include <stdatomic.h>

#include "registry/base/clock.h"
#include "registry/events/events_metrics.h"
#include "tests/unit/client/http_fixture.h"
#include "tests/unit/events/event_fixture.h"
#include "tests/unit/meta/meta_fixture.h"

enum { BODIES = 64 * 1024, PATIENCE_MS = 20 * 1000 };

/* A receiver that fails as often as it is told and then accepts; it keeps the bodies. */
struct receiver {
    struct site site;
    atomic_int failures;      /* still to come: 500 */
    atomic_int bodies;        /* accepted */
    char accepted[4][BODIES]; /* the first ones */
    char head[HEAD_ROOM];     /* of the last */
};

static void answer(struct talk *talk, const void *arg)
{
    struct receiver *r = (struct receiver *)(uintptr_t)arg;
    const char *length = strcasestr(talk->head, "\r\ncontent-length: ");
    long n = length == NULL ? 0 : strtol(length + 18, NULL, 10);
    char *body = xcalloc(1, (size_t)n + 1);
    int at = atomic_load(&r->bodies);

    for (long got = 0; got < n;) {
        ssize_t more = recv(talk->fd, body + got, (size_t)(n - got), 0);

        if (more <= 0)
            break;
        got += more;
    }
    if (atomic_load(&r->failures) > 0) {
        atomic_fetch_sub(&r->failures, 1);
        talk_say(talk, "HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else {
        memcpy(r->head, talk->head, sizeof(r->head));
        if (at < 4)
            snprintf(r->accepted[at], BODIES, "%s", body);
        atomic_fetch_add(&r->bodies, 1);
        talk_say(talk, "HTTP/1.1 202 yes\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    free(body);
}

struct scene {
    struct world world;
    struct receiver *receiver;
    struct event_queue *queue;
    struct event_context context;
    struct config_endpoint endpoint;
    struct event_sender *sender;
    bool references;
};

static char name[] = "hook";

static void begin(struct scene *s)
{
    const struct str reader = str_of(name);
    const struct event_queue_options options = {.readers = &reader, .reader_count = 1, .limit = 1 << 20};

    memset(s, 0, sizeof(*s));
    world_open(&s->world);
    s->receiver = xcalloc(1, sizeof(*s->receiver));
    site_open(&s->receiver->site, NULL, answer, s->receiver);
    s->queue = event_queue_open(s->world.meta, &options, &s->world.err);
    CHECK(s->queue != NULL);
    s->context.node = "node";
    s->endpoint = (struct config_endpoint){.name = name,
                                           .url = str_dup(str_of(site_url(&s->receiver->site, "/events"))),
                                           .timeout_ms = 5000,
                                           .threshold = 3,
                                           .backoff_ms = 1};
}

static void start(struct scene *s)
{
    const struct event_sender_options options = {.endpoint = &s->endpoint,
                                                 .context = &s->context,
                                                 .queue = s->queue,
                                                 .meta = s->world.meta,
                                                 .references = s->references};

    s->sender = event_sender_start(&options, &s->world.err);
    if (s->sender == NULL)
        test_fail(__FILE__, __LINE__, "%s", s->world.err.text);
}

static void stop(struct scene *s)
{
    event_queue_stop(s->queue);
    event_sender_stop(&s->sender);
    CHECK(s->sender == NULL);
}

static void end(struct scene *s)
{
    site_close(&s->receiver->site);
    event_queue_close(&s->queue);
    free(s->endpoint.url);
    free(s->receiver);
    world_close(&s->world);
}

struct appending {
    struct meta_change change; /* first */
    struct event_queue *queue;
    struct str record;
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct appending *a = (struct appending *)change;

    (void)e;
    event_queue_append(a->queue, txn, a->record);
    return 0;
}

static void append(struct scene *s, struct str record)
{
    struct appending a = {.change = {.apply = apply}, .queue = s->queue, .record = record};

    CHECK_INT(meta_write(s->world.meta, &a.change), 0);
    event_queue_wake(s->queue);
}

/* A push of `tag` in "team/app". */
static void happen(struct scene *s, const char *tag, enum event_action action)
{
    struct event event = full_event();
    struct sbuf record;

    event.action = action;
    event.target = TARGET_MANIFEST;
    event.tag = str_of(tag);
    record = packed(&event);
    append(s, (struct str){record.p, record.n});
    sbuf_free(&record);
}

static void wait_for(struct scene *s, uint64_t delivered)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (atomic_load(&event_sender_counts(s->sender)->delivered) < delivered && clock_monotonic_ms() < until)
        usleep(1000);
    CHECK_INT(event_sender_counts(s->sender)->delivered, delivered);
}

/* The tags in a body, in their order: "one two ". */
static void check_tags(const char *body, const char *wanted)
{
    char tags[256] = "";

    for (const char *at = body; (at = strstr(at, "\"tag\":\"")) != NULL;) {
        at += 7;
        strncat(tags, at, strcspn(at, "\""));
        strcat(tags, " ");
    }
    CHECK_TEXT(tags, wanted);
}

TEST(together, "what waits goes in one envelope, in order, and is passed when it is accepted")
{
    struct config_header header = {(char[]){"X-Key"}, (char[]){"secret"}};
    struct scene s;

    begin(&s);
    s.endpoint.headers = &header;
    s.endpoint.header_count = 1;
    happen(&s, "one", ACTION_PUSH);
    happen(&s, "two", ACTION_PULL);
    start(&s);
    wait_for(&s, 2);
    CHECK_INT(s.receiver->bodies, 1);
    check_tags(s.receiver->accepted[0], "one two ");
    CHECK(strncmp(s.receiver->accepted[0], "{\"events\":[{\"id\":", 17) == 0);
    CHECK(strstr(s.receiver->head, "\r\nX-Key: secret\r\n") != NULL);
    CHECK(strstr(s.receiver->head, "\r\nContent-Type: " EVENT_ENVELOPE_TYPE "\r\n") != NULL);
    CHECK(strncmp(s.receiver->head, "POST /events HTTP/1.1\r\n", 23) == 0);
    happen(&s, "three", ACTION_PUSH);
    wait_for(&s, 3);
    check_tags(s.receiver->accepted[1], "three ");
    CHECK_INT(event_queue_pending(s.queue, 0), 0);
    stop(&s);
    end(&s);
}

TEST(type, "a Content-Type of the configuration is sent in place of ours")
{
    struct config_header header = {(char[]){"content-type"}, (char[]){"application/json"}};
    struct scene s;

    begin(&s);
    s.endpoint.headers = &header;
    s.endpoint.header_count = 1;
    happen(&s, "one", ACTION_PUSH);
    start(&s);
    wait_for(&s, 1);
    CHECK(strstr(s.receiver->head, "\r\ncontent-type: application/json\r\n") != NULL);
    CHECK(strstr(s.receiver->head, EVENT_ENVELOPE_TYPE) == NULL);
    stop(&s);
    end(&s);
}

TEST(again, "what is not accepted is sent again, one event at a time, and nothing overtakes it")
{
    struct scene s;

    begin(&s);
    atomic_store(&s.receiver->failures, 5);
    happen(&s, "one", ACTION_PUSH);
    happen(&s, "two", ACTION_PUSH);
    happen(&s, "three", ACTION_PUSH);
    start(&s);
    wait_for(&s, 3);
    CHECK_INT(event_sender_counts(s.sender)->failures, 5);
    CHECK_INT(event_sender_counts(s.sender)->statuses[500], 5);
    CHECK_INT(event_sender_counts(s.sender)->statuses[202], 2);
    check_tags(s.receiver->accepted[0], "one ");
    check_tags(s.receiver->accepted[1], "two three ");
    stop(&s);
    end(&s);
}

TEST(ignored, "what the endpoint ignores is passed and not sent, and so is what cannot be read")
{
    struct scene s;

    begin(&s);
    s.endpoint.ignored[ACTION_PULL] = true;
    happen(&s, "one", ACTION_PULL);
    append(&s, STR("no event"));
    happen(&s, "two", ACTION_PUSH);
    happen(&s, "three", ACTION_PULL);
    start(&s);
    wait_for(&s, 1);
    check_tags(s.receiver->accepted[0], "two ");
    CHECK_INT(event_queue_pending(s.queue, 0), 0);
    stop(&s);
    end(&s);
}

TEST(looked_up, "what a manifest refers to is looked up when it is told, as long as it is there")
{
    struct scene s;
    struct event event = full_event();
    struct sbuf record;

    begin(&s);
    s.references = true;
    event.action = ACTION_PUSH;
    event.target = TARGET_MANIFEST;
    event.repository = STR("a");
    event.digest = push_image(&s.world, "a", 1, "v", "");
    record = packed(&event);
    append(&s, (struct str){record.p, record.n});
    happen(&s, "elsewhere", ACTION_PUSH);
    start(&s);
    wait_for(&s, 2);
    CHECK(strstr(s.receiver->accepted[0], "\"references\":[{\"mediaType\":") != NULL);
    CHECK(strstr(strstr(s.receiver->accepted[0], "elsewhere"), "references") == NULL);
    stop(&s);
    sbuf_free(&record);
    end(&s);
}

TEST(away, "an endpoint that is away keeps its events for the next start, and stopping does not wait for it")
{
    struct scene s;
    uint64_t began = clock_monotonic_ms();

    begin(&s);
    s.endpoint.backoff_ms = 3600 * 1000;
    s.endpoint.threshold = 1;
    atomic_store(&s.receiver->failures, 1);
    happen(&s, "one", ACTION_PUSH);
    start(&s);
    while (atomic_load(&event_sender_counts(s.sender)->failures) == 0 && clock_monotonic_ms() < began + PATIENCE_MS)
        usleep(1000);
    CHECK_INT(event_queue_pending(s.queue, 0), 1);
    stop(&s);
    CHECK(clock_monotonic_ms() < began + PATIENCE_MS);
    end(&s);
}

TEST(no_authorities, "an endpoint whose authorities cannot be read is named at the start")
{
    const struct event_sender_options options = {.endpoint = NULL};
    struct event_sender_options wrong = options;
    struct scene s;

    begin(&s);
    s.endpoint.ca_file = (char[]){"/nowhere/ca.pem"};
    wrong.endpoint = &s.endpoint;
    wrong.queue = s.queue;
    wrong.meta = s.world.meta;
    CHECK(event_sender_start(&wrong, &s.world.err) == NULL);
    CHECK(strncmp(s.world.err.text, "notifications: hook: ", 21) == 0);
    CHECK(strstr(s.world.err.text, "/nowhere/ca.pem") != NULL);
    end(&s);
}

TEST(metrics, "figures have a sample for each endpoint, whose name is escaped")
{
    static struct event_counts a, b;
    struct event_figures figures[] = {{.endpoint = "a", .counts = &a, .pending = 4, .dropped = 5},
                                      {.endpoint = "q\"\\", .counts = &b}};
    struct sbuf out = {0};

    a.delivered = 7;
    a.failures = 8;
    a.statuses[200] = 9;
    events_metrics_text(figures, 2, 6, &out);
    CHECK(strstr(sbuf_text(&out), "berth_notifications_pending{endpoint=\"a\"} 4\n"
                                  "berth_notifications_pending{endpoint=\"q\\\"\\\\\"} 0\n") != NULL);
    CHECK(strstr(out.p, "\nberth_notifications_delivered_total{endpoint=\"a\"} 7\n") != NULL);
    CHECK(strstr(out.p, "\nberth_notifications_failures_total{endpoint=\"a\"} 8\n") != NULL);
    CHECK(strstr(out.p, "\nberth_notifications_dropped_total{endpoint=\"a\"} 5\n") != NULL);
    CHECK(strstr(out.p, "\nberth_notifications_responses_total{endpoint=\"a\",code=\"200\"} 9\n") != NULL);
    CHECK(strstr(out.p, "\nberth_notifications_lost_pulls_total 6\n") != NULL);
    sbuf_free(&out);
}
