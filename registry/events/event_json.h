/*
 * Events in the JSON of distribution's notifications, version 1 (registry:2); version 2 (registry:3) has the same members
 * and writes those that are empty, too.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_EVENTS_EVENT_JSON_H
#define BERTH_EVENTS_EVENT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"
#include "registry/events/event.h"

#define EVENT_ENVELOPE_TYPE "application/vnd.docker.distribution.events.v1+json"

/* What all events of a server share. Borrowed. */
struct event_context {
    uint64_t queue;   /* its number: with the event's it makes the event's id */
    const char *node; /* "host:port": source.addr */
    const char *base; /* "https://registry.example.com", in front of URLs; NULL: what the client called */
    bool relative;    /* URLs are paths */
};

/* An id that is the event's for ever: a UUID of version 8 (RFC 9562 §5.8) from the queue's number and the event's. */
void event_id(uint64_t queue, uint64_t number, char out[37]);
/* Append event number `number` as an object. `references`: a JSON array, or nothing. */
void event_json(const struct event_context *context, uint64_t number, const struct event *event, struct str references,
                struct sbuf *out);
/* The descriptors that a manifest refers to, as a JSON array: its configuration and layers, or an index's manifests.
 * Nothing is appended for bytes that are no manifest. */
void event_references(struct str manifest, struct sbuf *out);

/* An envelope is what stands before, between and behind events. */
#define EVENT_ENVELOPE_BEGIN STR("{\"events\":[")
#define EVENT_ENVELOPE_NEXT  STR(",")
#define EVENT_ENVELOPE_END   STR("]}")

#endif
