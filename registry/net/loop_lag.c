#include "registry/net/loop_lag.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/observe/exposition.h"

static const struct scale scale = {.digits = 3, .n = 8, .bounds = {1, 2, 5, 10, 25, 50, 100, 1000}};

void loop_lag_init(struct loop_lag *lag)
{
    atomic_store(&lag->thread, (pid_t)syscall(SYS_gettid));
}

void loop_lag_note(struct loop_lag *lag, uint64_t ms)
{
    buckets_note(&lag->turns, &scale, ms);
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

uint64_t loop_lag_turns(const struct loop_lag *lag)
{
    struct bucket_counts counts = {0};

    buckets_read(&lag->turns, &counts);
    return counts.total;
}

static void put_waits(struct sbuf *out, const struct loop_lag *const *lags, size_t n)
{
    static const char name[] = "berth_loop_processor_wait_seconds_total";
    bool headed = false;
    char labels[32];
    uint64_t ns;

    for (size_t i = 0; i < n; i++) {
        if (!read_wait(lags[i], &ns))
            continue;
        if (!headed)
            expose_head(out, name, "counter", "How long an event loop was ready to run and the machine ran others.");
        headed = true;
        snprintf(labels, sizeof(labels), "loop=\"%zu\"", i);
        expose_decimal(out, name, labels, ns / 1000, 6);
    }
}

void loop_lag_text(const struct loop_lag *const *lags, size_t n, struct sbuf *out)
{
    static const char name[] = "berth_loop_turn_seconds";
    char labels[32];

    expose_head(out, name, "histogram",
                "Turns of an event loop by their length; meanwhile its other connections wait.");
    for (size_t i = 0; i < n; i++) {
        struct bucket_counts turns = {0};

        buckets_read(&lags[i]->turns, &turns);
        snprintf(labels, sizeof(labels), "loop=\"%zu\"", i);
        expose_histogram(out, name, labels, &scale, &turns);
    }
    put_waits(out, lags, n);
}
