/*
 * One round: read what waits, post it, pass it or pause. An envelope that was not accepted is made anew, for fewer events
 * may go into the next one, and what a manifest refers to is looked up when it is sent: a queue of references would be
 * larger than the manifests themselves.
 */
#include "registry/events/event_sender.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/base/pace.h"
#include "registry/client/http_client.h"
#include "registry/events/event_filter.h"
#include "registry/events/event_retry.h"

enum { LOOK_MS = 60 * 1000 /* should a wake-up ever be missed */ };

struct event_sender {
    struct event_sender_options options;
    struct http_client *client;
    struct http_field *fields;
    size_t field_count;
    struct meta_reader *reader;
    pthread_t thread;
    _Atomic uint64_t stop_by_ms; /* 0: it goes on */
    struct event_counts counts;

    /* of its thread */
    size_t events_most; /* in the next envelope */
    uint64_t failures;  /* in a row */
    struct pace pace;
};

/* What one envelope is made of. */
struct envelope {
    struct event_sender *sender;
    struct meta_txn *txn;
    struct sbuf json;
    size_t n;       /* events in it */
    uint64_t place; /* behind the last one that was looked at; 0: there was none */
};

/* ---- making an envelope ---- */

static void put_references(const struct envelope *envelope, const struct event *event, struct sbuf *out)
{
    struct manifest_view view;

    if (envelope->sender->options.references && event->target == TARGET_MANIFEST && event->action != ACTION_DELETE &&
        meta_manifest_get(envelope->txn, event->repository, &event->digest, &view, NULL) == 0)
        event_references(view.bytes, out);
}

static void put_event(struct envelope *envelope, uint64_t number, const struct event *event)
{
    struct sbuf references = {0};

    put_references(envelope, event, &references);
    sbuf_str(&envelope->json, envelope->n == 0 ? EVENT_ENVELOPE_BEGIN : EVENT_ENVELOPE_NEXT);
    event_json(envelope->sender->options.context, number, event, (struct str){references.p, references.n},
               &envelope->json);
    sbuf_free(&references);
    envelope->n++;
}

/* False: the envelope is full. */
static bool take(uint64_t number, struct str record, void *arg)
{
    struct envelope *envelope = arg;
    const struct event_sender *sender = envelope->sender;
    struct event event;

    if (envelope->n == sender->events_most || envelope->json.n >= SENDER_BYTES_MOST)
        return false;
    if (!event_unpack(record, &event))
        log_error("notifications: %s: event %llu cannot be read and is left out; `berth fsck` looks for damage",
                  sender->options.endpoint->name, (unsigned long long)number);
    else if (event_filter_wants(sender->options.endpoint, event.action, event.media_type))
        put_event(envelope, number, &event);
    envelope->place = number + 1;
    return true;
}

static int fill(struct event_sender *sender, struct envelope *envelope, struct err *e)
{
    int rc;

    *envelope = (struct envelope){.sender = sender, .txn = meta_read(sender->reader, e)};
    if (envelope->txn == NULL)
        return -1;
    rc = event_queue_read(sender->options.queue, sender->options.reader, envelope->txn, take, envelope, e);
    meta_done(sender->reader);
    if (envelope->n > 0)
        sbuf_str(&envelope->json, EVENT_ENVELOPE_END);
    return rc;
}

/* ---- posting it ---- */

static bool is_enough(void *arg)
{
    const struct event_sender *sender = arg;
    uint64_t by_ms = atomic_load(&sender->stop_by_ms);

    return by_ms != 0 && clock_monotonic_ms() >= by_ms;
}

static int judge(struct event_sender *sender, int status, struct err *e)
{
    if (status >= 0 && status < SENDER_STATUSES)
        atomic_fetch_add(&sender->counts.statuses[status], 1);
    return status >= 200 && status < 400 ? 0 : err_set(e, ERR_DENIED, "it answers %d", status);
}

static int post(struct event_sender *sender, const struct envelope *envelope, struct err *e)
{
    const struct interrupt interrupt = {is_enough, sender};
    const struct http_request request = {
        .method = "POST",
        .url = sender->options.endpoint->url,
        .fields = sender->fields,
        .field_count = sender->field_count,
        .body = {envelope->json.p, envelope->json.n},
        .timeout_ms = sender->options.endpoint->timeout_ms,
        .follow = true,
        .interrupt = &interrupt,
    };
    struct http_response response = {0};
    int rc = http_client_call(sender->client, &request, &response, e);

    if (rc == 0)
        rc = judge(sender, response.status, e);
    http_response_clear(&response);
    return rc;
}

/* ---- accepted or not ---- */

static void accepted(struct event_sender *sender, const struct envelope *envelope)
{
    if (sender->failures > 0)
        log_info("notifications: %s accepts again after %llu failures", sender->options.endpoint->name,
                 (unsigned long long)sender->failures);
    atomic_fetch_add(&sender->counts.delivered, envelope->n);
    sender->failures = 0;
    sender->events_most = 2 * sender->events_most < SENDER_EVENTS_MOST ? 2 * sender->events_most : SENDER_EVENTS_MOST;
}

static uint64_t failed(struct event_sender *sender, const struct err *why)
{
    const struct config_endpoint *endpoint = sender->options.endpoint;
    uint64_t held;
    bool due = pace_take(&sender->pace, clock_monotonic_ms(), PACE_MINUTE_MS, &held);

    sender->failures++;
    sender->events_most = 1;
    atomic_fetch_add(&sender->counts.failures, 1);
    if (sender->failures == 1 || due)
        log_warn("notifications: %s: %s; failed %llu times in a row, about %llu events wait until it accepts",
                 endpoint->name, why->text, (unsigned long long)sender->failures,
                 (unsigned long long)event_queue_pending(sender->options.queue, sender->options.reader));
    return event_retry_pause_ms(sender->failures, endpoint->threshold, endpoint->backoff_ms);
}

/* False: it is to stop. */
static bool deliver(struct event_sender *sender, const struct envelope *envelope)
{
    struct err e;

    if (envelope->n == 0 || post(sender, envelope, &e) == 0) {
        if (envelope->n > 0)
            accepted(sender, envelope);
        event_queue_pass(sender->options.queue, sender->options.reader, envelope->place);
        return event_queue_wait(sender->options.queue, NULL, 0);
    }
    if (is_enough(sender))
        return false;
    return event_queue_wait(sender->options.queue, NULL, failed(sender, &e));
}

static void *run(void *arg)
{
    struct event_sender *sender = arg;
    struct event_queue *queue = sender->options.queue;
    bool goes_on = true;

    while (goes_on) {
        uint64_t mark = event_queue_mark(queue);
        struct envelope envelope;
        struct err e;

        if (fill(sender, &envelope, &e) != 0) {
            log_error("notifications: %s: %s", sender->options.endpoint->name, e.text);
            goes_on = event_queue_wait(queue, NULL, LOOK_MS);
        } else {
            goes_on = envelope.place == 0 ? event_queue_wait(queue, &mark, LOOK_MS) : deliver(sender, &envelope);
        }
        sbuf_free(&envelope.json);
    }
    return NULL;
}

/* ---- start and stop ---- */

/* A type of its own replaces ours. */
static void make_fields(struct event_sender *sender)
{
    const struct config_endpoint *endpoint = sender->options.endpoint;
    bool typed = false;

    sender->fields = xcalloc(endpoint->header_count + 1, sizeof(*sender->fields));
    for (size_t i = 0; i < endpoint->header_count; i++) {
        const struct config_header *header = &endpoint->headers[i];

        typed = typed || str_eq_nocase(str_of(header->name), STR("Content-Type"));
        sender->fields[sender->field_count++] = (struct http_field){header->name, header->value};
    }
    if (!typed)
        sender->fields[sender->field_count++] = (struct http_field){"Content-Type", EVENT_ENVELOPE_TYPE};
}

static void free_sender(struct event_sender **sender)
{
    meta_reader_free(&(*sender)->reader);
    http_client_free(&(*sender)->client);
    free((*sender)->fields);
    free(*sender);
    *sender = NULL;
}

static int start(struct event_sender *sender, struct err *e)
{
    const struct http_client_options options = {.ca_file = sender->options.endpoint->ca_file};
    int rc;

    if ((sender->client = http_client_new(&options, e)) == NULL ||
        (sender->reader = meta_reader_new(sender->options.meta, e)) == NULL)
        return -1;
    make_fields(sender);
    rc = pthread_create(&sender->thread, NULL, run, sender);
    return rc == 0 ? 0 : err_set(e, ERR_EXHAUSTED, "cannot start its thread; raise the limit on processes and threads");
}

struct event_sender *event_sender_start(const struct event_sender_options *options, struct err *e)
{
    struct event_sender *sender = xcalloc(1, sizeof(*sender));

    sender->options = *options;
    sender->events_most = SENDER_EVENTS_MOST;
    if (start(sender, e) == 0)
        return sender;
    err_wrap(e, "notifications: %s", options->endpoint->name);
    free_sender(&sender);
    return NULL;
}

void event_sender_stop(struct event_sender **sender)
{
    if (*sender == NULL)
        return;
    atomic_store(&(*sender)->stop_by_ms, clock_monotonic_ms() + SENDER_STOP_MS);
    pthread_join((*sender)->thread, NULL);
    free_sender(sender);
}

const struct event_counts *event_sender_counts(const struct event_sender *sender)
{
    return &sender->counts;
}
