/* What went wrong in a call, for a person: the host, what is the matter, and what to do about it. */
#ifndef BERTH_CLIENT_HTTP_CLIENT_ERROR_H
#define BERTH_CLIENT_HTTP_CLIENT_ERROR_H

#include <curl/curl.h>

#include "registry/base/err.h"

struct http_failure {
    CURLcode code;
    const char *detail;  /* curl's own words; shown for TLS only, where they name the flaw and no secret */
    long number;         /* errno of a connection that failed; 0: unknown */
    const char *unknown; /* for codes that have no text here */
};

/* Returns -1. */
int http_client_error(const struct http_failure *failure, const char *url, struct err *e);

#endif
