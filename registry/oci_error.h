/*
 * Error codes of the protocol in one table: OCI distribution-spec "Error Codes", and what distribution added.
 */
#ifndef BERTH_REGISTRY_OCI_ERROR_H
#define BERTH_REGISTRY_OCI_ERROR_H

#include "registry/base/err.h"
#include "registry/base/str.h"

/*      our name, code on the wire, status, message */
#define OCI_ERRORS(X)                                                                                                  \
    X(BLOB_UNKNOWN, BLOB_UNKNOWN, 404, "blob unknown to registry")                                                     \
    X(BLOB_UPLOAD_INVALID, BLOB_UPLOAD_INVALID, 400, "blob upload invalid")                                            \
    X(BLOB_UPLOAD_RANGE, BLOB_UPLOAD_INVALID, 416, "blob upload out of order")                                         \
    X(BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_UNKNOWN, 404, "blob upload unknown to registry")                                \
    X(DENIED, DENIED, 403, "requested access to the resource is denied")                                               \
    X(DIGEST_INVALID, DIGEST_INVALID, 400, "provided digest did not match uploaded content")                           \
    X(MANIFEST_BLOB_UNKNOWN, MANIFEST_BLOB_UNKNOWN, 400, "manifest references a manifest or blob unknown to registry") \
    X(MANIFEST_INVALID, MANIFEST_INVALID, 400, "manifest invalid")                                                     \
    X(MANIFEST_TOO_LARGE, SIZE_INVALID, 413, "manifest too large")                                                     \
    X(MANIFEST_UNKNOWN, MANIFEST_UNKNOWN, 404, "manifest unknown to registry")                                         \
    X(NAME_INVALID, NAME_INVALID, 400, "invalid repository name")                                                      \
    X(NAME_UNKNOWN, NAME_UNKNOWN, 404, "repository name not known to registry")                                        \
    X(PAGINATION_NUMBER_INVALID, PAGINATION_NUMBER_INVALID, 400, "invalid number of results requested")                \
    X(RANGE_INVALID, RANGE_INVALID, 416, "range not satisfiable")                                                      \
    X(SIZE_INVALID, SIZE_INVALID, 400, "provided length did not match content length")                                 \
    X(TAG_INVALID, TAG_INVALID, 400, "invalid tag")                                                                    \
    X(TOOMANYREQUESTS, TOOMANYREQUESTS, 429, "too many requests")                                                      \
    X(UNAUTHORIZED, UNAUTHORIZED, 401, "authentication required")                                                      \
    X(UNAVAILABLE, UNAVAILABLE, 503, "service unavailable")                                                            \
    X(UNKNOWN, UNKNOWN, 500, "unknown error")                                                                          \
    X(UNSUPPORTED, UNSUPPORTED, 405, "the operation is unsupported")

enum oci_error {
#define OCI_ENUM(name, code, status, message) OCI_##name,
    OCI_ERRORS(OCI_ENUM)
#undef OCI_ENUM
};

int oci_error_status(enum oci_error error);
/* The code on the wire: "MANIFEST_UNKNOWN". */
const char *oci_error_code(enum oci_error error);
/* {"errors":[{"code","message","detail"}]}; `detail` may be empty. */
void oci_error_json(enum oci_error error, struct str detail, struct sbuf *out);

#endif
