#include "registry/observe/report.h"

#include "registry/observe/exposition.h"
#include "registry/server.h"
#include "storage/meta/commit_counts.h"

static void put_histogram(struct sbuf *out, const char *name, const char *labels, const struct scale *scale,
                          const struct buckets *buckets)
{
    struct bucket_counts counts = {0};

    buckets_read(buckets, &counts);
    expose_histogram(out, name, labels, scale, &counts);
}

/* By the names of berth_queue_waiting. */
static void put_waits(const struct server *server, struct sbuf *out)
{
    static const char name[] = "berth_queue_wait_seconds";
    static const struct {
        enum lane lane;
        const char *labels;
    } lanes[] = {
        {LANE_DISK, "queue=\"disk\""},
        {LANE_HASH, "queue=\"hash\""},
        {LANE_SUSPECT, "queue=\"suspect\""},
        {LANE_REPORT, "queue=\"report\""},
    };

    expose_head(out, name, "histogram", "How long jobs waited until they were begun with.");
    for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
        put_histogram(out, name, lanes[i].labels, &scale_durations, workers_waits(server->workers, lanes[i].lane));
    put_histogram(out, name, "queue=\"commit\"", &scale_durations, &meta_commits(server->store->meta)->waits);
}

static void put_family(struct sbuf *out, const char *name, const char *help, const struct scale *scale,
                       const struct buckets *buckets)
{
    expose_head(out, name, "histogram", help);
    put_histogram(out, name, "", scale, buckets);
}

static void put_commits(const struct commit_counts *counts, struct sbuf *out)
{
    put_family(out, "berth_commit_changes", "Commits of metadata by how many changes shared one.", &scale_numbers,
               &counts->changes);
    put_family(out, "berth_commit_duration_seconds", "How long commits took: applying changes, and syncing them.",
               &scale_durations, &counts->durations);
    put_family(out, "berth_commit_sync_duration_seconds", "Of that, making them durable: mostly waiting for the disk.",
               &scale_durations, &counts->syncs);
    expose_head(out, "berth_commit_failures_total", "counter",
                "Transactions that could not be made durable; their requests got an error.");
    expose_number(out, "berth_commit_failures_total", "",
                  (int64_t)atomic_load_explicit(&counts->failures, memory_order_relaxed));
}

void report_queues(const struct server *server, struct sbuf *out)
{
    put_waits(server, out);
    put_commits(meta_commits(server->store->meta), out);
}
