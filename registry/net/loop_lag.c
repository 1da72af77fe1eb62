#include "registry/net/loop_lag.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    uint64_t ms; /* at most */
    const char *label;
} bounds[LOOP_LAG_BUCKETS - 1] = {
    {1, "0.001"}, {2, "0.002"}, {5, "0.005"}, {10, "0.01"}, {25, "0.025"}, {50, "0.05"}, {100, "0.1"}, {1000, "1"},
};

void loop_lag_init(struct loop_lag *lag)
{
    atomic_store(&lag->thread, (pid_t)syscall(SYS_gettid));
}

/* Only one thread writes: no instruction that locks the bus is needed. */
static void add(_Atomic uint64_t *number, uint64_t more)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + more, memory_order_relaxed);
}

void loop_lag_note(struct loop_lag *lag, uint64_t ms)
{
    size_t i = 0;

    while (i < LOOP_LAG_BUCKETS - 1 && ms > bounds[i].ms)
        i++;
    add(&lag->turns[i], 1);
    add(&lag->sum_ms, ms);
}

static void put_head(struct sbuf *out, const char *name, const char *type, const char *help)
{
    sbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_turns(struct sbuf *out, const struct loop_lag *lag, size_t loop)
{
    static const char name[] = "berth_loop_turn_seconds";
    uint64_t sum_ms = atomic_load_explicit(&lag->sum_ms, memory_order_relaxed);
    uint64_t turns = 0;

    for (size_t i = 0; i < LOOP_LAG_BUCKETS; i++) {
        turns += atomic_load_explicit(&lag->turns[i], memory_order_relaxed);
        sbuf_printf(out, "%s_bucket{loop=\"%zu\",le=\"%s\"} %" PRIu64 "\n", name, loop,
                    i < LOOP_LAG_BUCKETS - 1 ? bounds[i].label : "+Inf", turns);
    }
    sbuf_printf(out, "%s_sum{loop=\"%zu\"} %" PRIu64 ".%03u\n", name, loop, sum_ms / 1000, (unsigned)(sum_ms % 1000));
    sbuf_printf(out, "%s_count{loop=\"%zu\"} %" PRIu64 "\n", name, loop, turns);
}

/* Nanoseconds that the thread was ready to run and did not: the second number of its schedstat (Linux,
 * Documentation/scheduler/sched-stats.rst). False where the kernel does not tell. */
static bool read_wait(const struct loop_lag *lag, uint64_t *ns)
{
    char path[64], line[128] = "";
    struct str second;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", (int)atomic_load(&lag->thread));
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    second = str_from(str_of(line), str_find(str_of(line), ' ') + 1);
    return str_to_u64((struct str){second.p, str_find(second, ' ')}, ns);
}

static void put_waits(struct sbuf *out, const struct loop_lag *const *lags, size_t n)
{
    static const char name[] = "berth_loop_processor_wait_seconds_total";
    bool headed = false;
    uint64_t ns;

    for (size_t i = 0; i < n; i++) {
        if (!read_wait(lags[i], &ns))
            continue;
        if (!headed)
            put_head(out, name, "counter", "How long an event loop was ready to run and the machine ran others.");
        headed = true;
        sbuf_printf(out, "%s{loop=\"%zu\"} %" PRIu64 ".%06u\n", name, i, ns / 1000000000,
                    (unsigned)(ns / 1000 % 1000000));
    }
}

void loop_lag_text(const struct loop_lag *const *lags, size_t n, struct sbuf *out)
{
    put_head(out, "berth_loop_turn_seconds", "histogram",
             "Turns of an event loop by their length; meanwhile its other connections wait.");
    for (size_t i = 0; i < n; i++)
        put_turns(out, lags[i], i);
    put_waits(out, lags, n);
}
