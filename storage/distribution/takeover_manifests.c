/*
 * Step 2 of takeover.h: manifests and indexes.
 *
 * Each is read, compared with its digest and parsed as if it were pushed; a batch of them is one change, in which each
 * is put or refused on its own. What has its place here already is not read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/distribution/takeover_internal.h"
#include "storage/manifest.h"
#include "storage/meta/kv.h"

enum { BATCH_BYTES = 8 * 1024 * 1024 };

struct putting {
    size_t repository;
    struct digest digest;
    struct manifest manifest;
    struct sbuf bytes;
    uint64_t pushed;
    size_t missing; /* entries of an index that are not there */
    int rc;         /* of the change */
    struct err err;
};

struct manifest_batch {
    struct meta_change change; /* first */
    struct takeover *t;
    struct putting items[TAKEOVER_MANIFESTS];
    size_t count;
    size_t bytes;
};

struct manifest_batch *manifest_batch_new(void)
{
    return xcalloc(1, sizeof(struct manifest_batch));
}

static void putting_free(struct putting *item)
{
    manifest_free(&item->manifest);
    sbuf_free(&item->bytes);
}

static void forget_all(struct manifest_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        putting_free(&b->items[i]);
    b->count = b->bytes = 0;
}

void manifest_batch_free(struct manifest_batch **batch)
{
    forget_all(*batch);
    free(*batch);
    *batch = NULL;
}

/* ---- putting ---- */

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct manifest_batch *b = (struct manifest_batch *)change;

    for (size_t i = 0; i < b->count; i++) {
        struct putting *item = &b->items[i];
        const struct manifest_put put = {.repository = takeover_name(b->t, item->repository),
                                         .digest = item->digest,
                                         .manifest = &item->manifest,
                                         .bytes = {item->bytes.p, item->bytes.n},
                                         .allow_missing = b->t->options->allow_missing,
                                         .now = item->pushed};

        item->rc = meta_manifest_put(txn, &put, &item->err);
        if (kv_status(txn, e) != 0) /* not a matter of this manifest; the others are not put either */
            return -1;
    }
    return 0;
}

/* In a dry run: is it there now, or would it be? */
static bool would_be_there(struct takeover *t, const struct putting *item, const struct reference *ref)
{
    char text[DIGEST_TEXT_MAX], path[REPOSITORY_NAME_MAX + DIGEST_TEXT_MAX + 64];
    static const char *const folders[] = {"_layers", "_manifests/revisions"};
    struct layout_link link;
    struct layout_blob blob;

    digest_format(&ref->digest, text);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s/%s/%s/link", t->names[item->repository], folders[i],
                 digest_alg_name(ref->digest.alg), strchr(text, ':') + 1);
        if ((i == 0 || ref->kind == REFERENCE_CHILD) && layout_link(t->layout.repositories, path, &link, NULL) == 0 &&
            layout_blob_find(&t->layout, &link.target, &blob, NULL) == 0) {
            close(blob.dir);
            return (uint64_t)blob.st.st_size == ref->size;
        }
    }
    return false;
}

static void try_dry(struct takeover *t, struct putting *item)
{
    char text[DIGEST_TEXT_MAX];

    for (size_t i = 0; i < item->manifest.reference_count && item->rc == 0; i++) {
        const struct reference *ref = &item->manifest.references[i];

        digest_format(&ref->digest, text);
        if (!ref->optional && !t->options->allow_missing && !would_be_there(t, item, ref))
            item->rc = err_set(&item->err, ERR_REFERENCE, "it names %s, which this repository does not hold", text);
    }
}

static bool is_here(struct takeover *t, struct meta_txn *txn, const struct putting *item, const struct digest *d)
{
    struct manifest_view view;
    struct blob_info info;
    struct str name = takeover_name(t, item->repository);

    return meta_manifest_get(txn, name, d, &view, NULL) == 0 || meta_blob_get(txn, name, d, &info, NULL) == 0;
}

/* 0, or -1 when nothing can be put at all. */
static int put_all(struct takeover *t, struct err *e)
{
    struct manifest_batch *b = t->manifests;

    if (t->options->dry_run) {
        for (size_t i = 0; i < b->count; i++)
            try_dry(t, &b->items[i]);
        return 0;
    }
    b->t = t;
    b->change = (struct meta_change){.apply = apply};
    return takeover_write(t, &b->change, e);
}

static void lose(struct takeover *t, const struct putting *item, enum oddity_kind kind, const char *reason)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(&item->digest, text);
    takeover_odd(t, kind, item->repository, text, reason);
    t->result->manifests_lost++;
}

static void tell_incomplete(struct takeover *t, const struct putting *item)
{
    char text[DIGEST_TEXT_MAX], reason[96];

    digest_format(&item->digest, text);
    snprintf(reason, sizeof(reason), "taken without %zu of its %zu images, which are not there", item->missing,
             item->manifest.reference_count);
    takeover_odd(t, ODD_INDEX_INCOMPLETE, item->repository, text, reason);
}

/* The first of what it names that is not there. */
static void tell_refused(struct takeover *t, const struct putting *item)
{
    struct meta_txn *txn = item->err.code == ERR_REFERENCE && !t->options->dry_run ? meta_read(t->reader, NULL) : NULL;
    char text[DIGEST_TEXT_MAX], reason[DIGEST_TEXT_MAX + 64];
    size_t i = 0;

    if (txn == NULL) {
        lose(t, item, ODD_MANIFEST_REFUSED, item->err.text);
        return;
    }
    while (i + 1 < item->manifest.reference_count &&
           (item->manifest.references[i].optional || is_here(t, txn, item, &item->manifest.references[i].digest)))
        i++;
    meta_done(t->reader);
    digest_format(&item->manifest.references[i].digest, text);
    snprintf(reason, sizeof(reason), "it names %s, which this repository does not hold", text);
    lose(t, item, ODD_MANIFEST_REFUSED, reason);
}

static void tell(struct takeover *t, const struct putting *item, struct pass *pass)
{
    if (item->rc == 0) {
        t->result->manifests++;
        pass->done++;
        if (item->missing > 0)
            tell_incomplete(t, item);
    } else if (pass->which == PASS_INDEXES && item->err.code == ERR_REFERENCE) {
        pass->left++;
    } else {
        tell_refused(t, item);
    }
}

int takeover_manifests_flush(struct takeover *t, struct pass *pass, struct err *e)
{
    struct manifest_batch *b = t->manifests;
    int rc = b->count == 0 ? 0 : put_all(t, e);

    for (size_t i = 0; i < b->count && rc == 0; i++)
        tell(t, &b->items[i], pass);
    forget_all(b);
    return rc;
}

/* ---- indexes of which some entries are gone ---- */

/* Entries that are gone need not be there, unless all are. */
static int excuse(struct takeover *t, struct putting *item, struct err *e)
{
    struct meta_txn *txn = meta_read(t->reader, e);
    struct manifest *m = &item->manifest;

    if (txn == NULL)
        return -1;
    for (size_t i = 0; i < m->reference_count; i++)
        item->missing += !is_here(t, txn, item, &m->references[i].digest);
    meta_done(t->reader);
    for (size_t i = 0; i < m->reference_count && item->missing < m->reference_count; i++)
        m->references[i].optional = true;
    return 0;
}

/* ---- reading ---- */

struct revision {
    struct takeover *t;
    size_t repository;
    struct pass *pass;
    const struct layout_entry *entry;
    struct layout_link link;
};

/* What is odd is told in the first pass alone. */
static void odd(const struct revision *r, enum oddity_kind kind, const char *reason)
{
    struct putting item = {.repository = r->repository, .digest = r->entry->name};

    if (r->pass->which == PASS_IMAGES)
        lose(r->t, &item, kind, reason);
}

static int read_bytes(const struct revision *r, struct sbuf *bytes, struct err *e)
{
    struct stat st;
    int fd, rc;

    if (layout_blob_open(&r->t->layout, &r->link.target, &fd, &st, e) != 0)
        return -1;
    rc = file_read_fd(fd, MANIFEST_BYTES_MAX, bytes, e);
    close(fd);
    r->t->result->read += r->pass->which == PASS_IMAGES ? bytes->n : 0;
    return rc;
}

/* The digest that it is kept under: its path's, as a rule, else its link's. */
static bool choose_digest(const struct revision *r, struct str bytes, struct digest *out)
{
    const struct digest *const wanted[] = {&r->entry->name, &r->link.target};

    for (size_t i = 0; i < 2; i++) {
        digest_of(wanted[i]->alg, bytes.p, bytes.n, out);
        if (digest_equal(out, wanted[i])) {
            if (i > 0)
                odd(r, ODD_LINK, "its link leads to another manifest, which is taken in its place");
            return true;
        }
    }
    return false;
}

/* 1: it is none to be taken; told. */
static int read_manifest(const struct revision *r, struct putting *item, struct err *e)
{
    struct err why;

    if (read_bytes(r, &item->bytes, &why) != 0) {
        if (why.code == ERR_DENIED || why.code == ERR_EXHAUSTED) {
            *e = why;
            return -1;
        }
        odd(r, why.code == ERR_NOT_FOUND ? ODD_MANIFEST_MISSING : ODD_MANIFEST_DAMAGED, why.text);
        return 1;
    }
    if (!choose_digest(r, (struct str){item->bytes.p, item->bytes.n}, &item->digest)) {
        odd(r, ODD_MANIFEST_DAMAGED, "its content has another digest");
        return 1;
    }
    if (manifest_parse((struct str){item->bytes.p, item->bytes.n}, STR(""), &item->manifest, &why) != 0) {
        odd(r, ODD_MANIFEST_REFUSED, why.text);
        return 1;
    }
    return 0;
}

/* Whether this pass is for such. */
static int choose(const struct revision *r, struct putting *item, bool *chosen, struct err *e)
{
    bool index = item->manifest.kind == MANIFEST_INDEX;

    *chosen = index == (r->pass->which != PASS_IMAGES);
    if (index && r->pass->which == PASS_IMAGES)
        r->pass->left++;
    return *chosen && r->pass->which == PASS_LEFTOVERS ? excuse(r->t, item, e) : 0;
}

static int take_revision(const struct revision *r, struct err *e)
{
    struct manifest_batch *b = r->t->manifests;
    struct putting *item;
    bool chosen = false;
    int rc;

    if ((b->count == TAKEOVER_MANIFESTS || b->bytes >= BATCH_BYTES) && takeover_manifests_flush(r->t, r->pass, e) != 0)
        return -1;
    item = &b->items[b->count];
    *item = (struct putting){.repository = r->repository, .pushed = takeover_time(r->t, r->link.written)};
    rc = read_manifest(r, item, e);
    if (rc == 0)
        rc = choose(r, item, &chosen, e);
    if (rc == 0 && chosen) {
        b->bytes += item->bytes.n;
        b->count++;
        return 0;
    }
    putting_free(item);
    return rc < 0 ? -1 : 0;
}

static int is_there(struct takeover *t, size_t repository, const struct digest *d, bool *there, struct err *e)
{
    struct meta_txn *txn = meta_read(t->reader, e);
    struct manifest_view view;
    struct err why;

    if (txn == NULL)
        return -1;
    *there = meta_manifest_get(txn, takeover_name(t, repository), d, &view, &why) == 0;
    meta_done(t->reader);
    if (*there || why.code == ERR_NOT_FOUND)
        return 0;
    *e = why;
    return -1;
}

static int take_entry(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct revision *r = arg;
    char path[2 * DIGEST_RAW_MAX + 8];
    struct err why;
    bool there;

    r->entry = entry;
    if (is_there(r->t, r->repository, &entry->name, &there, e) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/link", entry->hex);
    if (there) {
        r->t->result->manifests_there += r->pass->which == PASS_IMAGES;
    } else if (layout_link(entry->dir, path, &r->link, &why) != 0) {
        if (why.code != ERR_NOT_FOUND)
            odd(r, ODD_LINK, why.text);
    } else {
        if (r->link.untidy && r->pass->which == PASS_IMAGES)
            odd(r, ODD_LINK, "its link holds more than a digest");
        if (take_revision(r, e) != 0)
            return -1;
    }
    return r->pass->which == PASS_IMAGES ? takeover_step(r->t, r->repository, e) : 0;
}

int takeover_manifests(struct takeover *t, size_t repository, struct pass *pass, struct err *e)
{
    struct revision r = {.t = t, .repository = repository, .pass = pass};

    return layout_links(&t->layout, takeover_name(t, repository), LAYOUT_REVISIONS, take_entry, &r, e);
}
