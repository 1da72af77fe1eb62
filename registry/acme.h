/*
 * http.acme: HTTP-01 challenges for ACME clients that write into a webroot (certbot --webroot, acme.sh -w,
 * lego --http.webroot, acme-tiny, dehydrated), and for everything else the way to https.
 *
 *   GET, HEAD /.well-known/acme-challenge/TOKEN   the client's file (acme_challenge.h), read on a worker
 *   anything else                                 301, other methods 308, to http.host if that is https, else to the
 *                                                 host asked for on the port of http.addr; 404 without either
 */
#ifndef BERTH_REGISTRY_ACME_H
#define BERTH_REGISTRY_ACME_H

#include <h2o.h>

#include "registry/config/config.h"

/* Is the webroot a folder? Thread: the one that starts the server. */
int acme_check(const struct config *config, struct err *e);
/* libh2o's way in. Thread: the request's loop. */
int acme_handle(h2o_handler_t *handler, h2o_req_t *req);

#endif
