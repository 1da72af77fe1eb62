/*
 * HTTP requests that Berth makes itself: webhooks, health checks, images of another registry. http_client.c is the only
 * file that knows libcurl, which is loaded when the first client is made: a server that calls nobody does not pay for
 * it.
 *
 * A client keeps its connections between calls. TLS is verified, 1.2 at least; only http and https are spoken, also
 * after a redirect. What comes back is hostile: heads have at most 64 KiB, a body that is gathered at most `body_most`.
 *
 * Thread: http_client_setup() once, in the main thread, before others start; a client belongs to one thread at a time.
 * Calls block.
 */
#ifndef BERTH_CLIENT_HTTP_CLIENT_H
#define BERTH_CLIENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "registry/base/str.h"

struct http_client;

struct http_client_options {
    const char *ca_file;     /* PEM, besides the system's authorities; NULL: none */
    const char *certificate; /* PEM, what the client shows; NULL: nothing */
    const char *key;
    bool insecure; /* certificates of servers are not verified */
};

struct http_field {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method; /* GET, HEAD, POST, … */
    const char *url;
    const struct http_field *fields; /* Authorization goes to no other host than the url's */
    size_t field_count;
    struct str body;     /* empty: none */
    uint64_t timeout_ms; /* for all of it; 0: none */
    uint64_t stall_ms;   /* give up when nothing moved for so long; 0: never */
    bool follow;         /* redirects, five at most */
    /* What comes is given to `sink`, piece by piece, if the status is 2xx; not 0 ends the call with its error. NULL, and
     * for other statuses: it is gathered in the response, up to `body_most` bytes, and the rest is not read. */
    int (*sink)(void *context, struct str piece, struct err *e);
    void *context;
    size_t body_most;
    const struct interrupt *interrupt; /* NULL: none */
};

/* Starts as {0}. */
struct http_response {
    int status;
    struct sbuf head; /* the last answer's fields, "name: value\r\n" each, names in lower case */
    struct sbuf body;
};

/* 0, or -1: libcurl cannot be used; the error says which package has it. */
int http_client_setup(struct err *e);

/* `options` may be NULL; its texts are copied. NULL: an error. */
struct http_client *http_client_new(const struct http_client_options *options, struct err *e);
void http_client_free(struct http_client **client);

/* 0: there is an answer, whatever its status. -1: there is none; ERR_BUSY when it was interrupted, ERR_IO when the other
 * side cannot be reached, was too slow or broke off, ERR_DENIED when its certificate is not to be trusted. The error
 * names the host and says what to do, but no credentials and no query. */
int http_client_call(struct http_client *client, const struct http_request *request, struct http_response *response,
                     struct err *e);
/* The value of a field, trimmed, in the response's memory; empty when there is none. `name` in lower case. */
struct str http_response_field(const struct http_response *response, const char *name);
void http_response_clear(struct http_response *response);

#endif
