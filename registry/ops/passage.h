/*
 * What `berth import` and `berth export` say and ask alike: which repositories, how far it is, what was odd.
 *
 * Thread: that of the operation.
 */
#ifndef BERTH_OPS_PASSAGE_H
#define BERTH_OPS_PASSAGE_H

#include <limits.h>

/* storage */
#include "storage/distribution/layout.h"

/* base */
#include "registry/base/pattern.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/ops/op.h"

struct passage {
    struct op *op;
    bool json;
    bool dry_run;
    struct pattern *patterns; /* none: all repositories */
    size_t pattern_count;
    uint64_t told; /* oddities */
    uint64_t began_ms, said_ms;
};

/* Reads --repository, --json and --dry-run. ERR_INVALID for a pattern that is none. */
int passage_begin(struct passage *passage, struct op *op, struct err *e);
void passage_end(struct passage *passage);
bool passage_wants(const struct passage *passage, struct str repository);

/* The directory on the command line, absolute. */
int passage_directory(const struct op *op, char out[PATH_MAX], struct err *e);

/* On a terminal a bar with rate and time left; elsewhere a line every half minute. `bytes` were read or copied. Cheap. */
void passage_progress(struct passage *passage, uint64_t done, uint64_t all, uint64_t bytes);

/* One line: of JSON for programs, all of them; for people the first fifty. */
void passage_odd(struct passage *passage, const struct oddity *oddity);
/* How many more there were, and of what kinds. */
void passage_sum_odd(struct passage *passage, const uint64_t odd[ODD_KINDS]);

#endif
