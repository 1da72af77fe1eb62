#include "registry/events/event_call.h"

#include <stdio.h>

#include "registry/events/event_gather.h"
#include "registry/events/events.h"
#include "registry/server.h"

enum { ADDRESS_ROOM = 80 };

/* As Go writes it, so that a receiver finds what it is used to; empty on a Unix socket. */
static struct str address_of(const struct request *rq, char text[ADDRESS_ROOM])
{
    const struct peer *peer = &request_connection(rq)->peer;
    bool bracketed = str_find(str_of(peer->text), ':') < str_of(peer->text).n;

    if (peer->port == 0)
        return (struct str){0};
    snprintf(text, ADDRESS_ROOM, bracketed ? "[%s]:%u" : "%s:%u", peer->text, (unsigned)peer->port);
    return str_of(text);
}

/* Not what libh2o puts in its place when the client names none (HTTP/1.0). */
static struct str host_of(const h2o_req_t *h2o)
{
    if (h2o->input.authority.base == h2o->hostconf->authority.hostport.base)
        return (struct str){0};
    return (struct str){h2o->input.authority.base, h2o->input.authority.len};
}

static void pack_origin(const struct request *rq, struct sbuf *out)
{
    const h2o_req_t *h2o = rq->h2o;
    char address[ADDRESS_ROOM];
    const struct event_origin origin = {
        .tls = rq->server->tls != NULL,
        .id = str_of(rq->id),
        .address = address_of(rq, address),
        .host = host_of(h2o),
        .method = {h2o->input.method.base, h2o->input.method.len},
        .agent = request_header(rq, H2O_TOKEN_USER_AGENT),
        .user = str_of(rq->user),
    };

    event_origin_pack(&origin, out);
}

void event_call_begin(struct request *rq, enum event_action action)
{
    if (rq->server->events == NULL || rq->origin.n > 0)
        return;
    if (!events_wanted(rq->server->events, action, (struct str){0}))
        return;
    pack_origin(rq, &rq->origin);
    /* What was pulled from this loop before is told before. */
    event_gather_tick(rq->loop->events_gather);
}

static struct event make(const struct request *rq, enum event_action action, const struct event_content *content)
{
    struct event event = {.action = action,
                          .target = content->target,
                          .repository = rq->target.repository,
                          .media_type = content->media_type,
                          .size = content->size,
                          .tag = content->tag,
                          .from = content->from};

    if (content->digest != NULL)
        event.digest = *content->digest;
    return event;
}

void event_call_append(struct request *rq, struct meta_txn *txn, enum event_action action,
                       const struct event_content *content)
{
    struct event event = make(rq, action, content);

    if (rq->origin.n > 0)
        events_append(rq->server->events, txn, &event, (struct str){rq->origin.p, rq->origin.n});
}

void event_call_pulled(struct request *rq, const struct event_content *content)
{
    const struct events *events = rq->server->events;
    struct event event;
    struct sbuf *origin;

    if (events == NULL || !events_wanted(events, ACTION_PULL, content->media_type))
        return;
    event = make(rq, ACTION_PULL, content);
    events_complete(events, &event);
    origin = event_gather_room(rq->loop->events_gather);
    pack_origin(rq, origin);
    event_gather_add(rq->loop->events_gather, &event, (struct str){origin->p, origin->n});
}
