/*
 * `berth fsck`: repairs the metadata (storage/meta/meta_rebuild.h) and then scrubs all blobs (storage/upkeep/scrub.h) on all cores,
 * while no server holds the data directory. Files that are damaged or missing it cannot bring back: it names the images
 * to push again.
 */
#include "registry/ops/operations.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* storage */
#include "storage/meta/meta_rebuild.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/damage_report.h"

enum { THREADS_MOST = 64 };

/* ---- metadata ---- */

static int repair(struct damage_report *report, bool *clean, struct err *e)
{
    const struct meta_rebuild_options options = {.dry_run = report->dry_run,
                                                 .finding = damage_report_metadata,
                                                 .arg = report,
                                                 .interrupt = op_interrupt(report->op)};
    struct meta_rebuild_result result;
    int rc;

    op_progress(report->op, "metadata");
    rc = meta_rebuild(report->op->store, &options, &result, e);
    report->entries = result.entries;
    report->findings = result.findings;
    *clean = result.clean;
    return rc;
}

/* ---- blobs ---- */

struct crew {
    struct damage_report *report;
    atomic_bool stops;
    unsigned shares;
};

struct hand {
    struct crew *crew;
    pthread_t thread;
    unsigned share;
    int rc;
    struct err err;
};

static int scrub_share(struct hand *hand)
{
    struct crew *crew = hand->crew;
    const struct scrub_options options = {.dry_run = crew->report->dry_run,
                                          .share = hand->share,
                                          .shares = crew->shares,
                                          .finding = damage_report_blob,
                                          .arg = crew->report};
    struct scrub *scrub = scrub_new(crew->report->op->store, &options, &hand->err);
    bool more = true;
    int rc = scrub == NULL ? -1 : 0;

    while (rc == 0 && more && !atomic_load(&crew->stops)) {
        struct scrub_count count = {0};

        rc = scrub_step(scrub, &count, &more, &hand->err);
        damage_report_count(crew->report, &count);
        if (op_cancelled(crew->report->op))
            rc = err_set(&hand->err, ERR_BUSY, "cancelled; what was done stays done");
    }
    scrub_free(&scrub);
    return rc;
}

static void *run_hand(void *arg)
{
    struct hand *hand = arg;

    hand->rc = scrub_share(hand);
    if (hand->rc != 0)
        atomic_store(&hand->crew->stops, true);
    return NULL;
}

static int start_hand(struct hand *hand)
{
    int rc = pthread_create(&hand->thread, NULL, run_hand, hand);

    if (rc == 0)
        return 0;
    atomic_store(&hand->crew->stops, true);
    errno = rc;
    hand->rc = err_errno(&hand->err, "start a thread");
    return -1;
}

static int scrub_blobs(struct damage_report *report, struct err *e)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    struct crew crew = {.report = report,
                        .shares = online < 1              ? 1
                                  : online > THREADS_MOST ? THREADS_MOST
                                                          : (unsigned)online};
    struct hand *hands = xcalloc(crew.shares, sizeof(*hands));
    unsigned started = 0;
    int rc = 0;

    for (unsigned i = 0; i < crew.shares; i++)
        hands[i] = (struct hand){.crew = &crew, .share = i};
    while (started < crew.shares && start_hand(&hands[started]) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(hands[i].thread, NULL);
    for (unsigned i = 0; i < crew.shares && rc == 0; i++)
        if (hands[i].rc != 0)
            rc = err_set(e, hands[i].err.code, "%s", hands[i].err.text);
    free(hands);
    return rc;
}

/* ---- both ---- */

static int run(struct damage_report *report, int *status, struct err *e)
{
    bool clean;

    report->repairs = !report->dry_run;
    if (repair(report, &clean, e) != 0)
        return -1;
    if (!report->op->call->given[OPTION_METADATA_ONLY] && scrub_blobs(report, e) != 0)
        return -1;
    if (!damage_report_sum(report, clean))
        *status = EXIT_REFUSED;
    return 0;
}

int op_fsck(struct op *op, int *status, struct err *e)
{
    struct damage_report report;
    int rc;

    if (damage_report_begin(&report, op, e) != 0)
        return -1;
    rc = run(&report, status, e);
    damage_report_end(&report);
    return rc;
}
