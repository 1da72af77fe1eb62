/*
 * HTTP requests that Berth makes itself: webhooks, health checks, images of another registry. http_client*.c are the
 * only files that know libcurl, which is loaded when the first client is made: a server that calls nobody does not pay
 * for it.
 *
 * A client keeps its connections between calls. TLS is verified, 1.2 at least; only http and https are spoken, and a
 * redirect never leads from https to http. What comes back is hostile: heads have at most HTTP_HEAD_MAX bytes, a body
 * that is gathered at most `body_most`, and a body that comes compressed stays so.
 *
 * Proxies are those of the environment, as for everything that administrators run: http_proxy, https_proxy, all_proxy
 * and no_proxy (and the last three in capitals; HTTP_PROXY is not looked at). This machine's own addresses are called
 * without one.
 *
 * Thread: any; a client belongs to one thread at a time. Calls block, and so may making the first client. The process
 * ignores SIGPIPE.
 */
#ifndef BERTH_CLIENT_HTTP_CLIENT_H
#define BERTH_CLIENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/interrupt.h"
#include "registry/base/str.h"

enum {
    HTTP_HEAD_MAX = 64 * 1024,
    HTTP_REDIRECTS_MAX = 5,
    HTTP_CONNECT_MS = 30 * 1000, /* until a connection and its TLS stand */
    HTTP_STALL_BYTES = 1024,
};

struct http_client;

struct http_client_options {
    const char *ca_file;     /* PEM, besides the system's authorities; NULL: none */
    struct str authorities;  /* the same as text; empty: none */
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
    /* Authorization and Cookie go to no other host, port or scheme than the url's; the rest goes along redirects. */
    const struct http_field *fields;
    size_t field_count;
    struct str body;     /* empty: none */
    uint64_t timeout_ms; /* for all of it; 0: none */
    /* Give up when less than HTTP_STALL_BYTES of a body moved in so long and it is not done, or no answer came in so
     * long; 0: never. What `sink` takes does not count. */
    uint64_t stall_ms;
    bool follow; /* redirects, HTTP_REDIRECTS_MAX at most; a POST becomes a GET after 303 only */
    /* What comes is given to `sink`, piece by piece, if the status is 2xx; not 0 ends the call with its error. Status and
     * head are in the response by then. NULL, and for other statuses: it is gathered in the response, up to `body_most`
     * bytes; the rest is not read, and `cut` is set. */
    int (*sink)(void *context, struct str piece, struct err *e);
    void *context;
    size_t body_most;
    const struct interrupt *interrupt; /* NULL: none. Asked once a second at least. */
};

/* Starts as {0}. */
struct http_response {
    int status;
    struct sbuf head; /* the last answer's fields, "name: value\r\n" each, names in lower case */
    struct sbuf body;
    bool cut; /* the body was longer than what is here */
};

/* `options` may be NULL; its texts are copied, and `ca_file` is read here. The first client loads libcurl. NULL: an
 * error; where libcurl cannot be used it says which package has it. */
struct http_client *http_client_new(const struct http_client_options *options, struct err *e);
void http_client_free(struct http_client **client);

/* 0: there is an answer, whatever its status. -1: there is none, or not all of it. ERR_BUSY when it was interrupted,
 * ERR_IO when the other side cannot be reached, was too slow or broke off, ERR_DENIED when its certificate is not to be
 * trusted or it redirects to where nobody is to be sent, ERR_TOO_LARGE for a head that is too long, ERR_INVALID for a
 * request that cannot be made. The error names the host and says what to do, but no credentials and no query.
 * `response` is emptied first. */
int http_client_call(struct http_client *client, const struct http_request *request, struct http_response *response,
                     struct err *e);
/* The value of a field, trimmed, in the response's memory; of several the first; empty when there is none. `name` in
 * lower case. */
struct str http_response_field(const struct http_response *response, const char *name);
/* Wipes it, too: answers hold tokens. It is {0} then. */
void http_response_clear(struct http_response *response);

/* Where a URL leads: its scheme, "https://", and its host with the port that it names, "[::1]:5000". False: it is not
 * for http or https, names no host, or holds bytes that no URL has. */
bool http_url_origin(struct str url, struct str *scheme, struct str *host);

#endif
