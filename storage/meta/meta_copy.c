#include "storage/meta/meta_copy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/meta/meta_internal.h"

int meta_copy(struct meta *meta, const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = kv_copy(meta_kv(meta), fd, e);
    if (rc == 0 && fsync(fd) != 0)
        rc = err_errno(e, "fsync");
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

/* ---- records of blobs ---- */

enum { PIECE = 1024 };

/* Some records, taken out of a snapshot. */
struct piece {
    struct digest digest[PIECE];
    uint64_t size[PIECE];
    size_t count;
};

/* The ones behind `last` (NULL: the first). */
static int gather(struct meta_txn *txn, const struct digest *last, struct piece *piece, struct err *e)
{
    struct key after = {.n = 0};
    struct kv_walk walk;
    struct blob_record blob;

    piece->count = 0;
    if (last != NULL)
        key_digest(&after, last);
    kv_walk_begin(&walk, txn, KV_BLOBS, (struct str){0}, key_str(&after));
    while (piece->count < PIECE && kv_walk_next(&walk)) {
        struct digest *d = &piece->digest[piece->count];

        if (digest_from_key((const uint8_t *)walk.key.p, walk.key.n, d) != walk.key.n ||
            !blob_decode(walk.value, &blob)) {
            kv_damaged(txn, KV_BLOBS);
            break;
        }
        piece->size[piece->count++] = blob.size;
    }
    kv_walk_end(&walk);
    return kv_status(txn, e);
}

static int gather_now(struct meta_reader *reader, const struct digest *last, struct piece *piece, struct err *e)
{
    struct meta_txn *txn = kv_read(reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    rc = gather(txn, last, piece, e);
    kv_read_done(reader);
    return rc;
}

static int each(struct meta_reader *reader, meta_record_cb *item, void *arg, struct err *e)
{
    struct piece *piece = xmalloc(sizeof(*piece));
    struct digest last;
    int rc = gather_now(reader, NULL, piece, e);

    while (rc == 0 && piece->count > 0) {
        for (size_t i = 0; i < piece->count && rc == 0; i++)
            rc = item(&piece->digest[i], piece->size[i], arg, e);
        last = piece->digest[piece->count - 1];
        if (rc == 0)
            rc = gather_now(reader, &last, piece, e);
    }
    free(piece);
    return rc;
}

int meta_blobs_each(struct meta *meta, meta_record_cb *item, void *arg, struct err *e)
{
    struct meta_reader *reader = meta_reader_new(meta, e);
    int rc = reader == NULL ? -1 : each(reader, item, arg, e);

    meta_reader_free(&reader);
    return rc;
}

/* ---- copies ---- */

static int read_schema(struct meta_reader *reader, uint32_t *schema, struct err *e)
{
    struct meta_txn *txn = kv_read(reader, e);
    struct str stored;
    int rc;

    if (txn == NULL)
        return -1;
    if (!kv_get(txn, KV_INFO, STR("schema"), &stored) || !u32_decode(stored, schema))
        kv_damaged(txn, KV_INFO);
    rc = kv_status(txn, e);
    kv_read_done(reader);
    return rc;
}

int meta_copy_walk(const char *path, meta_record_cb *item, void *arg, uint32_t *schema, struct err *e)
{
    struct kv *kv = kv_open_copy(path, e);
    struct meta_reader *reader = NULL;
    int rc = -1;

    if (kv == NULL)
        return -1;
    reader = kv_reader_new(kv, e);
    if (reader != NULL)
        rc = read_schema(reader, schema, e);
    if (rc == 0)
        rc = each(reader, item, arg, e);
    kv_reader_free(&reader);
    kv_close(&kv);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
