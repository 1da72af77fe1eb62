/* Byte ranges: Range of a GET (RFC 9110 §14.1.2) and Content-Range of a chunk (OCI distribution-spec "end-5"). Thread:
 * no state. */
#ifndef BERTH_API_RANGE_H
#define BERTH_API_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"

enum range_result {
    RANGE_WHOLE, /* no range, or one that may be ignored (other unit, several ranges, malformed): send all */
    RANGE_PART,
    RANGE_UNSATISFIABLE,
};

/* `header` against a content of `size` bytes; *first and *last (inclusive) are set for RANGE_PART. */
enum range_result range_parse(struct str header, uint64_t size, uint64_t *first, uint64_t *last);
/* "<first>-<last>", also with "bytes " in front and "/<size>" or "/" followed by anything behind. False when malformed
 * or reversed. */
bool range_parse_chunk(struct str header, uint64_t *first, uint64_t *last);

#endif
