/*
 * What happened, as it is kept in the queue: a record of few hundred bytes that is cheap to make, for that is done on
 * event loops and in the metadata writer's thread. Its JSON is made by whoever sends it (event_json.h).
 *
 *   u8 version, u8 action, u8 target, u8 1 if the request came by TLS, u64 nanoseconds since 1970, 16 bytes the server's
 *   run, u64 size; then texts, each u16 length and its bytes: media type, digest (as digest_to_key() has it),
 *   repository, tag, repository that was mounted from; and the origin: request's id, its client's address, host, method,
 *   user agent, user
 *
 * Numbers are big-endian. Texts that are too long are cut.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_EVENTS_EVENT_H
#define BERTH_EVENTS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"
#include "registry/config/config.h"
#include "storage/digest.h"

enum { EVENT_RUN_BYTES = 16 };

enum event_target { TARGET_MANIFEST, TARGET_BLOB, TARGET_TAG, TARGET_REPOSITORY, TARGETS };

/* Who asked for it. Texts are borrowed. */
struct event_origin {
    bool tls;
    struct str id;      /* of the request */
    struct str address; /* "192.0.2.1:40000" */
    struct str host;    /* as the client calls this registry */
    struct str method;
    struct str agent;
    struct str user;
};

/* Texts are borrowed; what an event does not have is empty. */
struct event {
    enum event_action action;
    enum event_target target;
    uint64_t when_ns; /* since 1970 */
    uint8_t run[EVENT_RUN_BYTES];
    struct str repository;
    struct str media_type;
    struct digest digest; /* alg 0: none */
    uint64_t size;
    struct str tag;
    struct str from; /* repository */
    struct event_origin origin;
};

/* The media type of what is told of blobs: what they are is known to manifests alone. */
#define EVENT_BLOB_TYPE STR("application/octet-stream")

/* Append the bytes of an origin, for event_pack(). */
void event_origin_pack(const struct event_origin *origin, struct sbuf *out);
/* Append the record of an event; its origin is `origin`, encoded, and not the one within it. */
void event_pack(const struct event *event, struct str origin, struct sbuf *out);
/* False for anything that is not exactly such a record. */
bool event_unpack(struct str record, struct event *out);

#endif
