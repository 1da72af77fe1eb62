/*
 * What an import did, and what it left out.
 *
 * Thread: that of the operation.
 */
#ifndef BERTH_OPS_IMPORT_REPORT_H
#define BERTH_OPS_IMPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/ops/op.h"

enum { REPORT_NOTED = 50, REPORT_LISTED = 1000 }; /* told at once; listed in the JSON */

struct import_report {
    struct op *op;
    bool quiet;
    bool json;
    bool dry_run;
    uint64_t repositories;
    uint64_t tags;      /* copied, or to be */
    uint64_t unchanged; /* were here as they are there */
    uint64_t kept;      /* point elsewhere here, and were left so */
    uint64_t manifests; /* new here */
    uint64_t blobs, bytes, shared, present;
    uint64_t problems;  /* what was left out, `kept` aside */
    struct sbuf listed; /* of problems and kept tags, as members of a JSON array */
    uint64_t began_ms;
};

void report_open(struct import_report *report, struct op *op);
void report_close(struct import_report *report);

/* Something is left out. `what` names it: "team/app:1". */
void report_problem(struct import_report *report, const char *what, const char *why);
/* A tag that points to something else here, and is not to be moved. */
void report_kept(struct import_report *report, const char *what);
/* The end: what there is to say. */
void report_say(struct import_report *report);
bool report_is_whole(const struct import_report *report);

#endif
