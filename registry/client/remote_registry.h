/*
 * Another registry, asked as a client (OCI distribution-spec): its API, who calls, and patience with it.
 *
 * It is hostile. What it answers is bounded, redirects are followed as http_client.h says, a name that it lists is only
 * bytes until its receiver has looked at its grammar, and a password goes to the registry itself and to the token server
 * that it names, to the latter over https only unless the registry is asked over plain http itself.
 *
 * Who calls: nobody, until it answers 401, which it is given an opportunity to when there is a password; then as its
 * challenge says. Basic: the password with every request. Bearer: a
 * token for the scope at hand from the realm, kept until it is refused or another scope is asked for.
 *
 * Thread: a struct remote belongs to one thread at a time; several of them may share credentials. Calls block.
 */
#ifndef BERTH_CLIENT_REMOTE_REGISTRY_H
#define BERTH_CLIENT_REMOTE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "registry/base/str.h"
#include "registry/client/http_client.h"

enum {
    REMOTE_TRIES = 6, /* without any progress between them */
    REMOTE_STALL_MS = 60 * 1000,
    REMOTE_WAIT_MAX_S = 300, /* of a Retry-After; longer ones count as this */
    REMOTE_LIST_MAX = 16 * 1024 * 1024,
    REMOTE_NAMES_MAX = 1000 * 1000,
};

struct remote;

struct remote_options {
    const char *host; /* "registry.example:5000" */
    bool plain_http;
    struct http_client_options http;
    struct str credentials;            /* "name:password"; outlives it; empty: nobody */
    const struct interrupt *interrupt; /* outlives it */
};

/* Nothing is asked yet. NULL: an error. */
struct remote *remote_open(const struct remote_options *options, struct err *e);
void remote_close(struct remote **remote);

struct remote_call {
    const char *method;
    const char *path;   /* with its query, "/v2/_catalog?n=100" */
    const char *scope;  /* of a token: "repository:team/app:pull" */
    const char *accept; /* NULL: anything */
    uint64_t from;      /* bytes of it that are here already: a Range asks for the rest */
    size_t body_most;
    int (*sink)(void *context, struct str piece, struct err *e); /* as http_client.h has it */
    void *context;
};

/* One request, asked again once when it was a matter of who calls. 0: `response` is the answer, whatever its status.
 * -1: there is none, as http_client_call() says; or no token (ERR_DENIED). */
int remote_call(struct remote *remote, const struct remote_call *call, struct http_response *response, struct err *e);
/* The same with patience: what may be different soon is asked for REMOTE_TRIES times, and only a 2xx is an answer. Not
 * for a sink. -1: as remote_refusal() has it. */
int remote_get(struct remote *remote, const struct remote_call *call, struct http_response *response, struct err *e);

/* An answer that is not 2xx, as an error that quotes it: ERR_NOT_FOUND (404), ERR_DENIED (401, 403), ERR_UNSUPPORTED (400,
 * 405, 501), ERR_BUSY (408, 429, other 5xx), else ERR_INVALID. Returns -1. */
int remote_refusal(const struct http_response *response, struct err *e);

/* Zeros: nothing was tried yet. */
struct remote_patience {
    unsigned tries;
};
/* After a call that failed with `e` (ERR_IO: no answer, ERR_BUSY: an answer that says so): wait as long as the answer's
 * Retry-After asks, or ever longer, and return true: try again. False: it makes no sense (of somebody who never answered
 * at all the name may be wrong), was tried often enough, or was interrupted; `e` says why. */
bool remote_wait(struct remote *remote, struct remote_patience *patience, const struct http_response *response,
                 struct err *e);

/* ---- lists (remote_list.c) ---- */

/* -1 ends the list with its error. The name is any bytes. */
typedef int remote_name_cb(struct str name, void *arg, struct err *e);

/* All names of all pages. ERR_TOO_LARGE with more than REMOTE_NAMES_MAX of them, ERR_INVALID when it is no list, or its
 * pages lead in a circle. */
int remote_catalog(struct remote *remote, remote_name_cb *item, void *arg, struct err *e);
int remote_tags(struct remote *remote, const char *repository, remote_name_cb *item, void *arg, struct err *e);
/* The digests of what is attached to the manifest `digest`. ERR_NOT_FOUND or ERR_UNSUPPORTED: it does not know
 * that question. */
int remote_referrers(struct remote *remote, const char *repository, const char *digest, remote_name_cb *item, void *arg,
                     struct err *e);

/* "https://host" as it is asked. */
const char *remote_origin(const struct remote *remote);

#endif
