#include "registry/base/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/quote.h"

static const struct str user_word = STR("${user}"), deep_word = STR("**");

static const char grammar[] =
    "names are lower-case letters and digits with single \".\", \"_\", \"__\" or dashes between "
    "them, in segments separated by \"/\"; \"*\", \"**\" and \"${user}\" stand for parts";

static bool alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Length of what may stand between two words of a component: ".", "_", "__" or dashes; 0 when it may not. */
static size_t separator_length(struct str s)
{
    size_t n = 1;

    if (s.p[0] == '.')
        return 1;
    if (s.p[0] == '_')
        return s.n > 1 && s.p[1] == '_' ? 2 : 1;
    if (s.p[0] != '-')
        return 0;
    while (n < s.n && s.p[n] == '-')
        n++;
    return n;
}

/* distribution-spec "Pulling manifests": [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
bool pattern_component_valid(struct str text)
{
    for (;;) {
        size_t word = 0, separator;

        while (word < text.n && alphanumeric(text.p[word]))
            word++;
        if (word == 0 || word == text.n)
            return word > 0 && text.n <= PATTERN_NAME_MAX;
        text = str_from(text, word);
        separator = separator_length(text);
        if (separator == 0)
            return false;
        text = str_from(text, separator);
    }
}

/* Where `word` begins in `text`, or text.n. */
static size_t find(struct str text, struct str word)
{
    const char *hit = text.n == 0 ? NULL : memmem(text.p, text.n, word.p, word.n);

    return hit == NULL ? text.n : (size_t)(hit - text.p);
}

static struct str cut(struct str *rest, char separator)
{
    struct str head = {rest->p, str_find(*rest, separator)};

    *rest = str_from(*rest, head.n + 1);
    return head;
}

/* Can the segment match anything? When stars and the user's name are replaced by a letter it must be a component:
 * letters make the weakest demands on what stands beside them. */
static bool segment_possible(struct str text)
{
    char sample[PATTERN_MAX];
    size_t n = 0;

    while (text.n > 0) {
        bool user = str_starts(text, user_word);

        sample[n] = 'a';
        if (!user && text.p[0] != '*')
            sample[n] = text.p[0];
        n++;
        text = str_from(text, user ? user_word.n : 1);
    }
    return pattern_component_valid((struct str){sample, n});
}

/* Fills the segment; returns what is wrong with it, or NULL. */
static const char *parse_segment(struct str text, struct pattern_segment *out)
{
    size_t user = find(text, user_word);
    bool stars = str_find(text, '*') < text.n;

    *out = (struct pattern_segment){.kind = stars ? PATTERN_SEGMENT_GLOB : PATTERN_SEGMENT_LITERAL, .text = text};
    if (str_eq(text, deep_word)) {
        out->kind = PATTERN_SEGMENT_DEEP;
        return NULL;
    }
    if (find(text, deep_word) < text.n)
        return "\"**\" is a segment of its own, with nothing else between the slashes";
    if (user < text.n) {
        if (stars)
            return "\"*\" and \"${user}\" cannot stand in one segment, because user \"al\" would get what belongs to "
                   "\"alice\"";
        out->kind = PATTERN_SEGMENT_USER;
        out->text = (struct str){text.p, user};
        out->tail = str_from(text, user + user_word.n);
        if (find(out->tail, user_word) < out->tail.n)
            return "\"${user}\" can stand in a segment only once";
    }
    return segment_possible(text) ? NULL : grammar;
}

static size_t count_segments(struct str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '/';
    return n;
}

/* Fills count_segments() of them. Returns what is wrong, or NULL. */
static const char *parse(struct str text, struct pattern_segment *segments)
{
    size_t n = count_segments(text);

    if (text.n > PATTERN_MAX)
        return "it has more than 255 bytes";
    for (size_t i = 0; i < n; i++) {
        const char *wrong = parse_segment(cut(&text, '/'), &segments[i]);

        if (wrong != NULL)
            return wrong;
        if (i > 0 && segments[i].kind == PATTERN_SEGMENT_DEEP && segments[i - 1].kind == PATTERN_SEGMENT_DEEP)
            return "\"**/**\" says no more than \"**\"";
    }
    return NULL;
}

/* Two or more stars and nothing else. */
static bool only_stars(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '*')
            return false;
    return text.n > 1;
}

/* Append in lower case, with one star for many. */
static void mend_segment(struct str text, struct sbuf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != '*' || i == 0 || text.p[i - 1] != '*')
            sbuf_put(out, &c, 1);
    }
}

/* Append what was probably meant, which need not be legal: no needless slashes, no tag, and all below "team/". */
static void mend(struct str text, struct sbuf *out)
{
    bool below = text.n > 0 && text.p[text.n - 1] == '/', deep = false;

    while (text.n > 0) {
        struct str segment = cut(&text, '/');

        if (text.n == 0)
            segment.n = str_find(segment, ':');
        if (segment.n == 0 || (deep && only_stars(segment)))
            continue;
        deep = only_stars(segment);
        sbuf_str(out, out->n > 0 ? STR("/") : STR(""));
        mend_segment(segment, out);
        sbuf_str(out, deep ? STR("*") : STR(""));
    }
    if (below && !deep)
        sbuf_str(out, out->n > 0 ? STR("/**") : deep_word);
}

static int refuse(struct str text, const char *wrong, struct err *e)
{
    struct sbuf meant = {0};
    struct pattern_segment *segments;
    char quoted[QUOTE_MAX], advice[QUOTE_MAX];

    if (text.n <= PATTERN_MAX)
        mend(text, &meant);

    struct str mended = {meant.p, meant.n};

    segments = xcalloc(count_segments(mended), sizeof(*segments));
    if (mended.n > 0 && parse(mended, segments) == NULL)
        err_set(e, ERR_INVALID, "repository pattern %s: %s; write %s", quote(text, quoted),
                wrong == grammar ? "no repository can have such a name" : wrong, quote(mended, advice));
    else
        err_set(e, ERR_INVALID, "repository pattern %s: %s", quote(text, quoted), wrong);
    free(segments);
    sbuf_free(&meant);
    return -1;
}

int pattern_parse(struct str text, struct pattern *out, struct err *e)
{
    const char *wrong;

    *out = (struct pattern){0};
    if (text.n == 0)
        return err_set(e, ERR_INVALID, "a repository pattern is empty; write \"**\" for every repository");
    out->text = str_dup(text);
    out->n = count_segments(text);
    out->segments = xcalloc(out->n, sizeof(*out->segments));
    wrong = parse((struct str){out->text, text.n}, out->segments);
    if (wrong == NULL)
        return 0;
    pattern_clear(out);
    return refuse(text, wrong, e);
}

void pattern_clear(struct pattern *pattern)
{
    free(pattern->segments);
    free(pattern->text);
    *pattern = (struct pattern){0};
}

/* A star that turns out to have taken too little takes one byte more. Only the last star is ever asked again: what an
 * earlier one could take more, the last one can as well. */
bool pattern_glob_matches(struct str glob, struct str text)
{
    size_t g = 0, p = 0, after_star = 0, taken = 0;

    while (p < text.n) {
        if (g < glob.n && glob.p[g] == '*') {
            after_star = ++g;
            taken = p;
        } else if (g < glob.n && glob.p[g] == text.p[p]) {
            g++;
            p++;
        } else if (after_star > 0) {
            g = after_star;
            p = ++taken;
        } else {
            return false;
        }
    }
    while (g < glob.n && glob.p[g] == '*')
        g++;
    return g == glob.n;
}

static bool user_matches(const struct pattern_segment *segment, struct str user, struct str part)
{
    return user.n > 0 && part.n == segment->text.n + user.n + segment->tail.n && str_starts(part, segment->text) &&
           str_starts(str_from(part, segment->text.n), user) &&
           str_eq(str_from(part, segment->text.n + user.n), segment->tail);
}

static bool segment_matches(const struct pattern_segment *segment, struct str user, struct str part)
{
    switch (segment->kind) {
    case PATTERN_SEGMENT_LITERAL:
        return str_eq(segment->text, part);
    case PATTERN_SEGMENT_GLOB:
        return pattern_glob_matches(segment->text, part);
    case PATTERN_SEGMENT_USER:
        return user_matches(segment, user, part);
    case PATTERN_SEGMENT_DEEP:
        break;
    }
    return false;
}

/* As pattern_glob_matches(), with segments for bytes and "**" for the star. A pair of a segment of the pattern and one
 * of the name is compared at most once, so all comparisons together cost at most one length times the other. */
bool pattern_matches(const struct pattern *pattern, struct str user, struct str repository)
{
    struct str rest = repository, taken = {0};
    size_t i = 0, after_deep = 0;

    while (rest.n > 0) {
        if (i < pattern->n && pattern->segments[i].kind == PATTERN_SEGMENT_DEEP) {
            if (++i == pattern->n)
                return true;
            after_deep = i;
            taken = rest;
        } else if (i < pattern->n && segment_matches(&pattern->segments[i], user, cut(&rest, '/'))) {
            i++;
        } else if (after_deep > 0) {
            i = after_deep;
            cut(&taken, '/');
            rest = taken;
        } else {
            return false;
        }
    }
    return i == pattern->n;
}

bool pattern_possible(const struct pattern *pattern, struct str user)
{
    for (size_t i = 0; i < pattern->n; i++)
        if (pattern->segments[i].kind == PATTERN_SEGMENT_USER && user.n == 0)
            return false;
    return true;
}

/* What does not fit is left out: nothing that long matches. */
static size_t append(char out[PATTERN_NAME_MAX], size_t n, struct str text)
{
    size_t fits = text.n < PATTERN_NAME_MAX - n ? text.n : PATTERN_NAME_MAX - n;

    if (fits > 0)
        memcpy(out + n, text.p, fits);
    return n + fits;
}

size_t pattern_prefix(const struct pattern *pattern, struct str user, char out[PATTERN_NAME_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < pattern->n; i++) {
        const struct pattern_segment *segment = &pattern->segments[i];

        if (i > 0)
            n = append(out, n, STR("/"));
        if (segment->kind == PATTERN_SEGMENT_DEEP)
            break;
        n = append(out, n, (struct str){segment->text.p, str_find(segment->text, '*')});
        if (segment->kind == PATTERN_SEGMENT_GLOB)
            break;
        if (segment->kind == PATTERN_SEGMENT_USER) {
            n = append(out, n, user);
            n = append(out, n, segment->tail);
        }
    }
    return n;
}

bool pattern_is_all(const struct pattern *pattern)
{
    return pattern->n == 1 && pattern->segments[0].kind == PATTERN_SEGMENT_DEEP;
}
