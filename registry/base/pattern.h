// Patterns of repositories' names: "team/**", "*/app", "people/${user}/**". A star stands for any part of one segment of
// a name, "**" for any number of whole segments, ${user} for the name of who asks (auth/access.h says more).
//
// Thread: a parsed pattern never changes; any number of threads may match with it.
#ifndef BERTH_BASE_PATTERN_H
#define BERTH_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum { PATTERN_MAX = 255, PATTERN_NAME_MAX = 255 }; /* bytes */

enum pattern_segment_kind {
    PATTERN_SEGMENT_LITERAL, /* text */
    PATTERN_SEGMENT_GLOB,    /* text with at least one star */
    PATTERN_SEGMENT_USER,    /* text, the user's name, tail */
    PATTERN_SEGMENT_DEEP,    /* any number of segments */
};

struct pattern_segment {
    enum pattern_segment_kind kind;
    struct str text, tail;
};

struct pattern {
    char *text; /* as written; the segments point into it */
    struct pattern_segment *segments;
    size_t n;
};

/* Both patterns and `text` are independent afterwards. ERR_INVALID with the nearest legal pattern where there is one,
 * else with the rule that is broken; `out` is empty then. */
int pattern_parse(struct str text, struct pattern *out, struct err *e);
/* Frees what the pattern holds; it is empty then. */
void pattern_clear(struct pattern *pattern);

/* One segment of a repository's name: what ${user} may stand for. */
bool pattern_component_valid(struct str text);

/* `user` is a valid component, or empty for a caller who has none. `repository` is a legal name. */
bool pattern_matches(const struct pattern *pattern, struct str user, struct str repository);
/* False when no repository can match, because of a ${user} that the caller has no name for. */
bool pattern_possible(const struct pattern *pattern, struct str user);
// What all repositories that match begin with, as far as the pattern tells, into `out`; returns its length. "team/" of
// "team/**", nothing of "**".
size_t pattern_prefix(const struct pattern *pattern, struct str user, char out[PATTERN_NAME_MAX]);
/* Does it match every repository? */
bool pattern_is_all(const struct pattern *pattern);

/* Does all of `text` match `glob`, where a star stands for any bytes, and everything else for itself? For what has no
 * segments, such as tags. The time it takes is bounded by one length times the other. */
bool pattern_glob_matches(struct str glob, struct str text);

#endif
