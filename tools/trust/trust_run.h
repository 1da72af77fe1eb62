/*
 * A request carried out on many hosts, some of them at a time.
 *
 * On a host it takes one step or two. daemon.json is edited here, not there: `install --insecure` reads it, then
 * installs and writes it; `remove` removes, and when the registry stands in daemon.json, writes that in a second step.
 *
 * Thread: one, which waits in trust_run().
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_RUN_H
#define BERTH_TOOLS_TRUST_TRUST_RUN_H

#include <stdbool.h>
#include <stddef.h>

/* tools */
#include "tools/trust/trust_report.h"
#include "tools/trust/trust_script.h"
#include "tools/trust/trust_target.h"

struct trust_result {
    const struct trust_target *target;
    struct trust_report report;
};

struct trust_ways {
    struct trust_ssh ssh;
    unsigned jobs;    /* hosts at a time */
    unsigned timeout; /* seconds for one step on one host */
    /* Called when a host is done; `done` of `total` are. */
    void (*progress)(const struct trust_request *request, const struct trust_result *result, size_t done, size_t total);
};

/* Fill `results`, one for each target and in their order. What fails on a host is in its report. */
void trust_run(const struct trust_request *request, const struct trust_targets *targets, const struct trust_ways *ways,
               struct trust_result *results);

/* All was done there, and nothing was refused? */
bool trust_result_good(const struct trust_result *result);

#endif
