/*
 * Routes: the end-points of OCI distribution-spec "Endpoints", one table.
 *
 * Thread: no state.
 */
#ifndef BERTH_REGISTRY_ROUTES_H
#define BERTH_REGISTRY_ROUTES_H

#include <stdbool.h>

#include "auth/access.h"
#include "registry/base/str.h"

struct request;

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };

enum route {
    ROUTE_NONE, /* no end-point has this form */
    ROUTE_BASE,
    ROUTE_CATALOG,
    ROUTE_TAGS,
    ROUTE_MANIFEST,
    ROUTE_BLOB,
    ROUTE_UPLOADS,
    ROUTE_UPLOAD,
    ROUTE_REFERRERS,
    ROUTE_TOKEN,
    ROUTE_COUNT,
};

struct target {
    enum route route;
    struct str repository; /* not yet checked against the grammar */
    struct str reference;  /* tag, digest or upload id, whichever the route takes; not yet checked */
};

typedef void handler_fn(struct request *rq);

/* Take a decoded path apart. */
void route_parse(struct str path, struct target *out);
/* False when the method is none of ours. */
bool route_method(struct str name, enum method *out);
const char *route_method_name(enum method method);
/* The handler for a route and method; NULL: 405 with route_allow(). HEAD is served by GET's handler. */
handler_fn *route_handler(enum route route, enum method method);
/* What a caller must be allowed to do with the repository, for a route that has one and a method that it takes. */
enum access_action route_action(enum route route, enum method method);
/* "GET, HEAD, …" for the Allow header (RFC 9110 §10.2.1), without the methods whose bits are set in `disabled`. `out`
 * has room for 64 bytes. */
void route_allow(enum route route, unsigned disabled, char out[64]);
/* For metrics and logs: "manifest", "blob", … */
const char *route_name(enum route route);

#endif
