#include "storage/meta/meta_record.h"

#include <string.h>

#include "tests/unit/test.h"

static struct str text(const struct sbuf *b)
{
    return (struct str){b->p, b->n};
}

static struct digest sample(enum digest_alg alg)
{
    struct digest d;

    digest_of(alg, "sample", 6, &d);
    return d;
}

TEST(numbers, "numbers are big-endian, so that their order is the order of the keys")
{
    char four[4];
    char eight[8];
    uint32_t small;
    uint64_t big;

    u32_encode(0x01020304, four);
    CHECK(memcmp(four, "\1\2\3\4", 4) == 0);
    u64_encode(0x0102030405060708, eight);
    CHECK(memcmp(eight, "\1\2\3\4\5\6\7\10", 8) == 0);
    CHECK(u32_decode((struct str){four, 4}, &small) && small == 0x01020304);
    CHECK(u64_decode((struct str){eight, 8}, &big) && big == 0x0102030405060708);
    CHECK(!u32_decode((struct str){eight, 5}, &small));
    CHECK(!u32_decode((struct str){four, 3}, &small));
    CHECK(!u64_decode((struct str){eight, 7}, &big));
}

TEST(keys, "a composite key is its pieces in order, and too long a piece is cut at the limit of a key")
{
    struct digest d = sample(DIGEST_SHA256);
    char filler[600] = {0};
    struct key key;

    key_id_digest(&key, 7, &d);
    key_bytes(&key, STR("tag"));
    CHECK_INT(key.n, 4 + 33 + 3);
    CHECK(memcmp(key.bytes, "\0\0\0\7\1", 5) == 0);
    CHECK(memcmp(key.bytes + 5, d.raw, 32) == 0);
    CHECK(memcmp(key.bytes + 37, "tag", 3) == 0);
    key_bytes(&key, (struct str){filler, sizeof(filler)});
    CHECK_INT(key.n, KV_KEY_MAX);
    CHECK_INT(key_str(&key).n, KV_KEY_MAX);
}

TEST(pairs, "counters in pairs survive the round trip and any other length is refused")
{
    struct stored_record stored = {.blobs = 3, .bytes = UINT64_MAX};
    struct usage_record usage = {.logical = 1, .sole = 2};
    char out[PAIR_RECORD_SIZE + 1] = {0};

    stored_encode(&stored, out);
    stored = (struct stored_record){0};
    CHECK(stored_decode((struct str){out, PAIR_RECORD_SIZE}, &stored));
    CHECK(stored.blobs == 3 && stored.bytes == UINT64_MAX);
    usage_encode(&usage, out);
    usage = (struct usage_record){0};
    CHECK(usage_decode((struct str){out, PAIR_RECORD_SIZE}, &usage));
    CHECK(usage.logical == 1 && usage.sole == 2);
    for (size_t n = 0; n <= sizeof(out); n++) {
        CHECK_INT(stored_decode((struct str){out, n}, &stored), n == PAIR_RECORD_SIZE);
        CHECK_INT(usage_decode((struct str){out, n}, &usage), n == PAIR_RECORD_SIZE);
    }
}

TEST(fixed_records, "records of numbers survive the round trip and any other length is refused")
{
    struct repo_record repo = {.id = 3, .manifests = 4, .tags = 5, .blobs = UINT64_MAX};
    struct blob_record blob = {.size = 1, .references = 2, .holders = 3, .last_needed = 4};
    char r[REPO_RECORD_SIZE + 1] = {0};
    char b[BLOB_RECORD_SIZE + 1] = {0};
    struct repo_record repo_out;
    struct blob_record blob_out;

    repo_encode(&repo, r);
    blob_encode(&blob, b);
    CHECK(repo_decode((struct str){r, REPO_RECORD_SIZE}, &repo_out));
    CHECK(repo_out.id == 3 && repo_out.manifests == 4 && repo_out.tags == 5 && repo_out.blobs == UINT64_MAX);
    CHECK(blob_decode((struct str){b, BLOB_RECORD_SIZE}, &blob_out));
    CHECK(blob_out.size == 1 && blob_out.references == 2 && blob_out.holders == 3 && blob_out.last_needed == 4);
    for (size_t n = 0; n <= sizeof(r); n++)
        CHECK(n == REPO_RECORD_SIZE || !repo_decode((struct str){r, n}, &repo_out));
    for (size_t n = 0; n <= sizeof(b); n++)
        CHECK(n == BLOB_RECORD_SIZE || !blob_decode((struct str){b, n}, &blob_out));
    memset(r, 0, sizeof(r));
    CHECK(!repo_decode((struct str){r, REPO_RECORD_SIZE}, &repo_out));
}

TEST(tag_record, "a tag's record survives the round trip for both algorithms and nothing else decodes")
{
    struct tag_record out;
    char bytes[TAG_RECORD_MAX + 1] = {0};

    for (int alg = DIGEST_SHA256; alg <= DIGEST_SHA512; alg++) {
        struct tag_record in = {.moved = 12, .digest = sample(alg)};
        size_t n = tag_encode(&in, bytes);

        CHECK(tag_decode((struct str){bytes, n}, &out));
        CHECK(out.moved == 12 && digest_equal(&out.digest, &in.digest));
        for (size_t cut = 0; cut < n; cut++)
            CHECK(!tag_decode((struct str){bytes, cut}, &out));
        CHECK(!tag_decode((struct str){bytes, n + 1}, &out));
        bytes[8] = 77;
        CHECK(!tag_decode((struct str){bytes, n}, &out));
    }
}

TEST(manifest_record, "a manifest's record survives the round trip, and its head cannot be cut")
{
    struct manifest_record in = {.pushed = 99,
                                 .media_type = STR("a/b"),
                                 .artifact_type = STR("c/d"),
                                 .has_subject = true,
                                 .subject = sample(DIGEST_SHA512),
                                 .bytes = STR("{}")};
    struct manifest_record out;
    struct sbuf b = {0};

    manifest_encode(&in, &b);
    CHECK_INT(b.n, 8 + 4 + 4 + 1 + 65 + 2);
    CHECK(manifest_decode(text(&b), &out));
    CHECK(out.pushed == 99 && str_eq(out.media_type, STR("a/b")) && str_eq(out.artifact_type, STR("c/d")));
    CHECK(out.has_subject && digest_equal(&out.subject, &in.subject) && str_eq(out.bytes, STR("{}")));
    for (size_t n = 0; n < b.n - 2; n++)
        CHECK(!manifest_decode((struct str){b.p, n}, &out));
    b.p[16] = 64; /* a subject that is no digest */
    CHECK(!manifest_decode(text(&b), &out));
    sbuf_free(&b);
}

TEST(manifest_without_subject, "a manifest without subject and artifact type decodes to none")
{
    struct manifest_record in = {.media_type = STR("a/b"), .bytes = STR("{}")};
    struct manifest_record out;
    struct sbuf b = {0};

    manifest_encode(&in, &b);
    CHECK(manifest_decode(text(&b), &out));
    CHECK(!out.has_subject && out.artifact_type.n == 0 && str_eq(out.bytes, STR("{}")));
    sbuf_free(&b);
}

TEST(referrer_record, "a referrer's record survives the round trip, and its head cannot be cut")
{
    struct referrer_record in = {
        .size = 5, .media_type = STR("a/b"), .artifact_type = STR("c/d"), .annotations = STR("{\"a\":1}")};
    struct referrer_record out;
    struct sbuf b = {0};

    referrer_encode(&in, &b);
    CHECK(referrer_decode(text(&b), &out));
    CHECK(out.size == 5 && str_eq(out.media_type, STR("a/b")) && str_eq(out.artifact_type, STR("c/d")));
    CHECK(str_eq(out.annotations, STR("{\"a\":1}")));
    for (size_t n = 0; n < 16; n++)
        CHECK(!referrer_decode((struct str){b.p, n}, &out));
    CHECK(referrer_decode((struct str){b.p, 16}, &out) && out.annotations.n == 0);
    sbuf_free(&b);
}

TEST(event_record, "an event's record survives the round trip, of a tag and of a manifest")
{
    for (int kind = EVENT_CREATED; kind <= EVENT_MANIFEST_RESTORED; kind++) {
        bool tagged = kind < EVENT_MANIFEST_DELETED;
        struct event_record in = {.when = 7,
                                  .kind = (enum event_kind)kind,
                                  .id = 9,
                                  .digest = sample(DIGEST_SHA512),
                                  .tag = tagged ? STR("v1") : STR("")};
        struct event_record out;
        char bytes[EVENT_RECORD_MAX];
        size_t n = event_encode(&in, bytes);

        CHECK_INT(n, 8 + 1 + 4 + 65 + in.tag.n);
        CHECK(event_decode((struct str){bytes, n}, &out));
        CHECK(out.when == 7 && (int)out.kind == kind && out.id == 9 && digest_equal(&out.digest, &in.digest));
        CHECK(str_eq(out.tag, in.tag));
    }
}

TEST(event_record_wrong, "an event of an unknown kind, cut, or whose kind and tag do not fit is refused")
{
    struct event_record in = {.kind = EVENT_MOVED, .id = 1, .digest = sample(DIGEST_SHA256), .tag = STR("v")};
    struct event_record out;
    char bytes[EVENT_RECORD_MAX + 1] = "";
    size_t n = event_encode(&in, bytes);

    for (size_t cut = 0; cut < n; cut++) /* without its tag, too */
        CHECK(!event_decode((struct str){bytes, cut}, &out));
    for (int kind = 0; kind < 256; kind++) {
        bytes[8] = (char)kind;
        CHECK_INT(event_decode((struct str){bytes, n}, &out), kind >= EVENT_CREATED && kind < EVENT_MANIFEST_DELETED);
    }
    bytes[8] = EVENT_MOVED;
    CHECK(!event_decode((struct str){bytes, 8 + 1 + 4 + 33 + 129}, &out)); /* a tag that is too long */
}

TEST(removed_record, "the record of a removed manifest is a time and the manifest's")
{
    struct manifest_record in = {.pushed = 3, .media_type = STR("a/b"), .bytes = STR("{}")};
    struct removed_record out;
    struct sbuf b = {0};

    removed_encode(12, &in, &b);
    CHECK(removed_decode(text(&b), &out));
    CHECK(out.when == 12 && out.manifest.pushed == 3 && str_eq(out.manifest.bytes, STR("{}")));
    for (size_t n = 0; n < b.n - 2; n++)
        CHECK(!removed_decode((struct str){b.p, n}, &out));
    sbuf_free(&b);
}
