/*
 * The handlers: one api_*.c per resource. Each is entered on the loop with the caller admitted and the repository name
 * checked, and ends in exactly one reply, at once or after work.
 */
#ifndef BERTH_API_API_H
#define BERTH_API_API_H

#include "registry/routes.h"

handler_fn api_base;            /* end-1 */
handler_fn api_blob_get;        /* end-2 */
handler_fn api_blob_delete;     /* end-10 */
handler_fn api_manifest_get;    /* end-3 */
handler_fn api_manifest_put;    /* end-7 */
handler_fn api_manifest_delete; /* end-9 */
handler_fn api_upload_start;    /* end-4a, end-4b, end-11 */
handler_fn api_upload_patch;    /* end-5 */
handler_fn api_upload_put;      /* end-6 */
handler_fn api_upload_status;   /* end-13 */
handler_fn api_upload_cancel;   /* end-14 */
handler_fn api_tags;            /* end-8a, end-8b */
handler_fn api_referrers;       /* end-12a, end-12b */
handler_fn api_catalog;         /* distribution's _catalog */
handler_fn api_token;           /* distribution's token authentication */

#endif
