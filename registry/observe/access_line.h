/*
 * One line of the access log: in the "combined" format that log readers know, with the request's id behind it
 *   ADDRESS - USER [TIME] "METHOD TARGET HTTP/1.x" STATUS BYTES "REFERER" "USER AGENT" ID
 * or a JSON object, which has more to tell; conf/config.yml lists its members.
 *
 * Thread: any.
 */
#ifndef BERTH_OBSERVE_ACCESS_LINE_H
#define BERTH_OBSERVE_ACCESS_LINE_H

#include <stdint.h>

#include "registry/base/clock.h"
#include "registry/base/str.h"

struct access_line {
    /* in both */
    struct str address;
    struct str user; /* empty: nobody */
    struct str time; /* as the combined format has it */
    struct str method;
    struct str target;
    unsigned minor; /* of HTTP/1.x */
    int status;
    uint64_t bytes;     /* of the body that was sent */
    struct str referer; /* empty: the client told none */
    struct str agent;
    struct str id;

    /* in JSON; what is empty or NULL is left out */
    int64_t time_s; /* since the Unix epoch */
    unsigned time_ms;
    struct str certificate; /* the name in it */
    const char *route;
    struct str repository;
    struct str reference;
    struct str digest; /* of what was answered */
    const char *error; /* the protocol's code */
    uint64_t received; /* bytes of the request's body */
    uint64_t us;       /* from its head to the end of the answer */
    const char *tls_version;
    const char *tls_cipher;
};

/* Append the line and its line feed. What came from the client cannot forge a field or a line: bytes that could are
 * written as \xHH. */
void access_line_put(struct sbuf *out, const struct access_line *line);
/* The same as JSON (RFC 8259): what is not UTF-8 becomes U+FFFD. */
void access_json_put(struct sbuf *out, const struct access_line *line);

#endif
