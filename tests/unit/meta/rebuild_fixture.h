/* Two repositories whose metadata is damaged on purpose, entry by entry, and rebuilt. */
#ifndef BERTH_TEST_REBUILD_FIXTURE_H
#define BERTH_TEST_REBUILD_FIXTURE_H

#include "storage/meta/meta_rebuild.h"
#include "tests/unit/upkeep/sweep_fixture.h"

static struct digest image, other, signature, list;

/* Numbers: "a" is 1, "b/c" is 2. Blobs 1 and 2 belong to the image "a:1", 3 and 4 to what is attached to it. */
HELPER void push_all(struct yard *y)
{
    struct world *w = &y->world;
    char more[300], text[DIGEST_TEXT_MAX];
    struct sbuf bytes;
    uint64_t size;

    for (unsigned n = 1; n <= 5; n++)
        push(y, "a", n);
    image = push_image(w, "a", 1, "1", "");
    digest_format(&image, text);
    snprintf(more, sizeof(more), ",\"subject\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":1}", OCI_TYPE, text);
    signature = push_image(w, "a", 3, NULL, more);
    CHECK_INT(blob_mount(w, "b/c", "a", blob_digest(1)), 0);
    other = push_image(w, "b/c", 1, "latest", ",\"annotations\":{\"b\":\"c\"}");
    bytes = image_of(blob_digest(1), (struct digest[]){blob_digest(2)}, 1, "");
    size = bytes.n;
    sbuf_free(&bytes);
    bytes = index_of(&image, &size, 1, "");
    CHECK_INT(manifest_put(w, "a", text_of(&bytes), "all", false, &list), 0);
    sbuf_free(&bytes);
}

HELPER void fill(struct yard *y)
{
    yard_open(y);
    push_all(y);
}

/* ---- damage ---- */

struct wound {
    struct meta_change change; /* first */
    enum kv_table table;
    struct key key;
    struct str value;
    bool removes;
};

HELPER int apply_wound(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct wound *w = (struct wound *)change;

    if (w->removes)
        kv_del(txn, w->table, key_str(&w->key));
    else
        kv_put(txn, w->table, key_str(&w->key), w->value);
    return kv_status(txn, e);
}

HELPER void wound(struct yard *y, enum kv_table table, struct key key, bool removes, struct str value)
{
    struct wound w = {.change.apply = apply_wound, .table = table, .key = key, .value = value, .removes = removes};

    CHECK_INT(meta_write(y->store->meta, &w.change), 0);
}

/* A key from a recipe. a, b: those repositories' numbers; x to z: 79 to 77, nobody's; 1-9: blobs; i, o, s, l:
 * manifests; @: now; after a quote: text to the end. */
HELPER struct key key_of(const char *recipe)
{
    static const char *const names = "iosl";
    const struct digest *manifests[] = {&image, &other, &signature, &list};
    struct key key = {.n = 0};

    for (; *recipe != '\0'; recipe++) {
        const char *at = strchr(names, *recipe);
        struct digest d;

        if (*recipe == '@') {
            key_u64(&key, test_now);
            continue;
        }
        if (*recipe == '\'') {
            key_bytes(&key, str_of(recipe + 1));
            break;
        }
        if (*recipe >= '1' && *recipe <= '9') {
            d = blob_digest((unsigned)(*recipe - '0'));
            key_digest(&key, &d);
        } else if (at != NULL) {
            key_digest(&key, manifests[at - names]);
        } else {
            key_u32(&key, *recipe < 'x' ? (uint32_t)(*recipe - 'a' + 1) : (uint32_t)('z' - *recipe + 77));
        }
    }
    return key;
}

#define NUMBER_1 "\0\0\0\0\0\0\0\1"
#define NUMBER_9 "\0\0\0\0\0\0\0\11"

/* ---- rebuilding ---- */

static struct sbuf said;

HELPER void say(const struct meta_finding *finding, void *arg)
{
    (void)arg;
    meta_finding_text(finding, &said);
    sbuf_str(&said, STR("\n"));
}

HELPER struct meta_rebuild_result rebuild(struct yard *y, bool dry_run)
{
    const struct meta_rebuild_options options = {.dry_run = dry_run, .finding = say};
    struct meta_rebuild_result result;
    struct err e = {0};

    said.n = 0;
    if (meta_rebuild(y->store, &options, &result, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return result;
}

#endif
