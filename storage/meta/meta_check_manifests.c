/*
 * Manifests, tags, referrers (invariants 3, 6 and 7 of meta_record.h); how many manifests name a digest
 * is counted by meta_tally.h.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/meta/meta_tally.h"
#include "storage/reference.h"

/* ---- manifests ---- */

bool manifest_is_sound(const struct digest *d, const struct manifest_record *record, struct manifest *parsed)
{
    struct digest found;

    digest_of(d->alg, record->bytes.p, record->bytes.n, &found);
    return digest_equal(&found, d) && (manifest_parse(record->bytes, record->media_type, parsed, NULL) == 0 ||
                                       manifest_parse(record->bytes, (struct str){0}, parsed, NULL) == 0);
}

/* The record as it follows from the manifest's bytes. */
static void want_manifest(struct meta_check *check, struct str key, const struct manifest_record *has,
                          const struct manifest *m)
{
    struct manifest_record record = *has;
    struct sbuf value = {0};

    record.media_type = str_of(m->media_type);
    record.artifact_type = str_of(m->artifact_type);
    record.has_subject = m->has_subject;
    record.subject = m->subject;
    manifest_encode(&record, &value);
    check_want(check, 0, KV_MANIFESTS, key, (struct str){value.p, value.n}, "the record says other than the manifest");
    sbuf_free(&value);
}

static void want_referrer(struct meta_check *check, uint32_t id, const struct digest *d,
                          const struct manifest_record *manifest, const struct manifest *m)
{
    const struct referrer_record record = {
        .size = manifest->bytes.n,
        .media_type = str_of(m->media_type),
        .artifact_type = str_of(m->artifact_type),
        .annotations = str_of(m->annotations),
    };
    struct sbuf value = {0};
    struct key key;

    key_id_digest(&key, id, &m->subject);
    key_digest(&key, d);
    referrer_encode(&record, &value);
    check_want(check, 7, KV_REFERRERS, key_str(&key), (struct str){value.p, value.n},
               "a manifest with a subject is a referrer of it");
    sbuf_free(&value);
}

void rule_manifests(struct meta_check *check, struct str key, struct str value)
{
    struct manifest_record record;
    struct manifest parsed;
    struct digest d;
    uint32_t id;

    check->cost += value.n / 1024;
    if (!split_id_digest(key, &id, &d)) {
        check_absent(check, 0, KV_MANIFESTS, key, "the key is no repository and digest");
        return;
    }
    check_named(check, id);
    if (!manifest_decode(value, &record)) {
        check_absent(check, 0, KV_MANIFESTS, key, "the record does not decode");
    } else if (!manifest_is_sound(&d, &record, &parsed)) {
        check_absent(check, 0, KV_MANIFESTS, key, "its bytes have another digest, or are no manifest");
    } else {
        want_manifest(check, key, &record, &parsed);
        if (parsed.has_subject)
            want_referrer(check, id, &d, &record, &parsed);
        manifest_free(&parsed);
    }
}

static bool load_manifest(struct meta_check *check, uint32_t id, const struct digest *d, struct manifest_record *out)
{
    struct key key;
    struct str value;

    key_id_digest(&key, id, d);
    return kv_get(check->txn, KV_MANIFESTS, key_str(&key), &value) && manifest_decode(value, out);
}

void rule_referrers(struct meta_check *check, struct str key, struct str value)
{
    struct manifest_record manifest;
    struct digest subject, d;
    struct str rest, last;
    uint32_t id;

    (void)value; /* compared by rule_manifests */
    if (!split_id(key, &id, &rest) || !split_front(rest, &subject, &last) || !split_digest(last, &d))
        check_absent(check, 0, KV_REFERRERS, key, "the key is no repository, subject and digest");
    else if (!load_manifest(check, id, &d, &manifest) || !manifest.has_subject ||
             !digest_equal(&manifest.subject, &subject))
        check_absent(check, 7, KV_REFERRERS, key, "there is no manifest with this subject");
}

void rule_refs(struct meta_check *check, struct str key, struct str value)
{
    struct digest d;
    uint32_t id;

    (void)value; /* counted by check_references() */
    if (!split_id_digest(key, &id, &d)) {
        check_absent(check, 0, KV_REFS, key, "the key is no repository and digest");
        return;
    }
    if (!kv_has(check->txn, KV_NAMES, (struct str){key.p, 4}))
        check_absent(check, 3, KV_REFS, key, "there is no such repository");
}

static int compare_digests(const void *a, const void *b)
{
    const struct digest *x = a;
    const struct digest *y = b;

    if (x->alg != y->alg)
        return x->alg < y->alg ? -1 : 1;
    return memcmp(x->raw, y->raw, sizeof(x->raw));
}

/* What one manifest names, each digest once. */
static void tally_references(struct tally *tally, uint32_t id, const struct manifest *m)
{
    struct digest *named = xcalloc(m->reference_count + 1, sizeof(*named));

    for (size_t i = 0; i < m->reference_count; i++)
        named[i] = m->references[i].digest;
    if (m->reference_count > 0)
        qsort(named, m->reference_count, sizeof(*named), compare_digests);
    for (size_t i = 0; i < m->reference_count; i++)
        if (i == 0 || !digest_equal(&named[i], &named[i - 1]))
            tally_name(tally, id, &named[i]);
    free(named);
}

/* One that is to go is not counted. */
static void tally_manifest(struct tally *tally, struct str key, struct str value)
{
    struct manifest_record record;
    struct manifest parsed;
    struct digest d;
    uint32_t id;

    if (!split_id_digest(key, &id, &d) || !manifest_decode(value, &record) || !manifest_is_sound(&d, &record, &parsed))
        return;
    tally_references(tally, id, &parsed);
    manifest_free(&parsed);
}

int check_references(struct meta_check *check, uint32_t id, struct err *e)
{
    static const struct tally_source source = {
        .table = KV_MANIFESTS,
        .read = tally_manifest,
        .counts = KV_REFS,
        .invariant = 3,
        .differs = "the number of manifests that name it is another",
        .none = "no manifest names it",
    };
    struct key prefix = {.n = 0};

    key_u32(&prefix, id);
    return tally_run(check, &source, key_str(&prefix), e);
}

/* ---- tags ---- */

static bool split_tag(struct str key, uint32_t *id, struct str *tag)
{
    return split_id(key, id, tag) && tag_valid(*tag);
}

void rule_tags(struct meta_check *check, struct str key, struct str value)
{
    struct manifest_record manifest;
    struct tag_record record;
    struct key reverse;
    struct str tag;
    uint32_t id;

    if (!split_tag(key, &id, &tag)) {
        check_absent(check, 0, KV_TAGS, key, "the key is no repository and tag");
        return;
    }
    check_named(check, id);
    if (!tag_decode(value, &record)) {
        check_absent(check, 0, KV_TAGS, key, "the record does not decode");
    } else if (!load_manifest(check, id, &record.digest, &manifest)) {
        check_absent(check, 6, KV_TAGS, key, "it names a manifest that is not there");
    } else {
        key_id_digest(&reverse, id, &record.digest);
        key_bytes(&reverse, tag);
        check_want(check, 6, KV_MANIFEST_TAGS, key_str(&reverse), (struct str){"", 0},
                   "a tag is among those of its manifest");
    }
}

void rule_manifest_tags(struct meta_check *check, struct str key, struct str value)
{
    struct tag_record record;
    struct key forward = {.n = 0};
    struct str rest, tag, stored;
    struct digest d;
    uint32_t id;

    (void)value;
    if (!split_id(key, &id, &rest) || !split_front(rest, &d, &tag) || !tag_valid(tag)) {
        check_absent(check, 0, KV_MANIFEST_TAGS, key, "the key is no repository, digest and tag");
        return;
    }
    key_u32(&forward, id);
    key_bytes(&forward, tag);
    if (!kv_get(check->txn, KV_TAGS, key_str(&forward), &stored) || !tag_decode(stored, &record) ||
        !digest_equal(&record.digest, &d))
        check_absent(check, 6, KV_MANIFEST_TAGS, key, "the tag does not name this manifest");
}
