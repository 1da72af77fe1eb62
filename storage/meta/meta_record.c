#include "storage/meta/meta_record.h"

#include <endian.h>
#include <string.h>

#include "storage/reference.h"

/* ---- numbers ---- */

void u32_encode(uint32_t value, char out[4])
{
    uint32_t big = htobe32(value);

    memcpy(out, &big, sizeof(big));
}

void u64_encode(uint64_t value, char out[8])
{
    uint64_t big = htobe64(value);

    memcpy(out, &big, sizeof(big));
}

/* ---- keys ---- */

void key_bytes(struct key *key, struct str bytes)
{
    size_t room = sizeof(key->bytes) - key->n;
    size_t n = bytes.n < room ? bytes.n : room;

    if (n > 0)
        memcpy(key->bytes + key->n, bytes.p, n);
    key->n += n;
}

void key_u32(struct key *key, uint32_t value)
{
    char bytes[4];

    u32_encode(value, bytes);
    key_bytes(key, (struct str){bytes, sizeof(bytes)});
}

void key_u64(struct key *key, uint64_t value)
{
    char bytes[8];

    u64_encode(value, bytes);
    key_bytes(key, (struct str){bytes, sizeof(bytes)});
}

void key_digest(struct key *key, const struct digest *d)
{
    uint8_t bytes[DIGEST_KEY_MAX];
    size_t n = digest_to_key(d, bytes);

    key_bytes(key, (struct str){(const char *)bytes, n});
}

void key_id_digest(struct key *key, uint32_t id, const struct digest *d)
{
    key->n = 0;
    key_u32(key, id);
    key_digest(key, d);
}

struct str key_str(const struct key *key)
{
    return (struct str){key->bytes, key->n};
}

/* ---- taking a value apart: each function eats from the front, or returns false and leaves the rest alone ---- */

static bool take(struct str *in, size_t n, struct str *out)
{
    if (in->n < n)
        return false;
    *out = (struct str){in->p, n};
    *in = (struct str){in->p + n, in->n - n};
    return true;
}

static bool take_u32(struct str *in, uint32_t *out)
{
    struct str raw;
    uint32_t big;

    if (!take(in, sizeof(big), &raw))
        return false;
    memcpy(&big, raw.p, sizeof(big));
    *out = be32toh(big);
    return true;
}

static bool take_u64(struct str *in, uint64_t *out)
{
    struct str raw;
    uint64_t big;

    if (!take(in, sizeof(big), &raw))
        return false;
    memcpy(&big, raw.p, sizeof(big));
    *out = be64toh(big);
    return true;
}

/* A length of one byte, then as many bytes. */
static bool take_short(struct str *in, struct str *out)
{
    struct str n;

    return take(in, 1, &n) && take(in, (uint8_t)n.p[0], out);
}

static bool take_digest(struct str *in, struct digest *out)
{
    size_t n = in->n == 0 ? 0 : digest_from_key((const uint8_t *)in->p, in->n, out);

    *in = str_from(*in, n);
    return n > 0;
}

/* Exactly one digest, nothing behind it. */
static bool only_digest(struct str in, struct digest *out)
{
    return take_digest(&in, out) && in.n == 0;
}

static void put_short(struct sbuf *out, struct str s)
{
    uint8_t n = (uint8_t)s.n;

    sbuf_put(out, &n, 1);
    sbuf_put(out, s.p, n);
}

static void put_u64(struct sbuf *out, uint64_t value)
{
    char bytes[8];

    u64_encode(value, bytes);
    sbuf_put(out, bytes, sizeof(bytes));
}

bool u32_decode(struct str in, uint32_t *out)
{
    return take_u32(&in, out) && in.n == 0;
}

bool u64_decode(struct str in, uint64_t *out)
{
    return take_u64(&in, out) && in.n == 0;
}

/* ---- values ---- */

void repo_encode(const struct repo_record *r, char out[REPO_RECORD_SIZE])
{
    u32_encode(r->id, out);
    u64_encode(r->manifests, out + 4);
    u64_encode(r->tags, out + 12);
    u64_encode(r->blobs, out + 20);
}

bool repo_decode(struct str in, struct repo_record *out)
{
    return take_u32(&in, &out->id) && take_u64(&in, &out->manifests) && take_u64(&in, &out->tags) &&
           take_u64(&in, &out->blobs) && in.n == 0 && out->id != 0;
}

void blob_encode(const struct blob_record *r, char out[BLOB_RECORD_SIZE])
{
    u64_encode(r->size, out);
    u64_encode(r->references, out + 8);
    u64_encode(r->holders, out + 16);
    u64_encode(r->last_needed, out + 24);
}

bool blob_decode(struct str in, struct blob_record *out)
{
    return take_u64(&in, &out->size) && take_u64(&in, &out->references) && take_u64(&in, &out->holders) &&
           take_u64(&in, &out->last_needed) && in.n == 0;
}

void stored_encode(const struct stored_record *r, char out[PAIR_RECORD_SIZE])
{
    u64_encode(r->blobs, out);
    u64_encode(r->bytes, out + 8);
}

bool stored_decode(struct str in, struct stored_record *out)
{
    return take_u64(&in, &out->blobs) && take_u64(&in, &out->bytes) && in.n == 0;
}

void usage_encode(const struct usage_record *r, char out[PAIR_RECORD_SIZE])
{
    u64_encode(r->logical, out);
    u64_encode(r->sole, out + 8);
}

bool usage_decode(struct str in, struct usage_record *out)
{
    return take_u64(&in, &out->logical) && take_u64(&in, &out->sole) && in.n == 0;
}

size_t tag_encode(const struct tag_record *r, char out[TAG_RECORD_MAX])
{
    uint8_t digest[DIGEST_KEY_MAX];
    size_t n = digest_to_key(&r->digest, digest);

    u64_encode(r->moved, out);
    memcpy(out + 8, digest, n);
    return 8 + n;
}

bool tag_decode(struct str in, struct tag_record *out)
{
    return take_u64(&in, &out->moved) && only_digest(in, &out->digest);
}

void manifest_encode(const struct manifest_record *r, struct sbuf *out)
{
    uint8_t subject[DIGEST_KEY_MAX];
    size_t n = r->has_subject ? digest_to_key(&r->subject, subject) : 0;

    put_u64(out, r->pushed);
    put_short(out, r->media_type);
    put_short(out, r->artifact_type);
    put_short(out, (struct str){(const char *)subject, n});
    sbuf_str(out, r->bytes);
}

bool manifest_decode(struct str in, struct manifest_record *out)
{
    struct str subject;

    if (!take_u64(&in, &out->pushed) || !take_short(&in, &out->media_type) || !take_short(&in, &out->artifact_type) ||
        !take_short(&in, &subject))
        return false;
    out->has_subject = subject.n > 0;
    out->bytes = in;
    return !out->has_subject || only_digest(subject, &out->subject);
}

size_t event_encode(const struct event_record *r, char out[EVENT_RECORD_MAX])
{
    uint8_t digest[DIGEST_KEY_MAX];
    size_t n = digest_to_key(&r->digest, digest);

    u64_encode(r->when, out);
    out[8] = (char)r->kind;
    u32_encode(r->id, out + 9);
    memcpy(out + 13, digest, n);
    if (r->tag.n > 0)
        memcpy(out + 13 + n, r->tag.p, r->tag.n);
    return 13 + n + r->tag.n;
}

bool event_decode(struct str in, struct event_record *out)
{
    struct str kind;

    if (!take_u64(&in, &out->when) || !take(&in, 1, &kind) || !take_u32(&in, &out->id) ||
        !take_digest(&in, &out->digest))
        return false;
    out->kind = (enum event_kind)(uint8_t)kind.p[0];
    out->tag = in;
    if (out->kind < EVENT_CREATED || out->kind > EVENT_MANIFEST_RESTORED || out->tag.n > TAG_MAX)
        return false;
    return (out->kind >= EVENT_MANIFEST_DELETED) == (out->tag.n == 0);
}

void removed_encode(uint64_t when, const struct manifest_record *manifest, struct sbuf *out)
{
    put_u64(out, when);
    manifest_encode(manifest, out);
}

bool removed_decode(struct str in, struct removed_record *out)
{
    return take_u64(&in, &out->when) && manifest_decode(in, &out->manifest);
}

void referrer_encode(const struct referrer_record *r, struct sbuf *out)
{
    put_u64(out, r->size);
    put_short(out, r->media_type);
    put_short(out, r->artifact_type);
    sbuf_str(out, r->annotations);
}

bool referrer_decode(struct str in, struct referrer_record *out)
{
    bool whole = take_u64(&in, &out->size) && take_short(&in, &out->media_type) && take_short(&in, &out->artifact_type);

    out->annotations = in;
    return whole;
}
