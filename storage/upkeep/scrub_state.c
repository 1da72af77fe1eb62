#include "storage/upkeep/scrub_state.h"

#include <limits.h>
#include <stdio.h>

#include "registry/base/file.h"
#include "registry/base/log.h"
#include "registry/base/str.h"

enum { STATE_BYTES_MAX = 4096 };

static const struct str first_line = STR("berth scrub 1");

static int path_of(const char *root, char out[PATH_MAX], struct err *e)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/scrub", root) >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the data directory is too long");
    return 0;
}

/* ---- reading: lines "key value" ---- */

static bool take_line(struct str *in, struct str *line)
{
    size_t n = str_find(*in, '\n');

    if (n == in->n)
        return false;
    *line = (struct str){in->p, n};
    *in = str_from(*in, n + 1);
    return true;
}

static bool take_field(struct scrub_state *state, struct str key, struct str value)
{
    if (str_eq(key, STR("began"))) {
        state->under_way = true;
        return str_to_u64(value, &state->began);
    }
    if (str_eq(key, STR("place"))) {
        state->has_place = true;
        return digest_parse(value, &state->place, NULL) == 0;
    }
    if (str_eq(key, STR("found")))
        return str_to_u64(value, &state->found);
    if (str_eq(key, STR("finished")))
        return str_to_u64(value, &state->finished);
    return str_eq(key, STR("found-last")) && str_to_u64(value, &state->found_last);
}

static bool parse(struct str in, struct scrub_state *state)
{
    struct str line;

    if (!take_line(&in, &line) || !str_eq(line, first_line))
        return false;
    while (take_line(&in, &line)) {
        size_t blank = str_find(line, ' ');

        if (!take_field(state, (struct str){line.p, blank}, str_from(line, blank + 1)))
            return false;
    }
    return in.n == 0 && (state->under_way || !state->has_place);
}

void scrub_state_load(const char *root, struct scrub_state *out)
{
    struct sbuf text = {0};
    char path[PATH_MAX];
    struct err e;

    *out = (struct scrub_state){0};
    if (path_of(root, path, &e) != 0 || file_read_regular(path, STATE_BYTES_MAX, &text, &e) != 0) {
        if (e.code != ERR_NOT_FOUND)
            log_warn("scrub: %s; it begins anew", e.text);
    } else if (!parse((struct str){text.p, text.n}, out)) {
        *out = (struct scrub_state){0};
        log_warn("scrub: %s is damaged; it begins anew", path);
    }
    sbuf_free(&text);
}

/* ---- writing ---- */

int scrub_state_save(const char *root, const struct scrub_state *state, struct err *e)
{
    char path[PATH_MAX], place[DIGEST_TEXT_MAX];
    struct sbuf text = {0};
    int rc;

    if (path_of(root, path, e) != 0)
        return -1;
    sbuf_printf(&text, "%.*s\nfinished %llu\nfound-last %llu\n", (int)first_line.n, first_line.p,
                (unsigned long long)state->finished, (unsigned long long)state->found_last);
    if (state->under_way)
        sbuf_printf(&text, "began %llu\nfound %llu\n", (unsigned long long)state->began,
                    (unsigned long long)state->found);
    if (state->under_way && state->has_place) {
        digest_format(&state->place, place);
        sbuf_printf(&text, "place %s\n", place);
    }
    rc = file_replace(path, text.p, text.n, 0600, e);
    sbuf_free(&text);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
