#include "registry/observe/metrics.h"

#include <stdatomic.h>

#include "registry/observe/exposition.h"

enum family {
#define FAMILY(id, type, name, help) FAMILY_##id,
#define METRIC(id, family, labels)
#include "registry/observe/metrics.def"
#undef METRIC
#undef FAMILY
    FAMILY_COUNT
};

static const struct {
    const char *type;
    const char *name;
    const char *help;
    bool gauge; /* hidden until it is set */
} families[] = {
#define FAMILY(id, type, name, help) [FAMILY_##id] = {#type, name, help, FAMILY_IS_##type},
#define METRIC(id, family, labels)
#define FAMILY_IS_gauge   true
#define FAMILY_IS_counter false
#include "registry/observe/metrics.def"
#undef METRIC
#undef FAMILY
};

static const struct {
    enum family family;
    const char *labels;
} metrics[] = {
#define FAMILY(id, type, name, help)
#define METRIC(id, family, labels) [METRIC_##id] = {FAMILY_##family, labels},
#include "registry/observe/metrics.def"
#undef METRIC
#undef FAMILY
};

/* A counter is a sum of several, in memory of their own, so that threads which count much do not take it from each
 * other all the time. A thread counts in one of them. */
enum { SHARES = 8 };

static struct {
    _Atomic uint64_t counted[METRIC_COUNT];
} __attribute__((aligned(64))) shares[SHARES];
static atomic_uint threads_seen;
static _Thread_local unsigned own_share; /* from 1; 0: the thread has none yet */

static _Atomic int64_t gauges[METRIC_COUNT];
static atomic_bool shown[METRIC_COUNT];

void metric_add(enum metric metric, uint64_t n)
{
    if (own_share == 0)
        own_share = 1 + atomic_fetch_add(&threads_seen, 1) % SHARES;
    atomic_fetch_add_explicit(&shares[own_share - 1].counted[metric], n, memory_order_relaxed);
}

void metric_set(enum metric metric, int64_t value)
{
    atomic_store_explicit(&gauges[metric], value, memory_order_relaxed);
    atomic_store_explicit(&shown[metric], true, memory_order_relaxed);
}

void metric_hide(enum metric metric)
{
    atomic_store_explicit(&shown[metric], false, memory_order_relaxed);
}

static int64_t value_of(enum metric metric)
{
    uint64_t counted = 0;

    if (families[metrics[metric].family].gauge)
        return atomic_load_explicit(&gauges[metric], memory_order_relaxed);
    for (size_t i = 0; i < SHARES; i++)
        counted += atomic_load_explicit(&shares[i].counted[metric], memory_order_relaxed);
    return (int64_t)counted;
}

static bool is_shown(enum metric metric)
{
    return !families[metrics[metric].family].gauge || atomic_load_explicit(&shown[metric], memory_order_relaxed);
}

/* The metrics of a family stand together, in the table and so here: its head goes in front of the first. */
void metrics_text(struct sbuf *out)
{
    enum family last = FAMILY_COUNT;

    for (enum metric m = 0; m < METRIC_COUNT; m++) {
        enum family family = metrics[m].family;

        if (!is_shown(m))
            continue;
        if (family != last)
            expose_head(out, families[family].name, families[family].type, families[family].help);
        last = family;
        expose_number(out, families[family].name, metrics[m].labels, value_of(m));
    }
}
