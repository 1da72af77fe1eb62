#include "registry/request.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/events/events.h"
#include "registry/gate.h"
#include "registry/health/health.h"
#include "registry/observe/metrics.h"
#include "registry/permission.h"
#include "registry/query.h"
#include "registry/reply.h"
#include "registry/observe/request_log.h"
#include "registry/server.h"
#include "storage/reference.h"

/* ---- life ---- */

static void free_if_over(struct request *rq)
{
    if (rq->h2o != NULL || rq->working)
        return;
    if (rq->release != NULL)
        rq->release(rq);
    quota_release(&rq->hold);
    sbuf_free(&rq->origin);
    free(rq);
}

/* libh2o disposes of its request: answered and sent, or the client vanished. Its fields are still there to be logged.
 */
static void on_dispose(void *slot)
{
    struct request *rq = *(struct request **)slot;

    request_log(rq);
    rq->h2o = NULL;
    free_if_over(rq);
}

/* 16 digits: four for the loop, twelve for its request. */
static void make_id(char out[17], unsigned loop, uint64_t request)
{
    uint64_t number = htobe64((uint64_t)loop << 48 | (request & 0xffffffffffffULL));
    uint8_t bytes[sizeof(number)];

    memcpy(bytes, &number, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), out);
    out[2 * sizeof(bytes)] = '\0';
}

static struct request *new_request(h2o_req_t *h2o)
{
    struct loop *loop = driven_of(h2o)->loop;
    struct str whole = {h2o->input.path.base, h2o->input.path.len};
    struct request *rq = xmalloc(sizeof(*rq) + whole.n + 1);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the slot is a pointer */
    struct request **slot = h2o_mem_alloc_shared(&h2o->pool, sizeof(*slot), on_dispose);

    memset(rq, 0, sizeof(*rq));
    *slot = rq;
    rq->h2o = h2o;
    rq->loop = loop;
    rq->server = loop->server;
    rq->began_us = clock_monotonic_us();
    request_counts_begin(&loop->requests);
    rq->method_known = route_method((struct str){h2o->input.method.base, h2o->input.method.len}, &rq->method);
    loop->request_counter++;
    make_id(rq->id, loop->index, loop->request_counter);
    return rq;
}

/* Copy the target into the request's own text, path decoded; false for escapes that no name of ours can have. */
static bool take_target(struct request *rq)
{
    struct str whole = {rq->h2o->input.path.base, rq->h2o->input.path.len};
    size_t mark = str_find(whole, '?');
    struct str query = str_from(whole, mark + 1);
    size_t n;

    if (!percent_decode((struct str){whole.p, mark}, true, rq->text, &n) || (query.n > 0 && !query_valid(query)))
        return false;
    memcpy(rq->text + n, query.p, query.n);
    rq->query = (struct str){rq->text + n, query.n};
    route_parse((struct str){rq->text, n}, &rq->target);
    return true;
}

/* ---- from admission to the handler ---- */

static bool check_method(struct request *rq)
{
    char allow[64];

    if (rq->method_known && route_handler(rq->target.route, rq->method) != NULL)
        return true;
    route_allow(rq->target.route, 0, allow);
    reply_header(rq, "Allow", str_of(allow));
    reply_error(rq, OCI_UNSUPPORTED, "this resource takes %s", allow);
    return false;
}

/* 405 for methods that the configuration switched off; Allow names the others (RFC 9110 §15.5.6). */
static void refuse_disabled(struct request *rq, unsigned disabled, const char *why)
{
    char allow[64];

    route_allow(rq->target.route, disabled, allow);
    reply_header(rq, "Allow", str_of(allow));
    reply_error(rq, OCI_UNSUPPORTED, "%s", why);
}

static bool writes(const struct request *rq)
{
    return rq->method != METHOD_GET && rq->method != METHOD_HEAD;
}

static void handle(struct request *rq)
{
    if (!permission_enter(rq))
        return;
    if (rq->target.route == ROUTE_NONE) {
        reply_error(rq, OCI_NAME_UNKNOWN, "no end-point of the registry protocol has this path");
        return;
    }
    if (!check_method(rq))
        return;
    if (rq->target.repository.n > 0 && !repository_name_valid(rq->target.repository)) {
        reply_error(rq, OCI_NAME_INVALID,
                    "a repository name has at most %d bytes of lower-case letters, digits, separators and slashes",
                    REPOSITORY_NAME_MAX);
        return;
    }
    if (!permission_check(rq))
        return;
    if (writes(rq) && live_is_readonly(&rq->server->live)) {
        refuse_disabled(rq, ~(1U << METHOD_GET | 1U << METHOD_HEAD), "the registry is in read-only mode");
        return;
    }
    if (rq->method == METHOD_DELETE && rq->target.route != ROUTE_UPLOAD && !rq->server->config->delete_enabled) {
        refuse_disabled(rq, 1U << METHOD_DELETE, "deleting is disabled; storage.delete.enabled: true allows it");
        return;
    }
    route_handler(rq->target.route, rq->method)(rq);
}

enum { UNHEALTHY_S = 10 };

int request_handle(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct request *rq = new_request(h2o);

    (void)handler;
    if (!health_is_good(rq->server->health))
        reply_later(rq, OCI_UNAVAILABLE, UNHEALTHY_S,
                    "a health check of the registry fails; its administrator finds which one in the log");
    else if (take_target(rq))
        gate_admit(rq, handle);
    else
        reply_error(rq, OCI_NAME_INVALID, "path or query has a malformed escape, or one that no name can contain");
    return 0;
}

/* ---- work ---- */

enum { PATIENCE_WITH_UPLOADS = 4 }; /* times the queue: what is half done goes on while new work is put off */

bool request_admit(struct request *rq)
{
    const struct server *server = rq->server;
    size_t room = server->config->limits.queue;

    if (rq->target.route == ROUTE_UPLOAD && __builtin_mul_overflow(room, PATIENCE_WITH_UPLOADS, &room))
        room = SIZE_MAX;
    rq->admitted = rq->admitted ||
                   (workers_waiting(server->workers, LANE_DISK) < room && meta_waiting(server->store->meta) < room);
    if (rq->admitted)
        return true;
    metric_add(METRIC_QUEUE_REFUSED, 1);
    reply_later(rq, OCI_UNAVAILABLE, 1, "too many requests wait for the registry's disk; try again in a second");
    return false;
}

static void run_job(struct job *job)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, job, job);

    rq->run(rq);
}

static void work_over(struct request *rq)
{
    rq->working = false;
    if (rq->h2o != NULL)
        rq->done(rq);
    else
        free_if_over(rq);
}

static void job_done(struct job *job)
{
    work_over(H2O_STRUCT_FROM_MEMBER(struct request, job, job));
}

void request_work(struct request *rq, enum lane lane, void (*run)(struct request *rq), void (*done)(struct request *rq))
{
    if (lane == LANE_DISK && !request_admit(rq))
        return;
    rq->working = true;
    rq->run = run;
    rq->done = done;
    rq->rc = 0;
    rq->job.run = run_job;
    rq->job.done = job_done;
    rq->job.loop = rq->loop;
    workers_submit(rq->server->workers, lane, &rq->job);
}

struct request *request_of_change(struct meta_change *change)
{
    return H2O_STRUCT_FROM_MEMBER(struct request, commit.change, change);
}

static void commit_done(struct job *job)
{
    struct request *rq = H2O_STRUCT_FROM_MEMBER(struct request, commit.job, job);

    rq->rc = rq->commit.change.rc;
    rq->err = rq->commit.change.err;
    if (rq->origin.n > 0)
        events_committed(rq->server->events);
    work_over(rq);
}

void request_commit(struct request *rq, int (*apply)(struct meta_txn *txn, struct meta_change *change, struct err *e),
                    void (*done)(struct request *rq))
{
    if (!request_admit(rq))
        return;
    rq->working = true;
    rq->done = done;
    rq->commit.change.apply = apply;
    rq->commit.job.done = commit_done;
    rq->commit.job.loop = rq->loop;
    commit_submit(rq->server->store->meta, &rq->commit);
}

static void turn_come(struct message *message)
{
    work_over(H2O_STRUCT_FROM_MEMBER(struct request, turn, message));
}

void request_yield(struct request *rq, void (*done)(struct request *rq))
{
    rq->working = true;
    rq->done = done;
    rq->turn.run = turn_come;
    loop_yield(rq->loop, &rq->turn);
}

/* ---- what the client said ---- */

struct driven *request_connection(const struct request *rq)
{
    return driven_of(rq->h2o);
}

struct str request_header(const struct request *rq, const h2o_token_t *token)
{
    ssize_t at = h2o_find_header(&rq->h2o->headers, token, -1);

    if (at < 0)
        return (struct str){"", 0};
    return (struct str){rq->h2o->headers.entries[at].value.base, rq->h2o->headers.entries[at].value.len};
}

bool request_header_repeats(const struct request *rq, const h2o_token_t *token)
{
    ssize_t first = h2o_find_header(&rq->h2o->headers, token, -1);

    return first >= 0 && h2o_find_header(&rq->h2o->headers, token, first) >= 0;
}

bool request_param(const struct request *rq, const char *key, size_t index, struct str *out)
{
    struct sbuf value = {0};
    bool found = query_get(rq->query, key, index, &value);

    if (found) {
        h2o_iovec_t copy = h2o_strdup(&rq->h2o->pool, value.n == 0 ? "" : value.p, value.n);

        *out = (struct str){copy.base, copy.len};
    }
    sbuf_free(&value);
    return found;
}
