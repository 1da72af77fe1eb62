/*
 * Manifests and indexes as JSON: what Berth must understand of them before it stores their bytes
 * unchanged. OCI image-spec manifest.md and image-index.md; Docker schema 2 and manifest list.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_STORAGE_MANIFEST_H
#define BERTH_STORAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/digest.h"

enum { MANIFEST_BYTES_MAX = 16 * 1024 * 1024 };

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };

enum reference_kind {
    REFERENCE_BLOB,  /* config or layer: a blob of the repository */
    REFERENCE_CHILD, /* entry of an index: a manifest of the repository */
};

struct reference {
    enum reference_kind kind;
    struct digest digest;
    uint64_t size; /* bytes, as the descriptor says */
    bool optional; /* need not be present: foreign `urls`, nondistributable media type */
    /* Of a child: what platform it is for; empty when the index does not say. */
    char os[32];
    char architecture[32];
    char variant[32];
};

struct manifest {
    enum manifest_kind kind;
    char *media_type;    /* of the document; never NULL */
    char *artifact_type; /* `artifactType`, else config.mediaType (manifests only), else NULL */
    char *annotations;   /* compact JSON object, or NULL */
    struct reference *references;
    size_t reference_count;
    char **urls; /* of all layers, in order */
    size_t url_count;
    bool urls_misplaced; /* some stand on a layer whose media type is not one of those that are fetched elsewhere */
    bool has_subject;
    struct digest subject;
};

/* Parse and validate. `content_type` is the request's (parameters already cut off; may be empty: then `mediaType`
 * decides). ERR_INVALID (MANIFEST_INVALID to clients) with a text that names the field: not one JSON object of depth ≤
 * 64 (checked by a scan before jansson sees it), duplicate keys, NUL, bad UTF-8, trailing bytes, `layers` and
 * `manifests` together or neither, schemaVersion not 2, schema 1, mediaType unlike content type or unlike the
 * document's shape, descriptor without well-formed digest, mediaType or a whole non-negative size. An artifact may have
 * an empty `layers`. */
int manifest_parse(struct str bytes, struct str content_type, struct manifest *out, struct err *e);
void manifest_free(struct manifest *m);

/* Is `media_type` one that Berth stores as an index (OCI index, Docker manifest list)? */
bool manifest_type_is_index(struct str media_type);

#endif
