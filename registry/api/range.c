#include "registry/api/range.h"

/* Decimal digits; a number too large for us is larger than any blob. False for anything else. */
static bool parse_position(struct str text, uint64_t *out)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    if (!str_to_u64(text, out))
        *out = UINT64_MAX;
    return text.n > 0;
}

static enum range_result parse_suffix(struct str text, uint64_t size, uint64_t *first, uint64_t *last)
{
    uint64_t count;

    if (!parse_position(text, &count))
        return RANGE_WHOLE;
    if (count == 0 || size == 0)
        return RANGE_UNSATISFIABLE;
    *first = count < size ? size - count : 0;
    *last = size - 1;
    return RANGE_PART;
}

enum range_result range_parse(struct str header, uint64_t size, uint64_t *first, uint64_t *last)
{
    struct str spec = str_trim(str_from(header, 6));
    size_t dash = str_find(spec, '-');
    struct str from = {spec.p, dash}, to = str_from(spec, dash + 1);

    if (!str_starts(header, STR("bytes=")) || dash == spec.n)
        return RANGE_WHOLE;
    if (from.n == 0)
        return parse_suffix(to, size, first, last);
    *last = UINT64_MAX;
    if (!parse_position(from, first) || (to.n > 0 && !parse_position(to, last)))
        return RANGE_WHOLE;
    if (*first >= size || *last < *first)
        return RANGE_UNSATISFIABLE;
    if (*last >= size)
        *last = size - 1;
    return RANGE_PART;
}

bool range_parse_chunk(struct str header, uint64_t *first, uint64_t *last)
{
    size_t dash, slash;

    if (str_starts(header, STR("bytes ")) || str_starts(header, STR("bytes=")))
        header = str_from(header, 6);
    slash = str_find(header, '/');
    header = str_trim((struct str){header.p, slash});
    dash = str_find(header, '-');
    return str_to_u64((struct str){header.p, dash}, first) && str_to_u64(str_from(header, dash + 1), last) &&
           *first <= *last;
}
