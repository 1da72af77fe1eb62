/* Manifests and indexes. Input: the content type, a line feed, the document. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "storage/manifest.h"

static void check_reference(const struct reference *r)
{
    char text[DIGEST_TEXT_MAX];
    size_t n = digest_format(&r->digest, text);
    struct digest back;

    HOLDS(r->kind == REFERENCE_BLOB || r->kind == REFERENCE_CHILD);
    HOLDS(r->size <= INT64_MAX);
    HOLDS(digest_parse((struct str){text, n}, &back, NULL) == 0);
    HOLDS(digest_equal(&r->digest, &back));
    HOLDS(strnlen(r->os, sizeof(r->os)) < sizeof(r->os));
    HOLDS(strnlen(r->architecture, sizeof(r->architecture)) < sizeof(r->architecture));
    HOLDS(strnlen(r->variant, sizeof(r->variant)) < sizeof(r->variant));
}

static void check_manifest(const struct manifest *m)
{
    HOLDS(m->media_type != NULL && m->media_type[0] != '\0');
    HOLDS((m->kind == MANIFEST_INDEX) == manifest_type_is_index(str_of(m->media_type)));
    for (size_t i = 0; i < m->reference_count; i++)
        check_reference(&m->references[i]);
    for (size_t i = 0; i < m->url_count; i++)
        HOLDS(m->urls[i] != NULL);
    HOLDS(m->annotations == NULL || m->annotations[0] == '{');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str document = fuzz_text(data, size);
    struct str type = fuzz_field(&document, '\n');
    struct manifest manifest;
    struct err e = {0};

    if (manifest_parse(document, type, &manifest, &e) == 0) {
        check_manifest(&manifest);
        manifest_free(&manifest);
    } else {
        HOLDS(e.code == ERR_INVALID && e.text[0] != '\0');
    }
    return 0;
}
