/* Records of the metadata tables: what decodes must encode to the same bytes. Input: the bytes of a value. */
#include "tests/fuzz/fuzz.h"

#include "storage/meta/meta_record.h"

static void same(struct str in, const char *bytes, size_t n)
{
    HOLDS(str_eq(in, (struct str){bytes, n}));
}

static void try_numbers(struct str in)
{
    char bytes[8];
    uint32_t small;
    uint64_t large;

    if (u32_decode(in, &small)) {
        u32_encode(small, bytes);
        same(in, bytes, 4);
    }
    if (u64_decode(in, &large)) {
        u64_encode(large, bytes);
        same(in, bytes, 8);
    }
}

static void try_fixed(struct str in)
{
    char bytes[TAG_RECORD_MAX];
    struct repo_record repo;
    struct blob_record blob;
    struct stored_record stored;
    struct usage_record usage;
    struct tag_record tag;

    if (repo_decode(in, &repo)) {
        repo_encode(&repo, bytes);
        same(in, bytes, REPO_RECORD_SIZE);
    }
    if (blob_decode(in, &blob)) {
        blob_encode(&blob, bytes);
        same(in, bytes, BLOB_RECORD_SIZE);
    }
    if (stored_decode(in, &stored)) {
        stored_encode(&stored, bytes);
        same(in, bytes, PAIR_RECORD_SIZE);
    }
    if (usage_decode(in, &usage)) {
        usage_encode(&usage, bytes);
        same(in, bytes, PAIR_RECORD_SIZE);
    }
    if (tag_decode(in, &tag))
        same(in, bytes, tag_encode(&tag, bytes));
}

static void try_history(struct str in)
{
    char bytes[EVENT_RECORD_MAX];
    struct removed_record removed;
    struct event_record event;
    struct sbuf out = {0};

    if (event_decode(in, &event))
        same(in, bytes, event_encode(&event, bytes));
    if (removed_decode(in, &removed)) {
        removed_encode(removed.when, &removed.manifest, &out);
        same(in, out.p, out.n);
    }
    sbuf_free(&out);
}

static void try_long(struct str in)
{
    struct manifest_record manifest;
    struct referrer_record referrer;
    struct sbuf out = {0};

    if (manifest_decode(in, &manifest)) {
        manifest_encode(&manifest, &out);
        same(in, out.p, out.n);
    }
    out.n = 0;
    if (referrer_decode(in, &referrer)) {
        referrer_encode(&referrer, &out);
        same(in, out.p, out.n);
    }
    sbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = fuzz_text(data, size);

    _Static_assert((int)TAG_RECORD_MAX >= (int)REPO_RECORD_SIZE && (int)TAG_RECORD_MAX >= (int)BLOB_RECORD_SIZE,
                   "one buffer for all records of fixed size");
    try_numbers(in);
    try_fixed(in);
    try_long(in);
    try_history(in);
    return 0;
}
