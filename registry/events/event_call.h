/*
 * From requests to events: who asks, and what is told of what he does. Everything here does nothing when there are no
 * endpoints, or none that wants to hear of it.
 *
 *   event_call_begin()   on the loop, before a change: keeps who asks, for his request may be gone by then
 *   event_call_…()       in the change, when it has done what is told
 *   event_call_pulled()  on the loop, as the answer begins
 */
#ifndef BERTH_EVENTS_EVENT_CALL_H
#define BERTH_EVENTS_EVENT_CALL_H

#include "registry/events/event.h"
#include "registry/request.h"
#include "storage/meta/meta.h"

/* Where it does nothing `rq->origin` stays empty. */
void event_call_begin(struct request *rq, enum event_action action);

/* Of the request's repository. Texts are borrowed for the call; what is not given is empty. */
struct event_content {
    enum event_target target;
    const struct digest *digest; /* NULL: none */
    struct str media_type;
    uint64_t size;
    struct str tag;
    struct str from;
};
void event_call_append(struct request *rq, struct meta_txn *txn, enum event_action action,
                       const struct event_content *content);
void event_call_pulled(struct request *rq, const struct event_content *content);

#endif
