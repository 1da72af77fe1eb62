/* Paging of lists: `n` and `last` (OCI distribution-spec "Listing Tags"), Link headers (RFC 8288). Thread: the
 * request's loop. */
#ifndef BERTH_API_PAGE_H
#define BERTH_API_PAGE_H

#include "registry/request.h"

struct page {
    size_t limit;    /* entries at most */
    struct str last; /* entries after this one; empty: from the start */
};

/* Reads `n` (default `standard`, clamped to `most`) and `last`. False: 400 PAGINATION_NUMBER_INVALID was replied. */
bool page_parse(struct request *rq, uint64_t standard, uint64_t most, struct page *out);
/* Link to the next page: the same path with n, last and `extra` (already encoded, with its '&'; may be ""). */
void page_link(struct request *rq, const struct page *page, struct str last, const char *extra);

#endif
