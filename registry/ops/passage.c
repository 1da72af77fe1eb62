#include "registry/ops/passage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/quote.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/output.h"

enum { ODD_TOLD = 50, BAR = 20, SAY_MS = 30 * 1000, SETTLED_MS = 2000 };

/* ---- what is asked for ---- */

int passage_begin(struct passage *p, struct op *op, struct err *e)
{
    const struct invocation *call = op->call;
    const char *text;
    size_t n = 0;

    *p = (struct passage){.op = op,
                          .json = call->given[OPTION_JSON],
                          .dry_run = call->given[OPTION_DRY_RUN],
                          .began_ms = clock_monotonic_ms()};
    p->said_ms = p->began_ms;
    while (option_value(call, OPTION_REPOSITORY, n) != NULL)
        n++;
    p->patterns = xcalloc(n + 1, sizeof(*p->patterns));
    for (; p->pattern_count < n; p->pattern_count++) {
        text = option_value(call, OPTION_REPOSITORY, p->pattern_count);
        if (pattern_parse(str_of(text), &p->patterns[p->pattern_count], e) != 0) {
            err_wrap(e, "--repository %s", text);
            passage_end(p);
            return -1;
        }
    }
    return 0;
}

void passage_end(struct passage *p)
{
    for (size_t i = 0; i < p->pattern_count; i++)
        pattern_clear(&p->patterns[i]);
    free(p->patterns);
    p->patterns = NULL;
    p->pattern_count = 0;
}

bool passage_wants(const struct passage *p, struct str repository)
{
    for (size_t i = 0; i < p->pattern_count; i++)
        if (pattern_matches(&p->patterns[i], STR(""), repository))
            return true;
    return p->pattern_count == 0;
}

int passage_directory(const struct op *op, char out[PATH_MAX], struct err *e)
{
    const char *named = op->call->arguments[0];
    int n = named[0] == '/' ? snprintf(out, PATH_MAX, "%s", named)
                            : snprintf(out, PATH_MAX, "%s/%s", op->directory, named);

    return n < PATH_MAX ? 0 : err_set(e, ERR_INVALID, "%s: name too long", named);
}

/* ---- how far it is ---- */

/* "2 h 10 min", "3 min", "20 s" */
static void put_time(struct sbuf *out, uint64_t seconds)
{
    if (seconds >= 3600)
        sbuf_printf(out, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 100)
        sbuf_printf(out, "%" PRIu64 " min", (seconds + 30) / 60);
    else
        sbuf_printf(out, "%" PRIu64 " s", seconds);
}

static void put_state(struct sbuf *out, const struct passage *p, uint64_t done, uint64_t all, uint64_t bytes)
{
    uint64_t took_ms = clock_monotonic_ms() - p->began_ms;
    double share = (double)done / (double)all;
    char size[SIZE_TEXT_ROOM];

    sbuf_printf(out, "%3.0f %%  %" PRIu64 " of %" PRIu64 ", %.0f/s", share * 100, done, all,
                (double)done * 1000 / (double)(took_ms + 1));
    if (bytes > 0)
        sbuf_printf(out, ", %s/s", size_text(bytes * 1000 / (took_ms + 1), size));
    if (done == 0 || took_ms < SETTLED_MS)
        return;
    sbuf_str(out, STR(", "));
    put_time(out, (uint64_t)((double)took_ms / 1000 * (1 - share) / share));
    sbuf_str(out, STR(" left"));
}

static void put_bar(struct sbuf *out, uint64_t done, uint64_t all)
{
    int full = (int)((double)done / (double)all * BAR);

    for (int i = 0; i < BAR; i++)
        sbuf_str(out, i < full ? STR("#") : STR("."));
    sbuf_str(out, STR(" "));
}

void passage_progress(struct passage *p, uint64_t done, uint64_t all, uint64_t bytes)
{
    enum { SHOW_MS = 100 };
    uint64_t now_ms = clock_monotonic_ms();
    bool terminal = p->op->output->terminal;
    struct sbuf line = {0};

    if (now_ms - p->said_ms < (terminal ? SHOW_MS : SAY_MS))
        return;
    p->said_ms = now_ms;
    if (done == 0) {
        sbuf_printf(&line, "looking: %" PRIu64 " layers, manifests and tags", all);
    } else {
        if (terminal)
            put_bar(&line, done < all ? done : all, all);
        put_state(&line, p, done < all ? done : all, all, bytes);
    }
    if (terminal)
        op_progress(p->op, "%s", sbuf_text(&line));
    else
        op_note(p->op, "%s", sbuf_text(&line));
    sbuf_free(&line);
}

/* ---- what was odd ---- */

static void odd_json(struct passage *p, const struct oddity *o)
{
    struct sbuf line = {0};

    sbuf_printf(&line, "{\"odd\": \"%s\", \"repository\": ", oddity_name(o->kind));
    sbuf_json(&line, o->repository);
    sbuf_str(&line, STR(", \"what\": "));
    sbuf_json(&line, str_of(o->what));
    sbuf_str(&line, STR(", \"reason\": "));
    sbuf_json(&line, str_of(o->reason));
    sbuf_str(&line, STR("}"));
    op_print_str(p->op, (struct str){line.p, line.n});
    sbuf_free(&line);
}

/* Names on a disk may hold anything. */
static bool is_plain(const char *text)
{
    return str_has_only(str_of(text), STR("/._-:+@")) && strlen(text) < PATH_MAX;
}

void passage_odd(struct passage *p, const struct oddity *o)
{
    bool own = o->repository.n > 0 && !str_eq(o->repository, str_of(o->what));
    char quoted[QUOTE_MAX];

    if (p->json) {
        odd_json(p, o);
        return;
    }
    if (p->told++ >= ODD_TOLD)
        return;
    op_note(p->op, "%.*s%s%s: %s", own ? (int)o->repository.n : 0, o->repository.p, own ? ": " : "",
            is_plain(o->what) ? o->what : quote(str_of(o->what), quoted), o->reason);
}

void passage_sum_odd(struct passage *p, const uint64_t odd[ODD_KINDS])
{
    struct sbuf line = {0};

    if (p->json || p->told <= ODD_TOLD)
        return;
    sbuf_printf(&line, "and %" PRIu64 " more that were odd; --json lists all. In all:", p->told - ODD_TOLD);
    for (unsigned i = 0; i < ODD_KINDS; i++)
        if (odd[i] > 0)
            sbuf_printf(&line, " %" PRIu64 " %s", odd[i], oddity_name(i));
    op_note(p->op, "%s", sbuf_text(&line));
    sbuf_free(&line);
}
