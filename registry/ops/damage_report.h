/*
 * What `berth scrub` and `berth fsck` say of damage: a line for each, as text or, for programs, as a JSON object.
 *
 * Thread: any may report; lines do not mix.
 */
#ifndef BERTH_OPS_DAMAGE_REPORT_H
#define BERTH_OPS_DAMAGE_REPORT_H

#include <pthread.h>

#include "registry/ops/op.h"
#include "storage/meta/meta_check.h"
#include "storage/upkeep/scrub.h"

struct damage_report {
    struct op *op;
    bool json;
    bool dry_run;
    bool repairs; /* what is found in the metadata is put right */
    struct meta_reader *reader;
    pthread_mutex_t lock;     /* guards what follows, the reader and the output */
    struct scrub_count blobs; /* the whole of it */
    uint64_t entries;
    uint64_t findings;
};

int damage_report_begin(struct damage_report *report, struct op *op, struct err *e);
void damage_report_end(struct damage_report *report);

/* For scrub_options and meta_check_options; `arg` is the report. */
void damage_report_blob(const struct scrub_finding *finding, void *arg);
void damage_report_metadata(const struct meta_finding *finding, void *arg);
/* Steps did this much more. Shows progress. */
void damage_report_count(struct damage_report *report, const struct scrub_count *more);
/* The last line. Returns whether nothing was found. `repaired`: what was found in the metadata is put right. */
bool damage_report_sum(struct damage_report *report, bool repaired);

#endif
