/*
 * Rules of retention: which tags of a repository are to go. Only judges; retention_run.h does it.
 *
 * The first rule whose patterns match a repository is the only one for it. A tag goes when all conditions of the rule
 * hold and nothing keeps it. A rule without conditions leaves nothing but what it keeps.
 *
 * Nobody knows what was pulled before pulls were noted (meta_pulls.h), nor whether somebody just needs what was pushed
 * a moment ago: the condition about pulls counts from the last of all these times.
 *
 * Thread: rules do not change once they are made; any number of threads may judge by them.
 */
#ifndef BERTH_STORAGE_RETENTION_H
#define BERTH_STORAGE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/base/pattern.h"
#include "registry/base/str.h"
#include "storage/digest.h"

struct retention_rule {
    struct pattern *repositories;
    size_t repository_count;

    /* what is kept */
    uint64_t
        keep_last; /* so many tags, those moved last, and beside them what is dated in the future; 0: none for that */
    char **keep_matching; /* globs of tags (pattern_glob_matches()) */
    size_t keep_matching_count;

    /* conditions in seconds; 0: none */
    uint64_t older_than_s;     /* since it was moved */
    uint64_t not_pulled_for_s; /* since it was last pulled, as far as is known */

    char *origin; /* where it is written */
};

struct retention {
    struct retention_rule *rules;
    size_t n;
};

enum retention_verdict {
    RETENTION_GOES,
    RETENTION_NEWEST,   /* kept: one of the last */
    RETENTION_MATCHING, /* kept: by its name */
    RETENTION_YOUNG,    /* kept: moved lately */
    RETENTION_PULLED,   /* kept: pulled lately, or nobody can know that it was not */
};

/* Wall-clock seconds. */
struct retention_tag {
    struct str tag;
    uint64_t moved;
    uint64_t pushed;
    uint64_t pulled; /* 0: not that anybody knows */
    struct digest digest;

    /* what retention_judge() says */
    enum retention_verdict verdict;
    const char *matching; /* the glob that keeps it */
};

void retention_free(struct retention **retention);

/* NULL: none, and all tags of the repository stay. */
const struct retention_rule *retention_rule_of(const struct retention *retention, struct str repository);
/* What is wrong with the rule, as a text for whoever wrote it; NULL: nothing. */
const char *retention_rule_flaw(const struct retention_rule *rule);

/* The tags of a repository that were moved last, found while all of them pass by, one after the other in any order.
 * Memory: for as many as are kept, not as there are. */
struct retention_newest {
    uint64_t most;               /* so many are kept */
    uint64_t now;                /* what is dated later is kept, and takes the place of none */
    struct retention_kept *heap; /* the oldest of them first */
    size_t n, capacity;
};
void retention_newest_begin(struct retention_newest *newest, const struct retention_rule *rule, uint64_t now);
void retention_newest_add(struct retention_newest *newest, struct str tag, uint64_t moved);
/* Is it one of them? What came after the others were told of is newer than all. */
bool retention_newest_has(const struct retention_newest *newest, struct str tag, uint64_t moved);
void retention_newest_free(struct retention_newest *newest);

/* Judge a tag of a repository. `newest` was told of all of them; `since`: when pulls began to be noted. */
void retention_judge(const struct retention_rule *rule, const struct retention_newest *newest,
                     struct retention_tag *tag, uint64_t since);
/* Do the rule's conditions hold for the tag? Fills in the verdict: that it goes, or which does not hold. */
bool retention_holds(const struct retention_rule *rule, struct retention_tag *tag, uint64_t now, uint64_t since);

#endif
