/*
 * A heap with the oldest of the kept tags on top: a tag that is newer takes its place.
 */
#include "storage/upkeep/retention.h"

#include <stdlib.h>

struct retention_kept {
    uint64_t moved;
    char *tag;
};

/* Of two moved at once the one with the greater name is newer. */
static bool is_newer(const struct retention_kept *a, uint64_t moved, struct str tag)
{
    return a->moved != moved ? a->moved > moved : str_cmp(str_of(a->tag), tag) > 0;
}

static bool is_newer_than(const struct retention_kept *a, const struct retention_kept *b)
{
    return is_newer(a, b->moved, str_of(b->tag));
}

static void swap(struct retention_kept *a, struct retention_kept *b)
{
    struct retention_kept held = *a;

    *a = *b;
    *b = held;
}

static void rise(struct retention_kept *heap, size_t i)
{
    for (; i > 0 && is_newer_than(&heap[(i - 1) / 2], &heap[i]); i = (i - 1) / 2)
        swap(&heap[(i - 1) / 2], &heap[i]);
}

static void sink(struct retention_kept *heap, size_t n)
{
    size_t i = 0;

    while (2 * i + 1 < n) {
        size_t child = 2 * i + 1;

        if (child + 1 < n && is_newer_than(&heap[child], &heap[child + 1]))
            child++;
        if (!is_newer_than(&heap[i], &heap[child]))
            return;
        swap(&heap[i], &heap[child]);
        i = child;
    }
}

void retention_newest_begin(struct retention_newest *newest, const struct retention_rule *rule, uint64_t now)
{
    *newest = (struct retention_newest){.most = rule->keep_last, .now = now};
}

void retention_newest_add(struct retention_newest *newest, struct str tag, uint64_t moved)
{
    if (newest->most == 0 || moved > newest->now)
        return;
    if (newest->n == newest->most) {
        struct retention_kept oldest = newest->heap[0];

        if (is_newer(&oldest, moved, tag))
            return;
        newest->heap[0] = (struct retention_kept){moved, str_dup(tag)};
        sink(newest->heap, newest->n);
        free(oldest.tag);
        return;
    }
    if (newest->n == newest->capacity) {
        newest->capacity = newest->capacity * 2 + 16;
        newest->heap = xrealloc(newest->heap, newest->capacity * sizeof(*newest->heap));
    }
    newest->heap[newest->n] = (struct retention_kept){moved, str_dup(tag)};
    rise(newest->heap, newest->n++);
}

bool retention_newest_has(const struct retention_newest *newest, struct str tag, uint64_t moved)
{
    if (newest->most == 0)
        return false;
    return newest->n < newest->most || moved > newest->now || !is_newer(&newest->heap[0], moved, tag);
}

void retention_newest_free(struct retention_newest *newest)
{
    while (newest->n > 0)
        free(newest->heap[--newest->n].tag);
    free(newest->heap);
    *newest = (struct retention_newest){0};
}
