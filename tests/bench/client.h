/*
 * One HTTP/1.1 connection to a registry, for the load program: blocking, over TLS or plain, doing as little per byte
 * as it can, because it shares the machine with the server that it measures.
 *
 * Thread: a client belongs to one thread; a target is read-only once it is set up and shared by all.
 */
#ifndef BERTH_TESTS_BENCH_CLIENT_H
#define BERTH_TESTS_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "registry/base/err.h"

struct target {
    struct sockaddr_in address;
    char host[64]; /* for the Host header: address and port */
    SSL_CTX *tls;  /* NULL: plain HTTP */
    char *headers; /* lines that go with every request */
};

/* `url` is http://ADDRESS:PORT or https://ADDRESS:PORT with an IPv4 address. `ca` (a PEM file) is needed for https.
 * `user` ("name:password") and `header` (one line without its end) may be NULL. */
int target_init(struct target *target, const char *url, const char *ca, const char *user, const char *header,
                struct err *e);
void target_free(struct target *target);

enum { ANSWER_LOCATION_MAX = 2048 };

struct answer {
    int status;
    uint64_t length;                    /* bytes of the body, all of them read */
    char location[ANSWER_LOCATION_MAX]; /* path and query only; empty without the header */
};

struct client;

/* Connects and, with TLS, shakes hands. NULL and `e` on failure. */
struct client *client_open(const struct target *target, struct err *e);
/* The same, resuming `session`, which stays the caller's; NULL: a full handshake. */
struct client *client_resume(const struct target *target, SSL_SESSION *session, struct err *e);
/* The client's TLS, which ends with it; NULL: plain. */
SSL *client_ssl(const struct client *c);
/* Closes without ceremony, frees, nulls. */
void client_close(struct client **client);

/* Sends the head of a request. `headers` is lines that end in CRLF, or "". */
int client_send_head(struct client *c, const char *method, const char *path, const char *headers, struct err *e);
/* Sends bytes as they are. */
int client_send(struct client *c, const void *bytes, size_t n, struct err *e);
/* Reads one answer, throwing its body away. `head_only`: the request was a HEAD. */
int client_read_answer(struct client *c, bool head_only, struct answer *answer, struct err *e);
/* The same for a GET, with a body that goes to `take` piece by piece. */
int client_read_body(struct client *c, void (*take)(void *argument, const void *bytes, size_t n), void *argument,
                     struct answer *answer, struct err *e);

/* A whole exchange with a body of `n` bytes. An answer of another status than `expected` is an error. */
int client_ask(struct client *c, const char *method, const char *path, const void *body, size_t n, int expected,
               struct answer *answer, struct err *e);

#endif
