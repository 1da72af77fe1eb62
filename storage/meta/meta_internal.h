/*
 * What the files meta_*.c share and nobody else needs. The records' invariants are in meta_record.h.
 *
 * Convention: a function here that takes a record by pointer changes the record and the tables beside it, and its
 * caller saves the record, once. Nothing here reports errors of the database: the transaction keeps the first one
 * (kv.h).
 *
 * Thread: that of the transaction.
 */
#ifndef BERTH_STORAGE_META_INTERNAL_H
#define BERTH_STORAGE_META_INTERNAL_H

#include "storage/meta/kv.h"
#include "storage/meta/meta.h"
#include "storage/meta/meta_record.h"
#include "storage/meta/meta_usage.h"

/* meta_open() with a map of another size, so that tests can fill it. */
struct meta *meta_open_sized(const char *directory, uint64_t map_bytes, struct err *e);
/* The tables underneath, for tests and for those who walk over everything. */
struct kv *meta_kv(struct meta *meta);

/* ---- repositories (meta_repo.c) ---- */

/* False, and a record of zeros, when the name is unknown. Id 0 belongs to no repository, so that nothing is found in
 * it. */
bool repo_load(struct meta_txn *txn, struct str name, struct repo_record *out);
/* As repo_load(), but an unknown name becomes known (the new record is not saved yet). */
void repo_load_or_make(struct meta_txn *txn, struct str name, struct repo_record *out);
void repo_save(struct meta_txn *txn, struct str name, const struct repo_record *repo);
/* ERR_INVALID for a name that the tables cannot hold; its grammar is its reader's affair (reference.h). */
int repo_name_check(struct str name, struct err *e);
bool repo_name_of(struct meta_txn *txn, uint32_t id, struct str *name);
/* The same, copied: what repo_name_of() gives does not outlive a write. */
bool repo_name_copy(struct meta_txn *txn, uint32_t id, struct key *name);
/* Count a manifest of `bytes` that came or went; the first one lists the repository in the catalog, the last one takes
 * it out. */
void repo_manifest_came(struct meta_txn *txn, struct str name, struct repo_record *repo, size_t bytes);
void repo_manifest_went(struct meta_txn *txn, struct str name, struct repo_record *repo, size_t bytes);
/* Lower a counter that cannot be 0 unless `table` is damaged. */
void count_down(struct meta_txn *txn, enum kv_table table, uint64_t *counter);

/* ---- blobs and the references to them (meta_blob.c) ---- */

/* False, and a record of zeros, when there is none. */
bool blob_load(struct meta_txn *txn, const struct digest *d, struct blob_record *out);
/* Every blob record is written and removed by these two. */
void blob_save(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob);
void blob_drop(struct meta_txn *txn, const struct digest *d);
/* The entry of `idle` of a blob without references. */
void idle_key(struct key *key, uint64_t last_needed, const struct digest *d);
/* So many references went. */
void blob_lower(struct meta_txn *txn, struct blob_record *blob, uint64_t count);
/* The blob's record if repository `id` holds it. */
bool blob_load_held(struct meta_txn *txn, uint32_t id, const struct digest *d, struct blob_record *out);
/* How many manifests of the repository name the blob, whether it holds it or not. */
uint64_t references_from(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* A manifest of repository `id` names `d`, or one that did is gone. */
void reference_came(struct meta_txn *txn, uint32_t id, const struct digest *d);
void reference_went(struct meta_txn *txn, uint32_t id, const struct digest *d);

/* ---- who holds a blob (meta_member.c) ---- */

/* Does the repository hold it? *since: the lease of the membership, while no manifest of the repository names it. */
bool member_load(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t *since);
void member_save(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t since);
/* The first manifest of the repository names it, or the last one that did is gone. Nothing, if it does not hold it. */
void member_fasten(struct meta_txn *txn, uint32_t id, const struct digest *d);
void member_loosen(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* Begin the lease anew, unless it began later or a manifest needs the membership. */
void member_renew(struct meta_txn *txn, uint32_t id, const struct digest *d, uint64_t now);
/* The repository, which does not hold the blob, begins to, or one that does ceases to. `name` is no slice of the
 * map. */
void member_add(struct meta_txn *txn, struct str name, struct repo_record *repo, const struct digest *d, uint64_t now,
                struct blob_record *blob);
void member_drop(struct meta_txn *txn, struct str name, struct repo_record *repo, const struct digest *d,
                 struct blob_record *blob);
/* The first repository that holds `d`; there is one. */
bool holder_first(struct meta_txn *txn, const struct digest *d, uint32_t *id);
/* The bytes of those who hold the blob, which turns out to be of another size than its record says. */
void members_resize(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob, uint64_t size);

/* ---- bytes (meta_usage.c) ---- */

/* Add to the bytes of a repository, and of all that it is below. `name` is no slice of the map. */
void usage_change(struct meta_txn *txn, struct str name, int64_t logical, int64_t sole);
void stored_change(struct meta_txn *txn, int64_t blobs, int64_t bytes);

/* ---- schema (meta_upgrade.c) ---- */

/* From version 1 to META_SCHEMA, all but the version itself. `now`: wall-clock seconds. */
void meta_upgrade(struct meta_txn *txn, uint64_t now);
/* What it writes as the changes do. */
void idle_put(struct meta_txn *txn, uint64_t last_needed, const struct digest *d);
void loose_put(struct meta_txn *txn, uint64_t since, uint32_t id, const struct digest *d);

/* ---- manifests (meta_manifest.c) ---- */

bool manifest_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct manifest_record *out);
/* As meta_manifest_delete(), but at most *tags of its tags go, and are taken off *tags. */
int manifest_delete_some(struct meta_txn *txn, struct str repository, const struct digest *d, size_t *tags, bool *more,
                         struct err *e);
/* One that has no tag goes for good: it is no event, and nothing is kept aside. ERR_NOT_FOUND. */
int manifest_drop(struct meta_txn *txn, struct str repository, const struct digest *d, struct err *e);

/* ---- tags (meta_tag.c) ---- */

bool tag_load(struct meta_txn *txn, uint32_t id, struct str tag, struct tag_record *out);
/* Point `tag` at a manifest of the repository that is there, or is about to be within this change. */
void tag_move(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now);
/* The same, as the undoing of something. */
void tag_put_back(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now);
/* Does `tag` name another manifest than `d`? */
bool tag_is_elsewhere(struct meta_txn *txn, uint32_t id, struct str tag, const struct digest *d);
bool manifest_has_tag(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* Remove tags of the manifest `d`, which is about to be deleted: at most *limit, which they are taken off. False: it
 * has more. */
bool tag_drop_some(struct meta_txn *txn, struct repo_record *repo, const struct digest *d, size_t *limit);

/* ---- what happened (meta_history.c, meta_forget.c) ---- */

/* What the keys of a tag in tag_events begin with. */
void tag_events_key(struct key *key, uint32_t id, struct str tag);

/* The key of the event number `number` in tag_events. */
void tag_event_key(struct key *key, const struct event_record *event, uint64_t number);
/* May forget others, see history_bound(). */
void event_happened(struct meta_txn *txn, const struct event_record *event);
/* One that is there. */
bool event_load(struct meta_txn *txn, uint64_t number, struct event_record *out);
/* After an event came: those go that are too many (TAG_EVENTS_MOST, EVENTS_MOST), never this one. */
void history_bound(struct meta_txn *txn, const struct event_record *event, uint64_t number);
/* Does any event name the manifest? */
bool manifest_is_recallable(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* One event fewer does. */
void recallable_went(struct meta_txn *txn, uint32_t id, const struct digest *d);

/* ---- what can be put back (meta_removed.c) ---- */

/* `removed` as removed_encode() writes it; not a slice of the transaction. An event that names the manifest is there.
 * Where there is no room the oldest of the same repository go; when that is not enough this one is not kept. */
void removed_put(struct meta_txn *txn, uint32_t id, const struct digest *d, struct str removed);
void removed_drop(struct meta_txn *txn, uint32_t id, const struct digest *d);
bool removed_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct removed_record *out);
/* The key in `info` of the sum of a repository, or of REMOVED_OF_ALL; and what an entry of `bytes` adds to it. */
void removed_bytes_key(struct key *key, uint32_t id);
uint64_t removed_cost(size_t bytes);
/* In meta_history.c. ERR_NOT_FOUND for an unknown one. */
int history_repository(struct meta_txn *txn, struct str repository, struct repo_record *repo, struct err *e);

/* ---- pulls (meta_pulls.c) ---- */

void pull_drop(struct meta_txn *txn, uint32_t id, const struct digest *d);

/* ---- what is to be told others (meta_outbox.c) ---- */

bool outbox_entry_valid(struct str key, struct str value);

/* ---- referrers (meta_referrer.c) ---- */

void referrer_put(struct meta_txn *txn, uint32_t id, const struct manifest_put *put);
void referrer_drop(struct meta_txn *txn, uint32_t id, const struct digest *subject, const struct digest *d);

#endif
