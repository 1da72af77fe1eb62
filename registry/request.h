/*
 * A request on its way through Berth: what libh2o's h2o_req_t becomes once it is routed and its caller is known.
 *
 * Phases, and what is legal in them:
 *   ADMIT   being routed and authenticated; no handler runs yet
 *   ANSWER  the handler runs; it may read the body (body_start), start one job or commit at a time, or reply
 *   WORKING a job or commit is under way, or others have their turn: the handler waits for `done`
 *   REPLIED a reply was given; nothing more may be started
 *   GONE    the client vanished (h2o is NULL): `done` functions are not called any more; when no work is under way,
 *           `release` is
 * A request is freed when libh2o has disposed of its h2o_req_t and no work is under way. Its strings are its own: they
 * stay valid for a worker when the client has vanished.
 *
 * Thread: its loop; `run` of a job on a worker, `apply` of a commit on the metadata writer.
 */
#ifndef BERTH_REGISTRY_REQUEST_H
#define BERTH_REGISTRY_REQUEST_H

#include <h2o.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "registry/net/body.h"
#include "registry/routes.h"
#include "registry/net/workers.h"
#include "storage/digest.h"
#include "storage/quota.h"

struct server;

struct request {
    /* where it came from */
    h2o_req_t *h2o; /* NULL: the client is gone */
    struct loop *loop;
    struct server *server;
    uint64_t began_us;     /* monotonic */
    char id[17];           /* in the X-Request-Id header and in the logs */
    char user[256];        /* empty: anonymous */
    char certificate[256]; /* the name in the client's verified certificate; empty: none */
    bool has_pass;         /* came with a pass of ours (gate.h), in the user's name or in nobody's */
    bool pass_refused;     /* came with a pass that is not good, or not any more */
    bool has_password;     /* came with the user's password */

    /* what it asks for; strings point into `text` */
    enum method method;
    bool method_known; /* false: it is none of ours */
    struct target target;
    struct str query; /* raw */

    /* work under way */
    bool admitted; /* it has a place in the queues: it may use them until it ends */
    bool working;
    struct job job;
    struct commit commit;
    struct message turn; /* to the request itself, when it has yielded */
    void (*run)(struct request *rq);
    void (*done)(struct request *rq);
    int rc;
    struct err err;
    const char *error; /* the protocol's code that it was answered with; NULL: none */

    struct sbuf origin; /* who asks, to be told others (events/event_call.h); empty: nobody is told */

    struct quota_hold hold; /* room it has reserved; given back before the answer, after which the client may use it */

    /* the handler's own */
    struct body_sink sink;
    void *state;
    void (*release)(struct request *rq); /* called once, last, with no work under way; may be NULL */

    char text[]; /* decoded path, then query */
};

/* libh2o's way in: makes the request, routes, admits, handles. */
int request_handle(h2o_handler_t *handler, h2o_req_t *h2o);

/* May the request begin with work that waits for the disk? It may when the queues of the disk and of the metadata writer
 * are not full (http.limits.queue), and then until it ends, so that nothing breaks half-way: later pieces of a body wait,
 * and so does their client. Work on an upload that has begun is put off much later than new work. False: 503 with
 * Retry-After was replied. Asked by request_work() and request_commit() if nobody asked before. */
bool request_admit(struct request *rq);
/* Run `run` on a worker, then `done` on the loop if the client is still there. rq->rc and rq->err are theirs to use. For
 * LANE_DISK this may reply instead, as request_admit(): the caller is done either way. */
void request_work(struct request *rq, enum lane lane, void (*run)(struct request *rq),
                  void (*done)(struct request *rq));
/* Run `apply` in a metadata commit, then `done`, or reply as request_admit(); rq->rc and rq->err tell how it ended. The apply function finds its
 * request by request_of_change(). */
void request_commit(struct request *rq, int (*apply)(struct meta_txn *txn, struct meta_change *change, struct err *e),
                    void (*done)(struct request *rq));
struct request *request_of_change(struct meta_change *change);
/* Let others on the loop have their turn, then `done` if the client is still there: for work on the loop that is cut
 * into pieces (loop.h). rq->rc and rq->err stay as they are. */
void request_yield(struct request *rq, void (*done)(struct request *rq));

/* The connection it came on. While the client is there. */
struct driven *request_connection(const struct request *rq);
/* A request header's value, trimmed; empty when absent. */
struct str request_header(const struct request *rq, const h2o_token_t *token);
/* Was the header sent more than once? */
bool request_header_repeats(const struct request *rq, const h2o_token_t *token);
/* The decoded query parameter number `index` of `key`, in memory of the h2o request; false when absent or malformed. */
bool request_param(const struct request *rq, const char *key, size_t index, struct str *out);

#endif
