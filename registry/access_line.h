/*
 * One line of the access log, in the "combined" format that log readers know, with the request's id behind it:
 *   ADDRESS - USER [TIME] "METHOD TARGET HTTP/1.x" STATUS BYTES "REFERER" "USER AGENT" ID
 *
 * Thread: any.
 */
#ifndef BERTH_REGISTRY_ACCESS_LINE_H
#define BERTH_REGISTRY_ACCESS_LINE_H

#include <stdint.h>

#include "registry/base/str.h"

struct access_line {
    struct str address;
    struct str user; /* empty: nobody */
    struct str time;
    struct str method;
    struct str target;
    unsigned minor; /* of HTTP/1.x */
    int status;
    uint64_t bytes;     /* of the body that was sent */
    struct str referer; /* empty: the client told none */
    struct str agent;
    struct str id;
};

/* Append the line and its line feed. What came from the client cannot forge a field or a line: bytes that could are
 * written as \xHH. */
void access_line_put(struct sbuf *out, const struct access_line *line);

#endif
