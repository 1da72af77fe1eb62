#include "registry/observe/report.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "registry/base/log.h"
#include "registry/observe/exposition.h"
#include "registry/observe/metrics.h"
#include "registry/server.h"
#include "storage/meta/meta_usage.h"

/* ---- what is stored ---- */

struct stored {
    uint64_t blobs, bytes;
    struct usage usage;
    struct meta_totals totals;
};

static int read_stored(const struct report *report, struct stored *out, struct err *e)
{
    struct meta_txn *txn = meta_read(report->reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    meta_totals(txn, &out->totals);
    rc = meta_stored(txn, &out->blobs, &out->bytes, e);
    if (rc == 0)
        rc = meta_usage(txn, (struct str){0}, &out->usage, e);
    meta_done(report->reader);
    return rc;
}

/* A registry whose metadata cannot be read is one that must be looked at: the rest is told all the same. */
static void look_at_metadata(const struct report *report)
{
    struct stored stored = {0};
    const struct {
        enum metric metric;
        const uint64_t *value;
    } shown[] = {
        {METRIC_STORED_BLOBS, &stored.blobs},          {METRIC_STORED_BYTES, &stored.bytes},
        {METRIC_LOGICAL_BYTES, &stored.usage.logical}, {METRIC_REPOSITORIES, &stored.totals.repositories},
        {METRIC_MANIFESTS, &stored.totals.manifests},  {METRIC_TAGS, &stored.totals.tags},
    };
    struct err e;
    bool read = read_stored(report, &stored, &e) == 0;

    if (!read)
        log_error("metrics: %s", e.text);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (read)
            metric_set(shown[i].metric, (int64_t)*shown[i].value);
        else
            metric_hide(shown[i].metric);
    }
}

static void look_at_disk(const struct server *server)
{
    struct statvfs fs;

    if (statvfs(server->store->root, &fs) != 0) {
        log_error("metrics: %s: %s", server->store->root, strerrordesc_np(errno));
        metric_hide(METRIC_STORAGE_SIZE);
        metric_hide(METRIC_STORAGE_AVAILABLE);
        return;
    }
    metric_set(METRIC_STORAGE_SIZE, (int64_t)(fs.f_blocks * fs.f_frsize));
    metric_set(METRIC_STORAGE_AVAILABLE, (int64_t)(fs.f_bavail * fs.f_frsize));
}

void report_store_look(const struct report *report)
{
    look_at_metadata(report);
    look_at_disk(report->server);
    metric_set(METRIC_STORAGE_RESERVE, (int64_t)report->server->config->reserve);
}

/* ---- quotas ---- */

struct quota_rows {
    struct sbuf limits, used, reserved; /* samples, a line for each quota */
};

static void put_quota(struct quota_rows *rows, const struct quota_use *use)
{
    struct sbuf labels = {0};

    expose_label(&labels, "path", str_of(use->path));
    expose_number(&rows->limits, "berth_quota_limit_bytes", sbuf_text(&labels), (int64_t)use->limit);
    expose_number(&rows->used, "berth_quota_used_bytes", sbuf_text(&labels), (int64_t)use->used);
    expose_number(&rows->reserved, "berth_quota_reserved_bytes", sbuf_text(&labels), (int64_t)use->reserved);
    sbuf_free(&labels);
}

static int read_quotas(struct report *report, struct quota_rows *rows, struct err *e)
{
    struct quotas *quotas = report->server->quotas;
    struct meta_txn *txn = meta_read(report->reader, e);
    int rc = 0;

    if (txn == NULL)
        return -1;
    for (size_t i = 0; i < quotas_count(quotas) && rc == 0; i++) {
        struct quota_use use;

        rc = quotas_use(quotas, i, txn, &use, e);
        if (rc == 0)
            put_quota(rows, &use);
    }
    meta_done(report->reader);
    return rc;
}

static void put_rows(struct sbuf *out, const char *name, const char *help, struct sbuf *rows)
{
    expose_head(out, name, "gauge", help);
    sbuf_put(out, rows->p, rows->n);
}

void report_quotas(struct report *report)
{
    struct quota_rows rows = {0};
    struct err e;

    if (quotas_count(report->server->quotas) == 0)
        return;
    if (read_quotas(report, &rows, &e) == 0) {
        put_rows(&report->text, "berth_quota_limit_bytes", "Bytes that the repositories at and below a path may have.",
                 &rows.limits);
        put_rows(&report->text, "berth_quota_used_bytes", "Bytes of these that are stored.", &rows.used);
        put_rows(&report->text, "berth_quota_reserved_bytes", "Bytes of these that uploads under way will take.",
                 &rows.reserved);
    } else {
        log_error("metrics: %s", e.text);
    }
    sbuf_free(&rows.limits);
    sbuf_free(&rows.used);
    sbuf_free(&rows.reserved);
}
