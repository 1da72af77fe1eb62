#include "storage/meta/meta_outbox.h"

#include "registry/base/rnd.h"
#include "storage/meta/meta_internal.h"

/* What the first byte of a key says; the rest is in meta_record.h. Records are last, so that they can be appended. */
enum { KEY_QUEUE, KEY_READER, KEY_RECORD };

static void put_kind(struct key *key, char kind)
{
    key->n = 0;
    key_bytes(key, (struct str){&kind, 1});
}

static void record_key(struct key *key, uint64_t number)
{
    char text[8];

    u64_encode(number, text);
    put_kind(key, KEY_RECORD);
    key_bytes(key, (struct str){text, sizeof(text)});
}

static void reader_key(struct key *key, struct str reader)
{
    put_kind(key, KEY_READER);
    key_bytes(key, reader);
}

static bool record_number(struct str key, uint64_t *number)
{
    return u64_decode(str_from(key, 1), number);
}

bool outbox_entry_valid(struct str key, struct str value)
{
    uint64_t number;

    if (key.n == 0)
        return false;
    switch (key.p[0]) {
    case KEY_QUEUE:
        return key.n == 1 && u64_decode(value, &number);
    case KEY_RECORD:
        return record_number(key, &number);
    case KEY_READER:
        return u64_decode(value, &number);
    default:
        return false;
    }
}

static void put_number(struct meta_txn *txn, const struct key *key, uint64_t number)
{
    char value[8];

    u64_encode(number, value);
    kv_put(txn, KV_OUTBOX, key_str(key), (struct str){value, sizeof(value)});
}

/* False when there is none. */
static bool get_number(struct meta_txn *txn, const struct key *key, uint64_t *number)
{
    struct str value;

    if (!kv_get(txn, KV_OUTBOX, key_str(key), &value))
        return false;
    return u64_decode(value, number) || kv_damaged(txn, KV_OUTBOX);
}

/* ---- in a change ---- */

void outbox_put(struct meta_txn *txn, uint64_t number, struct str bytes)
{
    struct key key;

    record_key(&key, number);
    kv_append(txn, KV_OUTBOX, key_str(&key), bytes);
}

void outbox_place_put(struct meta_txn *txn, struct str reader, uint64_t place)
{
    struct key key;

    reader_key(&key, reader);
    put_number(txn, &key, place);
}

/* The oldest record, if it is below `before`; its key, copied. */
static bool oldest(struct meta_txn *txn, uint64_t before, struct key *out)
{
    struct kv_walk walk;
    struct key prefix;
    uint64_t number;
    bool found;

    put_kind(&prefix, KEY_RECORD);
    kv_walk_begin(&walk, txn, KV_OUTBOX, key_str(&prefix), (struct str){0});
    found = kv_walk_next(&walk) && (record_number(walk.key, &number) || kv_damaged(txn, KV_OUTBOX)) && number < before;
    out->n = 0;
    if (found)
        key_bytes(out, walk.key);
    kv_walk_end(&walk);
    return found;
}

size_t outbox_drop(struct meta_txn *txn, uint64_t before, size_t limit)
{
    struct key key;
    size_t n = 0;

    while (n < limit && oldest(txn, before, &key) && kv_del(txn, KV_OUTBOX, key_str(&key)))
        n++;
    return n;
}

/* ---- beginning ---- */

static bool is_one_of(struct str name, const struct str *readers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, readers[i]))
            return true;
    return false;
}

/* The first reader that is none of these: its key, copied. Raises *next above every place met. */
static bool find_stranger(struct meta_txn *txn, const struct str *readers, size_t n, struct key *out, uint64_t *next)
{
    struct kv_walk walk;
    struct key prefix;
    uint64_t place;
    bool found = false;

    put_kind(&prefix, KEY_READER);
    kv_walk_begin(&walk, txn, KV_OUTBOX, key_str(&prefix), (struct str){0});
    while (!found && kv_walk_next(&walk)) {
        if (!u64_decode(walk.value, &place)) {
            kv_damaged(txn, KV_OUTBOX);
            break;
        }
        *next = place > *next ? place : *next;
        found = !is_one_of(str_from(walk.key, 1), readers, n);
        out->n = 0;
        if (found)
            key_bytes(out, walk.key);
    }
    kv_walk_end(&walk);
    return found;
}

/* Above every record, too. */
static void pass_records(struct meta_txn *txn, uint64_t *next)
{
    struct str last;
    uint64_t number;

    if (!kv_last(txn, KV_OUTBOX, &last) || last.n == 0 || last.p[0] != KEY_RECORD)
        return;
    if (!record_number(last, &number))
        kv_damaged(txn, KV_OUTBOX);
    else if (number >= *next)
        *next = number + 1;
}

static void draw_number(struct meta_txn *txn, uint64_t *number)
{
    struct key key;

    put_kind(&key, KEY_QUEUE);
    if (get_number(txn, &key, number))
        return;
    rnd_bytes(number, sizeof(*number));
    put_number(txn, &key, *number);
}

int outbox_begin(struct meta_txn *txn, const struct str *readers, size_t n, uint64_t *places, uint64_t *next,
                 uint64_t *number, struct err *e)
{
    struct key key;

    *next = 1;
    draw_number(txn, number);
    while (find_stranger(txn, readers, n, &key, next) && kv_del(txn, KV_OUTBOX, key_str(&key)))
        ;
    pass_records(txn, next);
    for (size_t i = 0; i < n; i++) {
        reader_key(&key, readers[i]);
        if (get_number(txn, &key, &places[i]))
            continue;
        places[i] = *next;
        put_number(txn, &key, *next);
    }
    return kv_status(txn, e);
}

/* ---- reading ---- */

int meta_outbox_read(struct meta_txn *txn, uint64_t from, outbox_item *item, void *arg, struct err *e)
{
    struct key prefix, first;
    struct kv_walk walk;
    uint64_t number;

    put_kind(&prefix, KEY_RECORD);
    record_key(&first, from);
    kv_walk_begin(&walk, txn, KV_OUTBOX, key_str(&prefix), (struct str){0});
    kv_walk_seek(&walk, key_str(&first));
    while (kv_walk_next(&walk)) {
        if (!record_number(walk.key, &number)) {
            kv_damaged(txn, KV_OUTBOX);
            break;
        }
        if (!item(number, walk.value, arg))
            break;
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}

uint64_t meta_outbox_bytes(struct meta_txn *txn)
{
    return kv_size(txn, KV_OUTBOX).bytes;
}

bool meta_outbox_used(struct meta_txn *txn)
{
    return kv_size(txn, KV_OUTBOX).entries > 0;
}

/* ---- as a change of its own ---- */

static int apply_forget(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)change;
    if (meta_outbox_used(txn))
        kv_clear(txn, KV_OUTBOX);
    return kv_status(txn, e);
}

int meta_outbox_forget(struct meta *meta, struct err *e)
{
    struct meta_change change = {.apply = apply_forget};

    if (meta_write(meta, &change) == 0)
        return 0;
    *e = change.err;
    return err_wrap(e, "empty the queue of notifications");
}
