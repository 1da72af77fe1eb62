/*
 * Counting what names what, for tables that hold such counts.
 *
 * Thread: that of the check.
 */
#ifndef BERTH_STORAGE_META_TALLY_H
#define BERTH_STORAGE_META_TALLY_H

#include "storage/meta/meta_check_internal.h"

struct tally;

struct tally_source {
    enum kv_table table;                                                 /* whose entries name digests */
    void (*read)(struct tally *tally, struct str key, struct str value); /* calls tally_name() */
    enum kv_table counts;                                                /* id, digest: u64, never 0 */
    unsigned invariant;
    const char *differs;
    const char *none;
};

/* The entry that is read names `d` of the repository `id`, once. */
void tally_name(struct tally *tally, uint32_t id, const struct digest *d);

/* Compare the counts with the entries whose keys begin with `prefix`, as those of the counts do. Between snapshots; what
 * differs is judged within one. */
int tally_run(struct meta_check *check, const struct tally_source *source, struct str prefix, struct err *e);

#endif
