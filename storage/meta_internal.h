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

#include "storage/kv.h"
#include "storage/meta.h"
#include "storage/meta_record.h"

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
/* Count a manifest that came or went; the first one lists the repository in the catalog, the last one takes it out. */
void repo_manifest_came(struct meta_txn *txn, struct str name, struct repo_record *repo);
void repo_manifest_went(struct meta_txn *txn, struct str name, struct repo_record *repo);
/* Lower a counter that cannot be 0 unless `table` is damaged. */
void count_down(struct meta_txn *txn, enum kv_table table, uint64_t *counter);

/* ---- blobs and the references to them (meta_blob.c) ---- */

/* False, and a record of zeros, when there is none. */
bool blob_load(struct meta_txn *txn, const struct digest *d, struct blob_record *out);
void blob_save(struct meta_txn *txn, const struct digest *d, const struct blob_record *blob);
/* Take the entries of a holder out of both tables; its counters are the caller's. */
void holder_drop(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* The blob's record if repository `id` holds it. */
bool blob_load_held(struct meta_txn *txn, uint32_t id, const struct digest *d, struct blob_record *out);
/* How many manifests of the repository name the blob, whether it holds it or not. */
uint64_t references_from(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* A manifest of repository `id` names `d`, or one that did is gone. */
void reference_came(struct meta_txn *txn, uint32_t id, const struct digest *d);
void reference_went(struct meta_txn *txn, uint32_t id, const struct digest *d);

/* ---- manifests (meta_manifest.c) ---- */

bool manifest_load(struct meta_txn *txn, uint32_t id, const struct digest *d, struct manifest_record *out);

/* ---- tags (meta_tag.c) ---- */

/* Point `tag` at a manifest of the repository that is there, or is about to be within this change. */
void tag_move(struct meta_txn *txn, struct repo_record *repo, struct str tag, const struct digest *d, uint64_t now);
/* Does `tag` name another manifest than `d`? */
bool tag_is_elsewhere(struct meta_txn *txn, uint32_t id, struct str tag, const struct digest *d);
bool manifest_has_tag(struct meta_txn *txn, uint32_t id, const struct digest *d);
/* Remove all tags of the manifest `d`. */
void tag_drop_all(struct meta_txn *txn, struct repo_record *repo, const struct digest *d);

/* ---- referrers (meta_referrer.c) ---- */

void referrer_put(struct meta_txn *txn, uint32_t id, const struct manifest_put *put);
void referrer_drop(struct meta_txn *txn, uint32_t id, const struct digest *subject, const struct digest *d);

#endif
