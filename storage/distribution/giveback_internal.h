/* What giveback.c and giveback_repository.c share. */
#ifndef BERTH_STORAGE_GIVEBACK_INTERNAL_H
#define BERTH_STORAGE_GIVEBACK_INTERNAL_H

#include "storage/distribution/giveback.h"
#include "storage/distribution/tree.h"

struct giveback {
    const struct store *store;
    const struct giveback_options *options;
    struct giveback_result *result;
    struct meta *copy; /* of the metadata */
    struct meta_reader *reader;
    struct layout there; /* what is in the directory */
    struct tree tree;
    struct carrier carrier;
    struct str repository; /* the one that is written */
    struct meta_txn *txn;
};

/* An entry is done. -1: interrupted. */
int giveback_step(struct giveback *g, struct err *e);
void giveback_odd(struct giveback *g, enum oddity_kind kind, const char *what, const char *reason);
/* All of one repository, which may have nothing: then all that is over there goes. */
int giveback_repository(struct giveback *g, struct str name, struct err *e);

#endif
