/*
 * `berth scrub`: reads all blobs again and checks the metadata, as the server's scrubber does in the background, in one
 * go from the start. It repairs nothing in the metadata: that is berth fsck's.
 */
#include "registry/ops/operations.h"

#include <time.h>

/* storage */
#include "storage/meta/meta_rebuild.h"
#include "storage/upkeep/scrub_state.h"

/* base */
#include "registry/base/clock.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/config/size.h"
#include "registry/observe/metrics.h"
#include "registry/ops/damage_report.h"

enum { NAP_MS = 50 };

static int cancelled(struct err *e)
{
    return err_set(e, ERR_BUSY, "cancelled; what was moved to quarantine stays there");
}

/* "50MiB", "50MiB/s", 0: no limit. */
static int take_rate(const struct op *op, uint64_t *rate, struct err *e)
{
    struct str text = str_of(op->call->values[OPTION_RATE]);
    static const struct str per_second = STR("/s");

    *rate = op->config->scrub.rate;
    if (!op->call->given[OPTION_RATE])
        return 0;
    if (text.n > per_second.n && str_eq(str_from(text, text.n - per_second.n), per_second))
        text.n -= per_second.n;
    return size_parse(text, rate, e) == 0 ? 0 : err_wrap(e, "--rate");
}

/* Until as much time has passed as reading `bytes` may take. */
static bool keep_pace(struct op *op, uint64_t began_ms, uint64_t bytes, uint64_t rate)
{
    const struct timespec nap = {0, NAP_MS * 1000000L};

    while (rate > 0 && (double)bytes * 1000 / (double)rate > (double)(clock_monotonic_ms() - began_ms)) {
        if (op_cancelled(op))
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

static int scrub_blobs(struct damage_report *report, uint64_t rate, struct err *e)
{
    const struct scrub_options options = {.dry_run = report->dry_run, .finding = damage_report_blob, .arg = report};
    struct scrub *scrub = scrub_new(report->op->store, &options, e);
    uint64_t began_ms = clock_monotonic_ms();
    bool more = true;
    int rc = scrub == NULL ? -1 : 0;

    while (rc == 0 && more) {
        struct scrub_count count = {0};

        if (op_cancelled(report->op) || !keep_pace(report->op, began_ms, report->blobs.bytes, rate))
            rc = cancelled(e);
        else
            rc = scrub_step(scrub, &count, &more, e);
        damage_report_count(report, &count);
    }
    scrub_free(&scrub);
    return rc;
}

static bool blob_file_size(const struct digest *d, uint64_t *size, void *arg)
{
    return store_file_size(d, size, (void *)(uintptr_t)((struct damage_report *)arg)->op->store);
}

static int check_metadata(struct damage_report *report, struct err *e)
{
    const struct meta_check_options options = {
        .finding = damage_report_metadata, .file_size = blob_file_size, .arg = report};
    struct meta_check *check = meta_check_new(report->op->store->meta, &options, e);
    struct meta_check_count count = {0};
    bool more = true;
    int rc = check == NULL ? -1 : 0;

    while (rc == 0 && more) {
        if (op_cancelled(report->op))
            rc = cancelled(e);
        else
            rc = meta_check_step(check, &count, &more, e);
        op_progress(report->op, "%llu entries of the metadata", (unsigned long long)count.entries);
    }
    meta_check_free(&check);
    report->entries = count.entries;
    report->findings = count.findings;
    metric_add(METRIC_SCRUB_METADATA, count.findings);
    return rc;
}

/* All was looked at: the scrubber in the background need not begin before its interval has passed again. */
static void stamp(const struct damage_report *report)
{
    struct scrub_state state = {.finished = clock_wall_s(),
                                .found_last = report->blobs.damaged + report->blobs.missing + report->findings};
    struct err e;

    metric_set(METRIC_LAST_SCRUB, (int64_t)state.finished);
    if (scrub_state_save(report->op->store->root, &state, &e) != 0)
        op_note(report->op, "%s", e.text);
}

static int run(struct damage_report *report, uint64_t rate, int *status, struct err *e)
{
    bool blobs = !report->op->call->given[OPTION_METADATA_ONLY];

    if (check_metadata(report, e) != 0 || (blobs && scrub_blobs(report, rate, e) != 0))
        return -1;
    if (blobs && !report->dry_run)
        stamp(report);
    if (!damage_report_sum(report, false))
        *status = EXIT_REFUSED;
    return 0;
}

int op_scrub(struct op *op, int *status, struct err *e)
{
    struct damage_report report;
    uint64_t rate;
    int rc;

    if (take_rate(op, &rate, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if (damage_report_begin(&report, op, e) != 0)
        return -1;
    rc = run(&report, rate, status, e);
    damage_report_end(&report);
    return rc;
}
