// Repository patterns: "team/**", "*/app", "people/${user}/**". What they mean is said in auth/access.h.
//
// Thread: a parsed pattern never changes; any number of threads may match with it.
#ifndef BERTH_AUTH_ACCESS_PATTERN_H
#define BERTH_AUTH_ACCESS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* base */
#include "registry/base/err.h"
#include "registry/base/str.h"

enum { ACCESS_PATTERN_MAX = 255, ACCESS_REPOSITORY_MAX = 255 }; /* bytes */

enum access_segment_kind {
    ACCESS_SEGMENT_LITERAL, /* text */
    ACCESS_SEGMENT_GLOB,    /* text with at least one star */
    ACCESS_SEGMENT_USER,    /* text, the user's name, tail */
    ACCESS_SEGMENT_DEEP,    /* any number of segments */
};

struct access_segment {
    enum access_segment_kind kind;
    struct str text, tail;
};

struct access_pattern {
    char *text; /* as written; the segments point into it */
    struct access_segment *segments;
    size_t n;
};

/* Both patterns and `text` are independent afterwards. ERR_INVALID with the nearest legal pattern where there is one,
 * else with the rule that is broken; `out` is empty then. */
int access_pattern_parse(struct str text, struct access_pattern *out, struct err *e);
/* Frees what the pattern holds; it is empty then. */
void access_pattern_clear(struct access_pattern *pattern);

/* One segment of a repository's name: what ${user} may stand for. */
bool access_component_valid(struct str text);

/* `user` is a valid component, or empty for a caller who has none. `repository` is a legal name. */
bool access_pattern_matches(const struct access_pattern *pattern, struct str user, struct str repository);
/* False when no repository can match, because of a ${user} that the caller has no name for. */
bool access_pattern_possible(const struct access_pattern *pattern, struct str user);
/* Does it match every repository? */
bool access_pattern_is_all(const struct access_pattern *pattern);

#endif
