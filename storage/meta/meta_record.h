/*
 * What the tables of the metadata hold, byte by byte. Numbers are big-endian; `digest` is the form of digest_to_key():
 * one byte algorithm, then 32 or 64 raw bytes, so that it tells its own length; `id` is a repository's number (u32,
 * from 1, never used twice).
 *
 *   table          key                        value
 *   info           "schema"                   u32 version of all this
 *                  "next-repository"          u32 id for the next new name
 *                  "next-event"               u64 number of the next event
 *                  "stored"                   u64 blobs, u64 bytes of the entries of `blobs`
 *                  "pulls-since"              u64 when pulls began to be noted
 *                  "removed", id              u64 bytes of the repository's entries of `removed` and REMOVED_ENTRY_COST
 *                                             for each; id 0: of all; no entry for 0
 *   repos          name                       u32 id, u64 manifests, u64 tags, u64 blobs held
 *   names          id                         name
 *   catalog        name                       u32 id; only of repositories with at least one manifest
 *   blobs          digest                     u64 size, u64 references, u64 holders, u64 last needed (seconds since 1970)
 *   members        id, digest                 u64 last needed here, while no manifest of the repository names it: this
 *                                             repository holds this blob
 *   holders        digest, id                 empty: the same, by blob
 *   manifests      id, digest                 u64 pushed, u8 n, media type (n bytes), u8 n, artifact type (n bytes; 0:
 *                                             none), u8 n, digest of the subject (n bytes; 0: none), the manifest
 *   tags           id, tag                    u64 moved here, digest
 *   manifest_tags  id, digest, tag            empty: the same, by manifest
 *   refs           id, digest                 u64 manifests of this repository that name this digest as blob or child
 *   referrers      id, subject, digest        u64 size, u8 n, media type (n bytes), u8 n, artifact type (n bytes; 0:
 *                                             none), annotations (a JSON object, or nothing)
 *   idle           u64 last needed, digest    empty: a blob without references, in the order in which leases end
 *   loose          u64 last needed, id,       empty: a membership that no manifest of the repository needs, in the order
 *                  digest                     in which their leases end
 *   usage          "/" path                   u64 logical bytes, u64 sole bytes, of the repositories at and below the
 *                                             path; a path is "", or a whole name, or one cut before a "/"
 *   events         u64 number                 u64 when, u8 kind, u32 id, digest, tag (the rest): what happened to tags
 *                                             and manifests, the oldest first
 *   tag_events     id, tag, 0, ~number        empty: the same by tag, the newest first
 *   recallable     id, digest                 u64 events that name this manifest: as long as there are any it is kept
 *   removed        id, digest                 u64 removed, then the record from `manifests`: for putting it back
 *   pulls          id, digest                 u64 last pulled, to the hour or so
 *   outbox         0                          u64 the queue's own number, drawn when it began
 *                  1, reader's name           u64 number of the first record that this reader has not had
 *                  2, u64 number              something to be told others, in their words; the oldest first
 *
 * What always holds between them, at the end of every change (tests/unit/meta/test_meta_model.c):
 *   1. names[id] = name exactly if repos[name].id = id. Neither is ever removed: a name that was pushed to stays known.
 *   2. members[r, d] exactly if holders[d, r]; blobs[d].holders is their number, and blobs[d] is there if there is one.
 *   3. refs[r, d] is the number of manifests of r whose bytes name d, each counted once however often it does; no entry
 *      for 0. It does not matter whether r holds d, so a blob may come after the manifest that names it.
 *   4. blobs[d].references is the sum of refs[r, d] over the repositories r that hold d. It changes when refs does, and
 *      when a repository begins or ceases to hold d. A reference from a repository that does not hold the blob counts
 *      for nothing: it does not make the blob reachable.
 *   5. When blobs[d].references falls to 0 its lease begins anew. So a blob without references and with an expired
 *      lease is one that a sweeper may remove: its record, and the members and holders entries that are left.
 *   6. tags[r, t] = d exactly if manifest_tags[r, d, t], and manifests[r, d] is there then.
 *   7. referrers[r, s, d] exactly if manifests[r, d] has the subject s.
 *   8. The counters in repos are the numbers of entries with that id; catalog has the name exactly if manifests > 0.
 *   9. idle[blobs[d].last_needed, d] exactly if blobs[d].references = 0. "stored" is the number and the sum of blobs.
 *  10. A repository's logical bytes are those of the blobs it holds and of its manifests; its sole bytes the same without
 *      the blobs that others hold, too. usage[p] is the sum over the repositories at and below p, no entry for zeros.
 *  11. tag_events has every event that has a tag, recallable counts the events by manifest, and removed holds only what
 *      is recallable and not in manifests. pulls has only what is in manifests. info["removed", r] is the sum it is
 *      said to be, at most REMOVED_BYTES_MOST, and that of all at most REMOVED_ALL_MOST. A tag has at most
 *      TAG_EVENTS_MOST events, and the first event's number is less than EVENTS_MOST below the last one's: with one
 *      more, the oldest go. (Changes made before these limits leave more; it goes with age.)
 *  12. loose[members[r, d], r, d] exactly if members[r, d] and not refs[r, d]. Its lease begins anew when refs[r, d] goes.
 *      When it is over a sweeper may end the membership, whoever else needs the blob. While blobs[d].references is 0
 *      blobs[d].last_needed is no earlier than any members[r, d]: a lease here is one there.
 *
 *  13. outbox stands for itself (meta_outbox.h): no other table speaks of it. So a schema does not tell whether there is
 *      one; a release that does not know it leaves it as it is.
 *
 * Schema 1 had neither idle, usage, loose nor "stored", and nothing in members; meta_upgrade.c fills them.
 *
 * Decoders return false for anything that is not exactly such a value: stored bytes are no more trusted than others.
 *
 * Thread: no shared state.
 */
#ifndef BERTH_STORAGE_META_RECORD_H
#define BERTH_STORAGE_META_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/str.h"
#include "storage/digest.h"
#include "storage/meta/kv.h"

enum {
    META_SCHEMA = 2,
    RECORD_TYPE_MAX = 255, /* bytes of a media type or artifact type */
    REPO_RECORD_SIZE = 4 + 3 * 8,
    BLOB_RECORD_SIZE = 4 * 8,
    TAG_RECORD_MAX = 8 + DIGEST_KEY_MAX,
    PAIR_RECORD_SIZE = 2 * 8,
    EVENT_RECORD_MAX = 8 + 1 + 4 + DIGEST_KEY_MAX + 128,
};

/* What the history may take, whoever pushes and deletes (no quota counts it). */
enum {
    TAG_EVENTS_MOST = 1000,
    EVENTS_MOST = 2 * 1000 * 1000, /* half a gigabyte, about */
    REMOVED_OF_ALL = 0,            /* in place of a repository's number */
    REMOVED_ENTRY_COST = 1024,     /* bytes that an entry costs besides its own, so that small ones are not too many */
    REMOVED_BYTES_MOST = 32 * 1024 * 1024, /* of one repository: any manifest has room */
    REMOVED_ALL_MOST = 256 * 1024 * 1024,
};

/* ---- keys: built on the stack, piece by piece ---- */

struct key {
    size_t n;
    char bytes[KV_KEY_MAX];
};

/* All pieces that exist fit: 4 + 2 * DIGEST_KEY_MAX, and 4 + DIGEST_KEY_MAX + 128. A longer one is cut at KV_KEY_MAX.
 */
void key_u32(struct key *key, uint32_t value);
void key_u64(struct key *key, uint64_t value);
void key_digest(struct key *key, const struct digest *d);
void key_bytes(struct key *key, struct str bytes);
struct str key_str(const struct key *key);
/* id, digest */
void key_id_digest(struct key *key, uint32_t id, const struct digest *d);

/* The u32 and u64 values on their own. */
void u32_encode(uint32_t value, char out[4]);
bool u32_decode(struct str in, uint32_t *out);
void u64_encode(uint64_t value, char out[8]);
bool u64_decode(struct str in, uint64_t *out);

/* ---- values ---- */

struct repo_record {
    uint32_t id;
    uint64_t manifests;
    uint64_t tags;
    uint64_t blobs;
};

struct blob_record {
    uint64_t size;
    uint64_t references;
    uint64_t holders;
    uint64_t last_needed;
};

/* "stored" */
struct stored_record {
    uint64_t blobs;
    uint64_t bytes;
};

struct usage_record {
    uint64_t logical; /* bytes */
    uint64_t sole;
};

struct tag_record {
    uint64_t moved;
    struct digest digest;
};

struct manifest_record {
    uint64_t pushed;
    struct str
        media_type; /* this and what follows: borrowed from the decoded bytes; at most RECORD_TYPE_MAX to encode */
    struct str artifact_type;
    bool has_subject;
    struct digest subject;
    struct str bytes;
};

/* What happened. Those of a tag come in two kinds, so that what was before and after each can be told from one digest and
 * from the events around it (meta_history.h). */
enum event_kind {
    /* the tag was not there: the digest says where it points to now */
    EVENT_CREATED = 1,
    EVENT_RESTORED = 2, /* put back */
    /* the tag was there: the digest says where it pointed to */
    EVENT_MOVED = 3,
    EVENT_MOVED_BACK = 4, /* put back */
    EVENT_DELETED = 5,
    EVENT_EXPIRED = 6, /* deleted by a rule of retention */
    EVENT_TAKEN = 7,   /* deleted with its manifest */
    /* no tag: of the manifest itself */
    EVENT_MANIFEST_DELETED = 8,
    EVENT_MANIFEST_RESTORED = 9,
};

struct event_record {
    uint64_t when;
    enum event_kind kind;
    uint32_t id;
    struct digest digest;
    struct str tag; /* borrowed from the decoded bytes; empty: none */
};

/* A deleted manifest that can be put back. */
struct removed_record {
    uint64_t when;
    struct manifest_record manifest;
};

struct referrer_record {
    uint64_t size;
    struct str media_type; /* as above */
    struct str artifact_type;
    struct str annotations;
};

void repo_encode(const struct repo_record *r, char out[REPO_RECORD_SIZE]);
bool repo_decode(struct str in, struct repo_record *out);
void blob_encode(const struct blob_record *r, char out[BLOB_RECORD_SIZE]);
bool blob_decode(struct str in, struct blob_record *out);
void stored_encode(const struct stored_record *r, char out[PAIR_RECORD_SIZE]);
bool stored_decode(struct str in, struct stored_record *out);
void usage_encode(const struct usage_record *r, char out[PAIR_RECORD_SIZE]);
bool usage_decode(struct str in, struct usage_record *out);
/* Returns the length. */
size_t tag_encode(const struct tag_record *r, char out[TAG_RECORD_MAX]);
bool tag_decode(struct str in, struct tag_record *out);
/* These append to `out`. */
void manifest_encode(const struct manifest_record *r, struct sbuf *out);
bool manifest_decode(struct str in, struct manifest_record *out);
/* Returns the length. The tag is one (reference.h). */
size_t event_encode(const struct event_record *r, char out[EVENT_RECORD_MAX]);
/* False also where kind and tag do not fit. */
bool event_decode(struct str in, struct event_record *out);
/* Appends to `out`. */
void removed_encode(uint64_t when, const struct manifest_record *manifest, struct sbuf *out);
bool removed_decode(struct str in, struct removed_record *out);
void referrer_encode(const struct referrer_record *r, struct sbuf *out);
bool referrer_decode(struct str in, struct referrer_record *out);

#endif
