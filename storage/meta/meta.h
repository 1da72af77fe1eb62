/*
 * Metadata: who holds what. Repositories, tags, manifests, repository→blob membership, blob records, referrers.
 *
 * Reads are snapshots: meta_read() … meta_done() around any number of reads; slices point into the
 * snapshot and die with it. Writes are changes: functions that run one after the other on the writer thread, many of
 * them in one durable commit (group commit); a change hears of its end only when its commit is on disk.
 *
 * Between meta_read() and meta_done() a thread must not wait for a change: the writer may be waiting for it (kv.h).
 *
 * Thread: a meta_reader belongs to one thread. meta_submit() from any thread; `apply` and `done` run on the writer
 * thread. A change's apply() validates fully before it writes, touches nothing but the transaction, and may be run
 * again (when another change of its batch failed half-way, or the map had to grow).
 */
#ifndef BERTH_STORAGE_META_H
#define BERTH_STORAGE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/digest.h"
#include "storage/manifest.h"

struct meta;
struct meta_reader;
struct meta_txn; /* a snapshot for reading, or the writer's transaction inside apply() */

/* Opens or creates the environment in `directory` and starts the writer thread. Refuses a schema it does not know.
 * Blocks. */
struct meta *meta_open(const char *directory, struct err *e);
/* The same for who repairs next (meta_rebuild.h): metadata of an older schema that are damaged, so that meta_open()
 * refuses them, are opened without what the newer one adds. Nothing may be served or swept before the repair. */
struct meta *meta_open_for_repair(const char *directory, struct err *e);
/* Waits for queued changes, stops the writer, closes. */
void meta_close(struct meta **meta);

struct meta_reader *meta_reader_new(struct meta *meta, struct err *e);
void meta_reader_free(struct meta_reader **reader);
struct meta_txn *meta_read(struct meta_reader *reader, struct err *e); /* NULL on failure */
void meta_done(struct meta_reader *reader);

struct meta_change {
    int (*apply)(struct meta_txn *txn, struct meta_change *change, struct err *e);
    void (*done)(struct meta_change *change); /* rc and err are set; the change belongs to its submitter again */
    int rc;
    struct err err;
    struct meta_change *next; /* the writer's */
    uint64_t queued_us;       /* likewise; monotonic */
};
void meta_submit(struct meta *meta, struct meta_change *change);
/* How many changes wait to be begun with. Any thread. */
size_t meta_waiting(const struct meta *meta);
/* What was counted of commits (commit_counts.h); lives as long as `meta`. Any thread. */
struct commit_counts;
const struct commit_counts *meta_commits(const struct meta *meta);
/* meta_submit() and wait: for tools and tests, never on a loop. Returns change->rc. `done` is not called. */
int meta_write(struct meta *meta, struct meta_change *change);

/* ---- blobs ---- */

struct blob_info {
    uint64_t size;        /* bytes */
    uint64_t references;  /* manifests, over all repositories, that name it */
    uint64_t last_needed; /* wall-clock seconds: lease of an unreferenced blob */
    bool named_here;      /* a manifest of this repository names it */
    uint64_t needed_here; /* wall-clock seconds: lease of a membership that none needs */
};

/* The blob as `repository` sees it: ERR_NOT_FOUND unless the repository holds it. */
int meta_blob_get(struct meta_txn *txn, struct str repository, const struct digest *d, struct blob_info *out,
                  struct err *e);
/* Record a blob that is on disk and make `repository` (created when new) a holder; renews the lease. */
int meta_blob_put(struct meta_txn *txn, struct str repository, const struct digest *d, uint64_t size, uint64_t now,
                  struct err *e);
/* Mount: make `repository` a holder if `from` is one; ERR_NOT_FOUND otherwise. */
int meta_blob_mount(struct meta_txn *txn, struct str repository, struct str from, const struct digest *d, uint64_t now,
                    struct err *e);
/* Renew the leases of the blob and of its membership (HEAD of one that the repository's manifests do not name).
 * ERR_NOT_FOUND as meta_blob_get(). */
int meta_blob_touch(struct meta_txn *txn, struct str repository, const struct digest *d, uint64_t now, struct err *e);
/* The repository no longer holds it; the file stays until the sweeper finds it without holder. ERR_NOT_FOUND. */
int meta_blob_delete(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e);
/* What sweep.h works with. `needed_before` is in wall-clock seconds, exclusive: leases that began before it are over.
 * Where a walk over blobs without references has come to; zeros: it has not begun. */
struct idle_place {
    bool begun;
    uint64_t last_needed;
    struct digest digest;
};
struct idle_query {
    struct idle_place after;
    uint64_t needed_before;
    size_t limit; /* blobs that `item` is called with */
};
typedef void meta_idle_cb(const struct digest *d, const struct blob_info *info, void *arg);
/* One piece of a walk over the blobs without references whose lease is over, the oldest first. `*last` gets the place
 * that it came to, where the walk goes on if *more. */
int meta_blobs_idle(struct meta_txn *txn, const struct idle_query *query, meta_idle_cb *item, void *arg,
                    struct idle_place *last, bool *more, struct err *e);
/* Is there a membership that no manifest of its repository needs, and whose lease is over? */
int meta_members_lapsed(struct meta_txn *txn, uint64_t needed_before, bool *any, struct err *e);
/* End at most `limit` of them, the oldest first. The blobs stay, to be swept when nobody needs them. */
int meta_members_forget(struct meta_txn *txn, uint64_t needed_before, size_t limit, struct err *e);
/* Is there a record of it, whoever holds it? */
int meta_blob_known(struct meta_txn *txn, const struct digest *d, bool *known, struct err *e);
/* Forget a blob that still has no reference and whose lease is still over; one that has, or that is not there, stays as
 * it is. At most `*holders` repositories cease to hold it and are taken off `*holders`; when it has more, the rest and
 * the record stay for another change. *removed: the record is gone, and the file is the caller's to remove. */
int meta_blob_forget(struct meta_txn *txn, const struct digest *d, uint64_t needed_before, size_t *holders,
                     bool *removed, struct err *e);
/* Calls `visit` with the name of each repository that holds `d` until it returns true. Returns whether one did. */
bool meta_blob_holders(struct meta_txn *txn, const struct digest *d, bool (*visit)(struct str repository, void *arg),
                       void *arg);

/* ---- manifests and tags ---- */

struct manifest_view {
    uint32_t repository; /* its number */
    struct digest digest;
    struct str media_type; /* borrowed from the snapshot */
    struct str bytes;      /* borrowed from the snapshot */
};

int meta_manifest_get(struct meta_txn *txn, struct str repository, const struct digest *d, struct manifest_view *out,
                      struct err *e);
int meta_tag_get(struct meta_txn *txn, struct str repository, struct str tag, struct manifest_view *out, struct err *e);

struct manifest_put {
    struct str repository;
    struct digest digest;            /* the digest it is stored under: the reference's, else sha256 */
    const struct manifest *manifest; /* parsed from `bytes` */
    struct str bytes;
    const struct str *tags; /* moved to this manifest */
    size_t tag_count;
    bool allow_missing; /* validation disabled: references need not exist */
    bool keep_tags;     /* a tag that names another manifest is not moved: ERR_EXISTS, and nothing is put */
    uint64_t now;       /* wall-clock seconds */
};
/* ERR_REFERENCE names the first absent blob or child (MANIFEST_BLOB_UNKNOWN); ERR_INVALID a descriptor whose size is
 * not the stored one's. Putting the same bytes again is fine and counts as pushed now. An absent subject is fine.
 * ERR_EXISTS: see keep_tags. */
int meta_manifest_put(struct meta_txn *txn, const struct manifest_put *put, struct err *e);
/* The manifest, its tags and its referrer entry go; counts of what it names fall. ERR_NOT_FOUND. It can be put back for
 * some time, as the tag of meta_tag_delete() can (meta_history.h). *more: it has so many tags that only some of them
 * went; others have their turn, and the same is to be asked for in another change. */
int meta_manifest_delete(struct meta_txn *txn, struct str repository, const struct digest *d, bool *more,
                         struct err *e);
/* Calls `item` for the tags that meta_manifest_delete() would take with it if it were called now; none of a manifest that
 * is not there. */
void meta_manifest_tags(struct meta_txn *txn, struct str repository, const struct digest *d,
                        bool (*item)(struct str tag, void *arg), void *arg);
/* The tag goes, its manifest stays. ERR_NOT_FOUND. */
int meta_tag_delete(struct meta_txn *txn, struct str repository, struct str tag, struct err *e);
/* The same for a rule of retention: only if the tag still points to `d` and was moved there at `moved`. */
int meta_tag_expire(struct meta_txn *txn, struct str repository, struct str tag, const struct digest *d, uint64_t moved,
                    bool *gone, struct err *e);

/* ---- whole repositories ---- */

/* How far a deletion has come; zeros: it has not begun. */
struct repository_place {
    bool begun; /* the manifests are gone */
    struct digest digest;
};
/* What one piece of it removed. */
struct repository_piece {
    struct repository_place place; /* where the next one goes on */
    uint64_t manifests;
    uint64_t tags;
    uint64_t blobs; /* that the repository held; a sweeper frees those that no other one needs */
    bool more;
};
/* One bounded piece of deleting all that is in a repository: call it in a change of its own again and again, `from` the
 * last one's `place`, until nothing follows. What is pushed meanwhile may go, too, or stay. Its name stays known.
 * ERR_NOT_FOUND. */
int meta_repository_delete(struct meta_txn *txn, struct str repository, const struct repository_place *from,
                           struct repository_piece *out, struct err *e);

/* ---- lists: one page of a cursor walk, in byte order ---- */

/* Is there, or was there ever, anything pushed under this name? */
bool meta_repository_exists(struct meta_txn *txn, struct str repository);

/* Calls `item` for at most `limit` names after `last` (exclusive; empty: from the start). *more: something follows.
 * The item callback returns false to skip an entry (it then does not count against `limit`). */
typedef bool meta_name_cb(struct str name, void *arg);
/* One page of the catalog, or a piece of one. */
struct catalog_query {
    struct str last; /* exclusive; empty: from the start */
    size_t limit;    /* names that `item` takes */
    size_t looks;    /* names that `item` is called with, taken or not: what bounds the time the call takes */
    /* NULL, or the first name, from one on that `item` did not take, that it might; empty: there is none. Borrowed
     * until it is called again. */
    struct str (*seek)(struct str name, void *arg);
};
/* Repositories that have at least one manifest. When `looks` ends the walk before `limit` does, *more is set as well:
 * the page goes on behind the last name that `item` was called with. */
int meta_catalog(struct meta_txn *txn, const struct catalog_query *query, meta_name_cb *item, void *arg, bool *more,
                 struct err *e);
/* ERR_NOT_FOUND for an unknown repository. */
int meta_tags(struct meta_txn *txn, struct str repository, struct str last, size_t limit, meta_name_cb *item, void *arg,
              bool *more, struct err *e);

struct referrer_view {
    struct digest digest;
    struct str media_type;
    uint64_t size;
    struct str artifact_type; /* empty when none */
    struct str annotations;   /* JSON object text, empty when none */
};
typedef void meta_referrer_cb(const struct referrer_view *view, void *arg);

/* One page of referrers, or a piece of one. */
struct referrer_query {
    struct str repository;
    const struct digest *subject;
    const struct digest *last; /* exclusive; NULL: from the start */
    struct str artifact_type;  /* only these; empty: all */
    size_t limit;              /* entries */
    size_t byte_limit;         /* about so many bytes of descriptors */
    size_t looks; /* entries that are looked at, of that type or not: what bounds the time the call takes */
    bool begun;   /* the page has an entry: else the first is given however large it is */
};
enum referrers_end {
    REFERRERS_ALL,   /* nothing follows */
    REFERRERS_FULL,  /* the page is full, and something follows */
    REFERRERS_PAUSE, /* `looks` ended the walk: the page goes on behind *seen */
};
/* Calls `item` for the referrers that are asked for, in digest order. *seen: the last entry looked at, if any. An
 * unknown repository or subject has no referrers. */
int meta_referrers(struct meta_txn *txn, const struct referrer_query *query, meta_referrer_cb *item, void *arg,
                   struct digest *seen, enum referrers_end *end, struct err *e);

#endif
