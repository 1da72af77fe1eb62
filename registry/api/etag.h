/* Conditional requests: every digest is its own strong ETag (RFC 9110 §8.8.3, §13.1.2). Thread: no state. */
#ifndef BERTH_API_ETAG_H
#define BERTH_API_ETAG_H

#include <stdbool.h>

#include "registry/base/str.h"
#include "storage/digest.h"

/* Does an If-Range header allow a range of `d`? Only its own strong tag does, or no header (RFC 9110 §13.1.5). */
bool etag_allows_range(struct str header, const struct digest *d);
/* Does an If-None-Match header name `d`? Takes "*", a list, weak tags, and the bare digest that some clients send. */
bool etag_matches(struct str header, const struct digest *d);

#endif
