/*
 * The servers beside the registry: plain HTTP on addresses of their own, without TLS and without passwords, each with
 * one handler. http.acme answers the challenges of certificate authorities (acme.h), http.debug tells health and
 * metrics (debug.h). Nothing of the registry's protocol can be reached there, and nothing of these at the registry.
 *
 * Their connections run on the same loops with the same driver, timers and drain.
 *
 * Thread: side_open(), side_start() and side_close() are for the thread that starts and stops the server; the replies
 * are for handlers, on their loop.
 */
#ifndef BERTH_REGISTRY_SIDE_H
#define BERTH_REGISTRY_SIDE_H

#include <h2o.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct server;
struct side;

/* Those that the configuration asks for, which may be none, listen. Before the loops start. NULL: error; it names the
 * key. */
struct side *side_open(struct server *server, struct err *e);
/* Accept from now on: the loops run. */
/* Connections are no longer refused. */
int side_listen(const struct side *side, struct err *e);
void side_start(struct side *side);
/* How many listen. */
size_t side_count(const struct side *side);
/* Append what they listen on: "127.0.0.1:5001, [::]:80". */
void side_texts(const struct side *side, struct sbuf *out);
/* After the loops ended. */
void side_close(struct side **side);

/* ---- for handlers ---- */

/* The loop and server of a request. */
struct loop *side_loop(h2o_req_t *req);
/* Path without the query, as it was sent. */
struct str side_path(const h2o_req_t *req);
bool side_is_read(const h2o_req_t *req); /* GET or HEAD */
/* A header of the reply; the value is copied, the name is a literal. */
void side_header(h2o_req_t *req, const char *name, struct str value);
/* The whole reply; the body is copied. Once per request. */
void side_reply(h2o_req_t *req, int status, const char *type, struct str body);
/* The same without the copy: the body stays until libh2o disposes of the request. */
void side_reply_lent(h2o_req_t *req, int status, const char *type, struct str body);
/* A reply of one line of text. */
void side_say(h2o_req_t *req, int status, const char *sentence);
/* 405 for what is neither GET nor HEAD. */
void side_refuse_method(h2o_req_t *req);

#endif
