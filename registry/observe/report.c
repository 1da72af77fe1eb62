#include "registry/observe/report.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/log.h"
#include "registry/observe/exposition.h"
#include "registry/server.h"
#include "registry/side.h"

/* Freed when libh2o has disposed of its request and the job is home. */
struct asked {
    struct job job;
    h2o_req_t *req; /* NULL: disposed of */
    bool working;
    report_fn *write;
    struct report report;
    int rc;
    struct err err;
    char query[];
};

static void free_if_over(struct asked *asked)
{
    if (asked->req != NULL || asked->working)
        return;
    sbuf_free(&asked->report.text);
    free(asked);
}

static void on_dispose(void *slot)
{
    struct asked *asked = *(struct asked **)slot;

    asked->req = NULL;
    free_if_over(asked);
}

static void run(struct job *job)
{
    struct asked *asked = H2O_STRUCT_FROM_MEMBER(struct asked, job, job);
    struct report *report = &asked->report;

    report->reader = meta_reader_new(report->server->store->meta, &asked->err);
    asked->rc = report->reader == NULL ? -1 : asked->write(report, &asked->err);
    meta_reader_free(&report->reader);
}

static void reply(struct asked *asked)
{
    const struct sbuf *text = &asked->report.text;

    if (asked->rc == 0) {
        side_reply_lent(asked->req, 200, EXPOSITION_TYPE, (struct str){text->p, text->n});
    } else if (asked->err.code == ERR_INVALID) {
        side_say(asked->req, 400, asked->err.text);
    } else {
        log_error("metrics: %s", asked->err.text);
        side_say(asked->req, 500, "the metrics cannot be read; the log has the reason");
    }
}

static void done(struct job *job)
{
    struct asked *asked = H2O_STRUCT_FROM_MEMBER(struct asked, job, job);

    asked->working = false;
    if (asked->req != NULL)
        reply(asked);
    else
        free_if_over(asked);
}

static struct str query_of(const h2o_req_t *req)
{
    struct str target = {req->input.path.base, req->input.path.len};

    return str_from(target, str_find(target, '?') + 1);
}

void report_answer(h2o_req_t *req, report_fn *write)
{
    struct str query = query_of(req);
    struct loop *loop = side_loop(req);
    struct asked *asked = xcalloc(1, sizeof(*asked) + query.n + 1);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the slot is a pointer */
    struct asked **slot = h2o_mem_alloc_shared(&req->pool, sizeof(*slot), on_dispose);

    *slot = asked;
    memcpy(asked->query, query.p, query.n);
    asked->req = req;
    asked->write = write;
    asked->working = true;
    asked->report.server = loop->server;
    asked->report.draining = loop->draining;
    asked->report.query = (struct str){asked->query, query.n};
    asked->job = (struct job){.run = run, .done = done, .loop = loop};
    workers_submit(loop->server->workers, LANE_REPORT, &asked->job);
}
