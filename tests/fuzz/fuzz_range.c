/* Range, Content-Range, If-None-Match and If-Range. Input: the size of the content (8 bytes), the header. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "registry/api/etag.h"
#include "registry/api/range.h"

static void try_range(struct str header, uint64_t size)
{
    uint64_t first = 0, last = 0;

    if (range_parse(header, size, &first, &last) == RANGE_PART)
        HOLDS(first <= last && last < size);
    if (range_parse_chunk(header, &first, &last))
        HOLDS(first <= last);
}

static void try_etag(struct str header, uint64_t size)
{
    struct digest d;
    char text[DIGEST_TEXT_MAX];
    struct str own;

    digest_of(DIGEST_SHA256, &size, sizeof(size), &d);
    own = (struct str){text, digest_format(&d, text)};
    if (etag_matches(header, &d)) /* nobody can guess the digest, so it must be there, or the asterisk */
        HOLDS(str_find(header, '*') < header.n || memmem(header.p, header.n, own.p, own.n) != NULL);
    if (etag_allows_range(header, &d))
        HOLDS(header.n == 0 || memmem(header.p, header.n, own.p, own.n) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t content = 0;
    size_t n = size < sizeof(content) ? size : sizeof(content);

    if (n > 0)
        memcpy(&content, data, n);
    try_range(fuzz_text(data + n, size - n), content);
    try_range(fuzz_text(data + n, size - n), content % 1000);
    try_etag(fuzz_text(data + n, size - n), content);
    return 0;
}
