/*
 * Answers of http.debug that take longer than a loop may be held: text that is put together on the lane for reports and
 * comes home to be sent. One at a time, whoever asks; a client that leaves meanwhile changes nothing.
 *
 * Thread: report_answer() on the request's loop; `write` on a worker.
 */
#ifndef BERTH_OBSERVE_REPORT_H
#define BERTH_OBSERVE_REPORT_H

#include <stdbool.h>

#include <h2o.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"

struct server;

struct report {
    struct server *server;
    struct meta_reader *reader; /* its own */
    bool draining;              /* its loop is */
    struct str query;           /* as it was sent; empty: none */
    struct sbuf text;           /* what is answered */
};

/* Appends to report->text. Fails with ERR_INVALID for a query that asks for what cannot be, which is 400; else it is
 * 500. */
typedef int report_fn(struct report *report, struct err *e);

/* Answer with what `write` puts together, as text that Prometheus reads. */
void report_answer(h2o_req_t *req, report_fn *write);

/* ---- what there is to report: a file each ---- */

/* Everything about the server as a whole; how much there is of it does not grow with what is stored. */
report_fn report_server;
/* The largest repositories, as many as ?top= asks for. */
report_fn report_repositories;
/* Its parts. What has no history is looked at and set in the table of metrics; what has labels that the table cannot
 * know is appended. */
void report_loops(const struct server *server, bool draining, struct sbuf *out);
void report_queues(const struct server *server, struct sbuf *out);
void report_store_look(const struct report *report);
void report_quotas(struct report *report);
/* Of the process, by the names that all programs use for it. Appends; what the system does not tell is left out. */
void report_process(struct sbuf *out);

#endif
