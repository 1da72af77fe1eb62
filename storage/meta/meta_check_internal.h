/*
 * What the files meta_check*.c share: the rules, each of which looks at one entry of a table and says what should stand
 * in this and other tables.
 *
 * Thread: that of the check; with `repair` the metadata writer's, while the check waits.
 */
#ifndef BERTH_STORAGE_META_CHECK_INTERNAL_H
#define BERTH_STORAGE_META_CHECK_INTERNAL_H

#include "storage/meta/meta_check.h"
#include "storage/meta/meta_internal.h"

/* A finding that is kept until its step has ended, and the repair that belongs to it. */
struct flaw {
    unsigned invariant;
    enum kv_table table;
    const char *why;
    bool has;
    bool wanted;
    struct key key;
    struct sbuf had;
    struct sbuf value;
    struct sbuf repository;
};

struct meta_check {
    struct meta_change change; /* first */
    struct meta *meta;
    struct meta_check_options options;
    struct meta_reader *reader;

    /* where the pass is */
    unsigned stage;
    struct key place; /* all entries of the stage's table up to it were looked at; empty: none yet */

    /* of a step */
    struct meta_txn *txn;
    void (*judge)(struct meta_check *check);
    void *judged;  /* for `judge` */
    uint64_t cost; /* entries looked at, about */
    struct key reached;
    bool stage_over;
    uint64_t found; /* findings told and not yet counted */
    struct flaw *flaws;
    size_t flaw_count;
    size_t flaw_room;
};

/* A rule is called with each entry of its table. */
typedef void meta_rule(struct meta_check *check, struct str key, struct str value);

/* Run `look` within one snapshot. check_judge() does so, too, but when the check repairs it is within a change that then
 * puts right what `judge` said. */
int check_look(struct meta_check *check, void (*look)(struct meta_check *check), struct err *e);
int check_judge(struct meta_check *check, void (*judge)(struct meta_check *check), struct err *e);
/* Tell what the last judgement found, and forget it. */
void check_tell(struct meta_check *check);
/* The entry should be there with this value. */
void check_want(struct meta_check *check, unsigned invariant, enum kv_table table, struct str key, struct str value,
                const char *why);
/* The entry should not be there. */
void check_absent(struct meta_check *check, unsigned invariant, enum kv_table table, struct str key, const char *why);

/* ---- keys ---- */

/* Exactly one digest. */
bool split_digest(struct str in, struct digest *d);
/* A repository's number, then something. */
bool split_id(struct str in, uint32_t *id, struct str *rest);
/* A digest at the front, then `rest`. */
bool split_front(struct str in, struct digest *d, struct str *rest);
bool split_id_digest(struct str in, uint32_t *id, struct digest *d);

/* ---- who is who (meta_check_names.c) ---- */

/* The repository `id` has content: it should have a name. Gives it one when it has none. */
void check_named(struct meta_check *check, uint32_t id);

meta_rule rule_repos, rule_names, rule_catalog, rule_info;
/* ---- meta_check_blobs.c ---- */
meta_rule rule_blobs, rule_members, rule_holders;
/* The record of a blob without one, from its file; false: there is no file. */
bool check_blob_from_file(struct meta_check *check, const struct digest *d, struct blob_record *out);
/* ---- meta_check_manifests.c ---- */
meta_rule rule_manifests, rule_tags, rule_manifest_tags, rule_refs, rule_referrers;

/* ---- meta_check_history.c ---- */
meta_rule rule_events, rule_tag_events, rule_recallable, rule_removed, rule_pulls, rule_outbox;
/* The sum at `key` of `info`, if it is one of `removed`. */
void check_removed_sum(struct meta_check *check, struct str key);
/* ---- meta_check_bytes.c ---- */

meta_rule rule_idle, rule_loose, rule_usage;
void check_stored(struct meta_check *check);
/* What follows from a blob's record, from a membership, and from what is in a repository. */
void check_idle(struct meta_check *check, const struct digest *d, const struct blob_record *blob);
void check_loose(struct meta_check *check, uint32_t id, const struct digest *d, uint64_t since);
void check_usage(struct meta_check *check, struct str path);

/* Compare refs of a repository with its manifests (meta_tally.h). */
int check_references(struct meta_check *check, uint32_t id, struct err *e);
/* Does the manifest have the digest `d`, and can it be understood? Then it is in `parsed`, to be freed. */
bool manifest_is_sound(const struct digest *d, const struct manifest_record *record, struct manifest *parsed);

#endif
