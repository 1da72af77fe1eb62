/*
 * libcurl, loaded when it is first needed. Linked plainly it and the 27 libraries that it brings along would cost every
 * server 4 MiB of memory and 4 ms of start-up (registry/DESIGN.md), although few call anybody.
 *
 * The functions keep the types that curl's header gives them, with one exception that has no type: easy_setopt(), which
 * only http_client.c calls, through functions that say what an option takes.
 *
 * Thread: any, at any time.
 */
#ifndef BERTH_CLIENT_HTTP_CLIENT_CURL_H
#define BERTH_CLIENT_HTTP_CLIENT_CURL_H

#include <curl/curl.h>

#include "registry/base/err.h"

struct curl_library {
    CURLcode (*global_init)(long flags);
    curl_version_info_data *(*version_info)(CURLversion age);
    CURL *(*easy_init)(void);
    void (*easy_reset)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    void (*easy_cleanup)(CURL *handle);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

/* Loads it the first time. NULL: it is not there or cannot be used; the error says which package to install, and the
 * next call tries again. */
const struct curl_library *curl_library_get(struct err *e);

#endif
