/*
 * Some tags of one repository, copied together in three steps: their trees are collected (all hands), the blobs that are
 * missing here are fetched, each once (all hands), and what is whole is committed, children first and the tag with its
 * manifest (the operation's thread). So a tag is never here before all that it needs.
 *
 * Thread: that of the operation.
 */
#ifndef BERTH_OPS_IMPORT_BATCH_H
#define BERTH_OPS_IMPORT_BATCH_H

#include "registry/ops/import_blob.h"
#include "registry/ops/import_report.h"
#include "registry/ops/import_tree.h"

enum { BATCH_MAX = 16 }; /* so that trees take BATCH_MAX times TREE_BYTES_MAX of memory at worst */

struct import_batch {
    struct op *op;
    struct crew *crew;
    struct tree_source *source;
    const struct quotas *quotas;
    struct import_report *report;
    bool overwrite;
    bool dry_run;
    const char *progress; /* what is shown in front: "3 of 20: team/app" */
};

/* `references` are tags, or one digest, that are asked for as they are. What goes wrong with one is reported, and the others
 * go on. -1: all of it is to end, ERR_BUSY when it was cancelled. */
int batch_copy(const struct import_batch *batch, const struct str *references, size_t n, struct err *e);

#endif
