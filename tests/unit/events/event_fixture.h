/* An event with everything, for the tests of the room. */
#ifndef BERTH_TEST_EVENT_FIXTURE_H
#define BERTH_TEST_EVENT_FIXTURE_H

#include <string.h>

#include "registry/events/event.h"
#include "tests/unit/test.h"

static inline struct event full_event(void)
{
    struct event event = {
        .action = ACTION_MOUNT,
        .target = TARGET_BLOB,
        .when_ns = 1700000000 * UINT64_C(1000000000) + 5,
        .run = {0xe4, 0x81, 0x45, 0x87, 0xf5, 0xfe, 0x44, 0x0f, 0x83, 0x30, 0x0b, 0x66, 0x9e, 0x88, 0xd7, 0x3e},
        .repository = STR("team/app"),
        .media_type = STR("application/octet-stream"),
        .size = 700,
        .tag = STR("v1"),
        .from = STR("other/app"),
        .origin = {.tls = true,
                   .id = STR("0001cdbd2cc9c9bd"),
                   .address = STR("192.0.2.1:40000"),
                   .host = STR("registry.test:5000"),
                   .method = STR("POST"),
                   .agent = STR("docker/1"),
                   .user = STR("alice")},
    };

    digest_of(DIGEST_SHA256, "x", 1, &event.digest);
    return event;
}

/* Its record; to be freed. */
static inline struct sbuf packed(const struct event *event)
{
    struct sbuf origin = {0}, record = {0};

    event_origin_pack(&event->origin, &origin);
    event_pack(event, (struct str){origin.p, origin.n}, &record);
    sbuf_free(&origin);
    return record;
}

#endif
