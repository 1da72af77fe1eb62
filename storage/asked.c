/*
 * An entry: 8 bits count who is doomed just now, 16 bits the dooms that are over, and 40 are the monotonic seconds of
 * the last question, 0 when there was none. A ticket is the upper 24. All operations on one entry have one order, which
 * is what asked.h's promise rests on.
 */
#include "storage/asked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/clock.h"
#include "registry/base/str.h"

enum { ENTRIES = 1 << 18, SECONDS_BITS = 40, OVER_BITS = 16, STEP_S = 4 /* a question is noted again after that */ };

#define SECONDS_MASK ((UINT64_C(1) << SECONDS_BITS) - 1)
#define OVER_MASK    (((UINT64_C(1) << OVER_BITS) - 1) << SECONDS_BITS)
#define ONE_OVER     (UINT64_C(1) << SECONDS_BITS)
#define ONE_DOOMED   (UINT64_C(1) << (SECONDS_BITS + OVER_BITS))

struct asked {
    _Atomic uint64_t entries[ENTRIES];
};

static _Atomic uint64_t *entry_of(struct asked *asked, const struct digest *d)
{
    uint32_t number;

    memcpy(&number, d->raw, sizeof(number)); /* digests are evenly spread */
    return &asked->entries[number % ENTRIES];
}

/* Never 0. */
static uint64_t now_s(void)
{
    return clock_monotonic_ms() / 1000 + 1;
}

struct asked *asked_new(void)
{
    return xcalloc(1, sizeof(struct asked));
}

void asked_free(struct asked **asked)
{
    free(*asked);
    *asked = NULL;
}

uint64_t asked_ticket(struct asked *asked, const struct digest *d)
{
    return atomic_load(entry_of(asked, d)) >> SECONDS_BITS;
}

bool asked_note(struct asked *asked, const struct digest *d, uint64_t ticket)
{
    _Atomic uint64_t *entry = entry_of(asked, d);
    uint64_t old = atomic_load(entry);
    uint64_t now = now_s();

    while ((old & SECONDS_MASK) + STEP_S <= now &&
           !atomic_compare_exchange_weak(entry, &old, (old & ~SECONDS_MASK) | now))
        ;
    return old >> SECONDS_BITS == ticket && ticket >> OVER_BITS == 0;
}

void asked_doom(struct asked *asked, const struct digest *d)
{
    atomic_fetch_add(entry_of(asked, d), ONE_DOOMED);
}

void asked_spare(struct asked *asked, const struct digest *d)
{
    _Atomic uint64_t *entry = entry_of(asked, d);
    uint64_t old = atomic_load(entry);
    uint64_t next;

    do
        next = ((old & ~OVER_MASK) - ONE_DOOMED) | ((old + ONE_OVER) & OVER_MASK);
    while (!atomic_compare_exchange_weak(entry, &old, next));
}

bool asked_within(struct asked *asked, const struct digest *d, uint64_t seconds)
{
    uint64_t last = atomic_load(entry_of(asked, d)) & SECONDS_MASK;

    return last != 0 && last + seconds + STEP_S >= now_s();
}
