/*
 * `berth tags`: what happened to tags (storage/meta/meta_history.h), and putting one back.
 *
 *   tags list REPOSITORY             where each tag points to, since when, and when that was last pulled
 *   tags history REPOSITORY[:TAG]    what happened, the newest first
 *   tags restore REPOSITORY:TAG      undo the last of it; --at TIME: all that happened since; --digest: point it there
 *
 * Lists are read a page at a time and printed when the page's snapshot is let go: whoever asks may read slowly.
 */
#include "registry/ops/operations.h"

#include <string.h>
#include <time.h>

/* storage */
#include "storage/meta/meta_history.h"
#include "storage/meta/meta_pulls.h"
#include "storage/reference.h"

/* base */
#include "registry/base/clock.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/config/duration.h"

enum { PAGE = 200 };

struct tags {
    struct op *op;
    struct str repository;
    struct str tag; /* empty: all */
    bool json;
    struct sbuf page;        /* lines */
    char last[TAG_MAX + 1];  /* tag of the page */
    struct digest last_gone; /* removed manifest of the page */
};

/* ---- lines ---- */

static void put_digest(struct sbuf *out, bool has, const struct digest *d, bool json)
{
    char text[DIGEST_TEXT_MAX];

    if (has)
        digest_format(d, text);
    if (json)
        sbuf_printf(out, has ? "\"%s\"" : "%s", has ? text : "null");
    else
        sbuf_printf(out, "%s", has ? text : "-");
}

static void put_time(struct sbuf *out, uint64_t when, bool json)
{
    char text[CLOCK_TEXT_ROOM];

    clock_text((int64_t)when, text);
    if (json)
        sbuf_printf(out, when > 0 ? "\"%s\"" : "%s", when > 0 ? text : "null");
    else
        sbuf_printf(out, "%s", when > 0 ? text : "never");
}

/* What was gathered within a snapshot. */
static void print_page(struct tags *tags)
{
    struct str rest = {tags->page.p, tags->page.n};

    while (rest.n > 0) {
        struct str line = {rest.p, str_find(rest, '\n')};

        op_print_str(tags->op, line);
        rest = str_from(rest, line.n + 1);
    }
    tags->page.n = 0;
}

/* Call `read` for one page after the other until it says that there are no more. */
static int each_page(struct tags *tags, int (*read)(struct tags *tags, struct meta_txn *txn, bool *more, struct err *e),
                     struct err *e)
{
    struct meta_reader *reader = meta_reader_new(tags->op->store->meta, e);
    bool more = true;
    int rc = reader == NULL ? -1 : 0;

    while (rc == 0 && more) {
        struct meta_txn *txn = meta_read(reader, e);

        if (txn == NULL) {
            rc = -1;
            break;
        }
        rc = read(tags, txn, &more, e);
        meta_done(reader);
        print_page(tags);
        if (rc == 0 && op_cancelled(tags->op))
            rc = err_set(e, ERR_BUSY, "cancelled");
    }
    sbuf_free(&tags->page);
    meta_reader_free(&reader);
    return rc;
}

/* ---- list ---- */

static void add_info(const struct tag_info *info, void *arg)
{
    struct tags *tags = arg;
    struct sbuf *out = &tags->page;

    memcpy(tags->last, info->tag.p, info->tag.n);
    tags->last[info->tag.n] = '\0';
    if (tags->json) {
        sbuf_str(out, STR("{\"tag\":"));
        sbuf_json(out, info->tag);
        sbuf_str(out, STR(",\"digest\":"));
    } else {
        sbuf_printf(out, "%-24s ", tags->last);
    }
    put_digest(out, true, &info->digest, tags->json);
    sbuf_printf(out, "%s", tags->json ? ",\"moved\":" : "  moved ");
    put_time(out, info->moved, tags->json);
    sbuf_printf(out, "%s", tags->json ? ",\"pulled\":" : "  pulled ");
    put_time(out, info->pulled, tags->json);
    sbuf_printf(out, "%s", tags->json ? "}\n" : "\n");
}

static int list_page(struct tags *tags, struct meta_txn *txn, bool *more, struct err *e)
{
    return meta_tag_infos(txn, tags->repository, str_of(tags->last), PAGE, add_info, tags, more, e);
}

/* ---- history ---- */

static const struct {
    const char *word; /* for programs */
    const char *text;
} kinds[] = {
    [EVENT_CREATED] = {"created", "created"},
    [EVENT_RESTORED] = {"restored", "restored"},
    [EVENT_MOVED] = {"moved", "moved"},
    [EVENT_MOVED_BACK] = {"moved-back", "moved back"},
    [EVENT_DELETED] = {"deleted", "deleted"},
    [EVENT_EXPIRED] = {"expired", "deleted by retention"},
    [EVENT_TAKEN] = {"deleted-with-manifest", "deleted with its manifest"},
};

static void add_event(const struct tag_event *event, void *arg)
{
    struct tags *tags = arg;
    struct sbuf *out = &tags->page;

    sbuf_printf(out, "%s", tags->json ? "{\"when\":" : "");
    put_time(out, event->when, tags->json);
    if (tags->json) {
        sbuf_str(out, STR(",\"tag\":"));
        sbuf_json(out, event->tag);
        sbuf_printf(out, ",\"event\":\"%s\",\"from\":", kinds[event->kind].word);
    } else {
        sbuf_printf(out, "  %.*s %s: ", (int)event->tag.n, event->tag.p, kinds[event->kind].text);
    }
    put_digest(out, event->was, &event->from, tags->json);
    sbuf_printf(out, "%s", tags->json ? ",\"to\":" : " to ");
    put_digest(out, event->is, &event->to, tags->json);
    sbuf_printf(out, "%s", tags->json ? "}\n" : "\n");
}

struct history {
    struct tags tags; /* first */
    struct history_place place;
};

static int history_page(struct tags *tags, struct meta_txn *txn, bool *more, struct err *e)
{
    struct history *history = (struct history *)tags;
    const struct history_query query = {tags->repository, tags->tag, PAGE};

    return meta_history(txn, &query, &history->place, add_event, tags, more, e);
}

static void add_removed(const struct digest *d, uint64_t when, void *arg)
{
    struct tags *tags = arg;
    struct sbuf *out = &tags->page;

    tags->last_gone = *d;
    sbuf_printf(out, "%s", tags->json ? "{\"when\":" : "");
    put_time(out, when, tags->json);
    sbuf_printf(out, "%s", tags->json ? ",\"event\":\"manifest-deleted\",\"from\":" : "  manifest deleted: ");
    put_digest(out, true, d, tags->json);
    sbuf_printf(out, "%s", tags->json ? "}\n" : "; a tag can be restored to it with --digest\n");
}

static int removed_page(struct tags *tags, struct meta_txn *txn, bool *more, struct err *e)
{
    const struct digest *last = tags->last_gone.alg == 0 ? NULL : &tags->last_gone;

    return meta_removed(txn, tags->repository, last, PAGE, add_removed, tags, more, e);
}

static int show_history(const struct tags *tags, struct err *e)
{
    struct history history = {.tags = *tags};

    if (each_page(&history.tags, history_page, e) != 0)
        return -1;
    return tags->tag.n > 0 ? 0 : each_page(&history.tags, removed_page, e);
}

/* ---- restore ---- */

/* "2026-11-22T10:15:30Z", as the history prints it, or "2h": so long ago. */
static int take_time(const char *text, uint64_t now, uint64_t *out, struct err *e)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    uint64_t nanoseconds;
    time_t when;

    if (end != NULL && *end == '\0' && (when = timegm(&parts)) >= 0) {
        *out = (uint64_t)when;
        return 0;
    }
    if (duration_parse(str_of(text), &nanoseconds, NULL) != 0 || nanoseconds / 1000000000 > now)
        return err_set(
            e, ERR_INVALID,
            "--at: \"%.80s\" is no time; write it as `berth tags history` does, 2026-11-22T10:15:30Z, or how "
            "long ago: 2h",
            text);
    *out = now - nanoseconds / 1000000000;
    return 0;
}

struct restoring {
    struct meta_change change; /* first */
    struct tag_restore restore;
    struct digest digest;
};

static int apply_restore(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    return meta_tag_restore(txn, &((struct restoring *)change)->restore, e);
}

static int take_target(const struct op *op, struct restoring *r, struct err *e)
{
    const char *const *values = op->call->values;

    if (op->call->given[OPTION_DIGEST]) {
        if (digest_parse(str_of(values[OPTION_DIGEST]), &r->digest, e) != 0)
            return err_wrap(e, "--digest");
        r->restore.digest = &r->digest;
    }
    r->restore.has_at = op->call->given[OPTION_AT];
    return r->restore.has_at ? take_time(values[OPTION_AT], r->restore.now, &r->restore.at, e) : 0;
}

static void say_restored(const struct tags *tags, const struct tag_restore *restore)
{
    char from[DIGEST_TEXT_MAX] = "", to[DIGEST_TEXT_MAX];

    if (restore->was)
        digest_format(&restore->from, from);
    digest_format(&restore->to, to);
    if (restore->manifests > 0)
        op_print(tags->op, "%zu deleted manifest%s put back", restore->manifests, restore->manifests == 1 ? "" : "s");
    op_print(tags->op, "%.*s:%.*s points to %s again%s%s", (int)tags->repository.n, tags->repository.p,
             (int)tags->tag.n, tags->tag.p, to, restore->was ? ", no longer to " : "", from);
}

static int restore_tag(const struct tags *tags, int *status, struct err *e)
{
    const struct config *config = tags->op->config;
    struct restoring r = {.change = {.apply = apply_restore},
                          .restore = {.repository = tags->repository,
                                      .tag = tags->tag,
                                      .now = clock_wall_s(),
                                      .allow_missing = config->validation_disabled,
                                      .allow_missing_children = config->index_platforms != CONFIG_PLATFORMS_ALL}};

    if (live_is_readonly(tags->op->live))
        return err_set(e, ERR_DENIED,
                       "tags restore changes what is stored, and this registry is read-only "
                       "(storage.maintenance.readonly, or berth ctl read-only)");
    if (take_target(tags->op, &r, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if (meta_write(tags->op->store->meta, &r.change) != 0) {
        *e = r.change.err;
        return -1;
    }
    say_restored(tags, &r.restore);
    return 0;
}

/* ---- the command line ---- */

/* "team/app:v1". A registry's host is no part of it. */
static int take_reference(struct str text, struct tags *tags, struct err *e)
{
    tags->repository = (struct str){text.p, str_find(text, ':')};
    tags->tag = str_from(text, tags->repository.n + 1);
    if (!repository_name_valid(tags->repository))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no name of a repository; write it without the registry: team/app",
                       (int)tags->repository.n, tags->repository.p);
    if (tags->repository.n < text.n && !tag_valid(tags->tag))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no tag; write team/app:v1, without the registry", (int)tags->tag.n,
                       tags->tag.p);
    return 0;
}

static int check_call(const struct op *op, struct str verb, const struct tags *tags, struct err *e)
{
    bool restores = str_eq(verb, STR("restore"));

    if (!restores && !str_eq(verb, STR("list")) && !str_eq(verb, STR("history")))
        return err_set(e, ERR_INVALID, "tags %.*s: unknown; write list, history or restore", (int)verb.n, verb.p);
    if (!restores && (op->call->given[OPTION_AT] || op->call->given[OPTION_DIGEST]))
        return err_set(e, ERR_INVALID, "--at and --digest go with tags restore");
    if (restores && (tags->tag.n == 0 || op->call->given[OPTION_JSON]))
        return err_set(e, ERR_INVALID, "tags restore takes one tag, REPOSITORY:TAG, and no --json");
    if (str_eq(verb, STR("list")) && tags->tag.n > 0)
        return err_set(e, ERR_INVALID, "tags list takes a repository without a tag");
    return 0;
}

int op_tags(struct op *op, int *status, struct err *e)
{
    struct str verb = str_of(op->call->arguments[0]);
    struct tags tags = {.op = op, .json = op->call->given[OPTION_JSON]};

    if (take_reference(str_of(op->call->arguments[1]), &tags, e) != 0 || check_call(op, verb, &tags, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if (str_eq(verb, STR("list")))
        return each_page(&tags, list_page, e);
    if (str_eq(verb, STR("history")))
        return show_history(&tags, e);
    return restore_tag(&tags, status, e);
}
