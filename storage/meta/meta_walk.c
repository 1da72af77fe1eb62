#include "storage/meta/meta_walk.h"

#include "storage/meta/meta_internal.h"

static bool entry_of(const struct kv_walk *walk, struct blob_entry *out)
{
    struct blob_record record;

    if (digest_from_key((const uint8_t *)walk->key.p, walk->key.n, &out->digest) != walk->key.n ||
        !blob_decode(walk->value, &record))
        return false;
    out->size = record.size;
    return true;
}

int meta_blob_after(struct meta_txn *txn, const struct digest *last, struct blob_entry *out, bool *found, struct err *e)
{
    struct key after = {.n = 0};
    struct kv_walk walk;

    *found = false;
    if (last != NULL)
        key_digest(&after, last);
    kv_walk_begin(&walk, txn, KV_BLOBS, (struct str){0}, key_str(&after));
    while (!*found && kv_walk_next(&walk))
        *found = entry_of(&walk, out);
    kv_walk_end(&walk);
    return kv_status(txn, e);
}
