/* A world whose clock stands still, and what is put into it and asked of it in tests of history. */
#ifndef BERTH_TEST_HISTORY_FIXTURE_H
#define BERTH_TEST_HISTORY_FIXTURE_H

#include <stdarg.h>

#include "tests/unit/meta/history_check.h"
#include "tests/unit/still_clock.h"

HELPER void open_world(struct world *w)
{
    test_now = NOW + 100;
    world_open(w);
}

/* One that differs from others by its number; its blobs are 1 and 2. */
HELPER struct digest image(struct world *w, unsigned number, const char *tag)
{
    char more[64];

    snprintf(more, sizeof(more), ",\"annotations\":{\"n\":\"%u\"}", number);
    return push_image(w, "a", 1, tag, more);
}

HELPER struct digest list(struct world *w, const char *tag, struct digest child)
{
    struct manifest_view view;
    struct sbuf bytes;
    struct digest d;
    uint64_t size;

    CHECK_INT(meta_manifest_get(look(w), STR("a"), &child, &view, &w->err), 0);
    size = view.bytes.n;
    meta_done(w->reader);
    bytes = index_of(&child, &size, 1, "");
    CHECK_INT(manifest_put(w, "a", text_of(&bytes), tag, false, &d), 0);
    sbuf_free(&bytes);
    return d;
}

HELPER bool there(struct world *w, struct digest d)
{
    struct manifest_view view;
    int rc = meta_manifest_get(look(w), STR("a"), &d, &view, &w->err);

    meta_done(w->reader);
    return rc == 0;
}

HELPER int restore(struct world *w, const char *tag, const struct digest *d, uint64_t at)
{
    struct op op = {.kind = TAG_RESTORE};
    int rc;

    op.restore = (struct tag_restore){
        .repository = STR("a"), .tag = str_of(tag), .digest = d, .has_at = at > 0, .at = at, .now = test_now};
    w->err.text[0] = '\0';
    rc = world_run(w, &op);
    history_check(look(w));
    meta_done(w->reader);
    return rc;
}

struct lines {
    char text[2000];
};

HELPER const char *name_of(enum event_kind kind)
{
    static const char *const names[] = {[EVENT_CREATED] = "created", [EVENT_RESTORED] = "restored",
                                        [EVENT_MOVED] = "moved",     [EVENT_MOVED_BACK] = "moved back",
                                        [EVENT_DELETED] = "deleted", [EVENT_EXPIRED] = "expired",
                                        [EVENT_TAKEN] = "taken"};

    return names[kind];
}

HELPER void add_line(const struct tag_event *event, void *arg)
{
    struct lines *lines = arg;
    size_t n = strlen(lines->text);

    snprintf(lines->text + n, sizeof(lines->text) - n, "%.*s %s %02x>%02x@%llu\n", (int)event->tag.n, event->tag.p,
             name_of(event->kind), event->was ? event->from.raw[0] : 0, event->is ? event->to.raw[0] : 0,
             (unsigned long long)event->when - NOW);
}

HELPER void history_is(struct world *w, const char *tag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

HELPER void history_is(struct world *w, const char *tag, const char *fmt, ...)
{
    struct history_place place = {.last = {.n = 0}};
    struct lines lines = {{0}};
    char wanted[2000];
    bool more = true;
    va_list args;

    va_start(args, fmt);
    vsnprintf(wanted, sizeof(wanted), fmt, args);
    va_end(args);
    while (more) { /* a snapshot each, two events at a time */
        CHECK_INT(meta_history(look(w), &(struct history_query){STR("a"), str_of(tag), 2}, &place, add_line, &lines,
                               &more, &w->err),
                  0);
        meta_done(w->reader);
    }
    CHECK_TEXT(lines.text, wanted);
    history_check(look(w));
    meta_done(w->reader);
}

#endif
