/*
 * What is counted of every request that the registry answers: how many there were of which route, method and status code,
 * how long they took, and how many bytes their bodies had. Each loop counts in memory of its own; a reader adds up.
 *
 * A request begins when its head is read and ends when its answer is with the kernel, or its client is gone.
 *
 * Thread: counting on the loop whose counts they are; the text on any.
 */
#ifndef BERTH_OBSERVE_REQUEST_COUNTS_H
#define BERTH_OBSERVE_REQUEST_COUNTS_H

#include "registry/base/buckets.h"
#include "registry/base/str.h"
#include "registry/routes.h"

enum {
    REQUEST_CODES = 27,                 /* status codes that are told apart, and one for all others */
    REQUEST_METHODS = METHOD_COUNT + 1, /* METHOD_COUNT stands for all that are none of ours */
};

/* Zeros: none yet. */
struct request_counts {
    _Atomic uint64_t begun;
    _Atomic uint64_t ended;
    _Atomic uint64_t by_code[ROUTE_COUNT][REQUEST_METHODS][REQUEST_CODES];
    struct request_sums {
        struct buckets durations;  /* scale_durations */
        _Atomic uint64_t received; /* bytes of bodies */
        _Atomic uint64_t sent;
    } sums[ROUTE_COUNT][REQUEST_METHODS];
};

struct request_end {
    enum route route;
    enum method method; /* METHOD_COUNT: none of ours */
    int status;         /* 499: the client left before there was one */
    uint64_t us;
    uint64_t received; /* bytes of its body that were taken */
    uint64_t sent;     /* bytes of the answer's body */
};

void request_counts_begin(struct request_counts *counts);
void request_counts_end(struct request_counts *counts, const struct request_end *end);
/* Append the sums over `n` loops as Prometheus reads them; what never came is left out. */
void request_counts_text(const struct request_counts *const *counts, size_t n, struct sbuf *out);

#endif
