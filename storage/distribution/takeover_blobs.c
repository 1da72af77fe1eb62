/*
 * Step 1 of takeover.h: the blobs that repositories hold.
 *
 * A batch is gathered, read by several threads where blobs are to be verified, carried over, synced, and recorded in one
 * change. Each blob is pinned from before its file comes until its record is there, as pushes do (pin.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/blob_internal.h"
#include "storage/distribution/takeover_blobs.h"
#include "storage/pin.h"

enum { LOST_KNOWN = 256 };

/* A blob that was found to be no good, so that it is not read again for every repository that holds it. */
struct lost {
    struct digest digest;
    enum oddity_kind kind;
    char reason[TAKING_REASON];
};

struct blob_batch {
    struct meta_change change; /* first */
    struct takeover *t;
    struct taking items[TAKEOVER_BLOBS];
    struct pin pins[TAKEOVER_BLOBS];
    size_t count;
    bool unsynced[BLOB_FOLDERS];
    struct lost lost[LOST_KNOWN];
    size_t lost_count; /* all that there were; the last LOST_KNOWN are known */
};

struct blob_batch *blob_batch_new(void)
{
    return xcalloc(1, sizeof(struct blob_batch));
}

void blob_batch_free(struct blob_batch **batch)
{
    free(*batch);
    *batch = NULL;
}

/* ---- no good ---- */

static const struct lost *find_lost(const struct blob_batch *b, const struct digest *d)
{
    for (size_t i = 0; i < LOST_KNOWN && i < b->lost_count; i++)
        if (digest_equal(&b->lost[i].digest, d))
            return &b->lost[i];
    return NULL;
}

static void lose(struct taking *item, enum oddity_kind kind, const char *reason)
{
    item->state = TAKING_LOST;
    item->kind = kind;
    snprintf(item->reason, sizeof(item->reason), "%.*s", TAKING_REASON - 1, reason);
}

static void remember_lost(struct blob_batch *b, const struct taking *item)
{
    struct lost *lost = &b->lost[b->lost_count % LOST_KNOWN];

    if (find_lost(b, &item->digest) != NULL)
        return;
    b->lost_count++;
    *lost = (struct lost){.digest = item->digest, .kind = item->kind};
    memcpy(lost->reason, item->reason, sizeof(lost->reason));
}

void taking_fail(struct taking *item, const struct err *why)
{
    lose(item, why->code == ERR_NOT_FOUND ? ODD_BLOB_MISSING : ODD_BLOB_DAMAGED, why->text);
}

/* ---- carrying ---- */

static void count_carried(struct takeover *t, const struct taking *item, enum carried how)
{
    struct takeover_result *r = t->result;
    const struct {
        uint64_t *files, *bytes;
    } counters[] = {[CARRIED_LINKED] = {&r->linked, &r->linked_bytes},
                    [CARRIED_CLONED] = {&r->cloned, &r->cloned_bytes},
                    [CARRIED_COPIED] = {&r->copied, &r->copied_bytes}};

    ++*counters[how].files;
    *counters[how].bytes += item->size;
    if (how != CARRIED_LINKED && t->carrier.why_not != NULL)
        r->why_not = t->carrier.why_not;
    if (how == CARRIED_LINKED && item->st.st_uid != 0 && item->st.st_uid != geteuid())
        r->owned_by_others++;
}

/* What a dry run can say of it. */
static void guess(struct takeover *t, const struct taking *item)
{
    struct stat root;
    bool near = stat(t->store->root, &root) == 0 && root.st_dev == item->st.st_dev && !t->options->copies;

    count_carried(t, item, near ? CARRIED_LINKED : CARRIED_COPIED);
}

/* -1: it cannot go on. */
static int carry_blob(struct takeover *t, struct taking *item, const struct layout_blob *found, struct err *e)
{
    char name[BLOB_NAME_MAX];
    struct err why;
    enum carried how;
    struct carry what = {.from = found->dir,
                         .from_name = LAYOUT_DATA,
                         .st = &found->st,
                         .digest = item->state == TAKING_VERIFIED ? NULL : &item->digest,
                         .verify = item->verify,
                         .to = t->store->blobs->dir,
                         .to_name = name};
    int rc;

    if (item->state == TAKING_VERIFIED &&
        (found->st.st_ino != item->st.st_ino || found->st.st_dev != item->st.st_dev)) {
        lose(item, ODD_BLOB_DAMAGED, "it was replaced while it was looked at; run the same again");
        return 0;
    }
    item->st = found->st;
    item->size = (uint64_t)found->st.st_size;
    if (t->options->dry_run) {
        guess(t, item);
        return 0;
    }
    blob_file_name(&item->digest, name);
    rc = carry(&t->carrier, &what, &how, &why);
    if (rc > 0)
        taking_fail(item, &why);
    else if (rc < 0)
        *e = why;
    else
        count_carried(t, item, how);
    t->blobs->unsynced[blob_folder_of(&item->digest)] |= rc == 0;
    return rc < 0 ? -1 : 0;
}

static int bring(struct takeover *t, struct taking *item, struct err *e)
{
    struct layout_blob found;
    char text[DIGEST_TEXT_MAX];
    struct err why;
    int rc;

    if (item->state == TAKING_THERE || item->state == TAKING_LOST)
        return 0;
    digest_format(&item->digest, text);
    if (layout_blob_find(&t->layout, &item->source, &found, &why) != 0) {
        if (why.code == ERR_NOT_FOUND || why.code == ERR_DAMAGED) {
            taking_fail(item, &why);
            return 0;
        }
        *e = why;
        return err_wrap(e, "blob %s", text);
    }
    rc = carry_blob(t, item, &found, e);
    close(found.dir);
    return rc == 0 ? 0 : err_wrap(e, "blob %s", text);
}

/* A whole file system at once is quicker than many folders. */
static int sync_folders(struct takeover *t, struct err *e)
{
    enum { FEW = 8 };
    struct blob_batch *b = t->blobs;
    unsigned count = 0;

    for (unsigned i = 0; i < BLOB_FOLDERS; i++)
        count += b->unsynced[i];
    if (count > FEW && syncfs(t->store->blobs->dir) != 0)
        return err_errno(e, "syncfs of blobs/");
    for (unsigned i = 0; i < BLOB_FOLDERS; i++) {
        char folder[BLOB_FOLDER_MAX];

        blob_folder_name(i, folder);
        if (b->unsynced[i] && count <= FEW && blob_sync_folder(t->store->blobs->dir, folder, e) != 0)
            return -1;
        b->unsynced[i] = false;
    }
    return 0;
}

/* ---- records ---- */

/* Of an entry of the batch, or of the earlier one with the same digest. */
static const struct taking *file_of(const struct blob_batch *b, const struct taking *item)
{
    return &b->items[item->same];
}

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct blob_batch *b = (struct blob_batch *)change;

    for (size_t i = 0; i < b->count; i++) {
        const struct taking *item = &b->items[i], *file = file_of(b, item);

        if (file->state != TAKING_LOST &&
            meta_blob_put(txn, takeover_name(b->t, item->repository), &file->digest, file->size, b->t->now, e) != 0)
            return -1;
    }
    return 0;
}

static void tell(struct takeover *t)
{
    struct blob_batch *b = t->blobs;

    for (size_t i = 0; i < b->count; i++) {
        const struct taking *item = &b->items[i], *file = file_of(b, item);
        char text[DIGEST_TEXT_MAX];

        if (file->state != TAKING_LOST) {
            t->result->memberships++;
            t->result->blobs_there += file == item && file->state == TAKING_THERE;
            continue;
        }
        digest_format(&file->digest, text);
        takeover_odd(t, file->kind, item->repository, text, file->reason);
        t->result->blobs_lost += file == item && find_lost(b, &file->digest) == NULL;
        remember_lost(b, file);
    }
}

static void drop_pins(struct takeover *t)
{
    for (size_t i = 0; i < t->blobs->count; i++)
        pin_drop(t->store->pins, &t->blobs->pins[i]);
}

static int bring_all(struct takeover *t, struct err *e)
{
    struct blob_batch *b = t->blobs;

    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].same == i) {
            if (b->items[i].state != TAKING_LOST && !t->options->dry_run)
                pin_hold(t->store->pins, &b->pins[i], &b->items[i].digest);
            if (bring(t, &b->items[i], e) != 0)
                return -1;
        }
    if (t->options->dry_run)
        return 0;
    if (sync_folders(t, e) != 0)
        return -1;
    b->t = t;
    b->change = (struct meta_change){.apply = apply};
    return takeover_write(t, &b->change, e);
}

int takeover_layers_flush(struct takeover *t, struct err *e)
{
    struct blob_batch *b = t->blobs;
    int rc;

    if (b->count == 0)
        return 0;
    rc = taking_verify(t, b->items, b->count, e);
    if (rc == 0) {
        rc = bring_all(t, e);
        drop_pins(t);
    }
    if (rc == 0)
        tell(t);
    b->count = 0;
    return rc;
}

/* ---- gathering ---- */

/* Is the blob here, with a record? Does the repository hold it? */
static int look_here(struct takeover *t, size_t repository, struct taking *item, bool *held, struct err *e)
{
    struct meta_txn *txn = meta_read(t->reader, e);
    struct blob_info info;
    struct err why;
    uint64_t changed;
    bool known;
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_blob_known(txn, &item->digest, &known, e);
    *held = rc == 0 && meta_blob_get(txn, takeover_name(t, repository), &item->digest, &info, &why) == 0;
    if (rc == 0 && !*held && known && why.code != ERR_NOT_FOUND) {
        *e = why;
        rc = -1;
    }
    meta_done(t->reader);
    if (rc != 0)
        return -1;
    if (!known || blob_stat(t->store->blobs, &item->digest, &item->size, &changed, NULL) != 0)
        *held = false;
    else
        item->state = TAKING_THERE;
    return 0;
}

static int add(struct takeover *t, size_t repository, const struct digest *d, const struct digest *source, bool *held,
               struct err *e)
{
    struct blob_batch *b = t->blobs;
    struct taking *item;
    const struct lost *lost;

    if (b->count == TAKEOVER_BLOBS && takeover_layers_flush(t, e) != 0)
        return -1;
    item = &b->items[b->count];
    *item = (struct taking){.repository = repository, .digest = *d, .source = *source, .same = b->count};
    item->verify = t->options->verify || !digest_equal(d, source);
    if (look_here(t, repository, item, held, e) != 0)
        return -1;
    if (*held)
        return 0;
    if (item->state != TAKING_THERE && (lost = find_lost(b, d)) != NULL)
        lose(item, lost->kind, lost->reason);
    for (size_t i = 0; i < b->count && item->same == b->count; i++)
        if (digest_equal(&b->items[i].digest, d) && b->items[i].same == i)
            item->same = i;
    b->count++;
    return 0;
}

struct layer_walk {
    struct takeover *t;
    size_t repository;
};

static void odd_link(const struct layer_walk *w, const struct layout_entry *entry, const char *reason)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(&entry->name, text);
    takeover_odd(w->t, ODD_LINK, w->repository, text, reason);
}

static int follow_link(struct layer_walk *w, const struct layout_entry *entry, struct err *e)
{
    char path[2 * DIGEST_RAW_MAX + 8];
    struct layout_link link;
    struct err why;
    bool held;

    snprintf(path, sizeof(path), "%s/link", entry->hex);
    if (layout_link(entry->dir, path, &link, &why) != 0) {
        if (why.code != ERR_NOT_FOUND)
            odd_link(w, entry, why.text);
        return 0;
    }
    if (link.untidy)
        odd_link(w, entry, "its link holds more than a digest; the blob is taken");
    if (add(w->t, w->repository, &link.target, &link.target, &held, e) != 0)
        return -1;
    if (digest_equal(&link.target, &entry->name))
        return 0;
    return add(w->t, w->repository, &entry->name, &link.target, &held, e);
}

/* What is held already costs two look-ups. */
static int take_entry(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct layer_walk *w = arg;
    struct taking item = {.digest = entry->name};
    bool held;

    if (look_here(w->t, w->repository, &item, &held, e) != 0 || (!held && follow_link(w, entry, e) != 0))
        return -1;
    w->t->result->blobs_there += held;
    return takeover_step(w->t, w->repository, e);
}

int takeover_layers(struct takeover *t, size_t repository, struct err *e)
{
    struct layer_walk w = {t, repository};

    return layout_links(&t->layout, takeover_name(t, repository), LAYOUT_LAYERS, take_entry, &w, e);
}
