/*
 * `berth import DIR`, but for another registry over the wire (op_import_remote.c): takes over the data directory of a distribution registry (storage/distribution/takeover.h), while
 * this registry is served or not. The user who runs the server makes the links, wherever the command was typed.
 */
#include "registry/ops/operations.h"

#include <inttypes.h>
#include <unistd.h>

/* storage */
#include "storage/distribution/takeover.h"
#include "storage/meta/meta_usage.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/import_source.h"
#include "registry/ops/passage.h"

static void show_progress(const struct takeover_result *r, void *arg)
{
    passage_progress(arg, r->entries_done, r->entries, r->read + r->copied_bytes);
}

static void tell_odd(const struct oddity *oddity, void *arg)
{
    passage_odd(arg, oddity);
}

static bool is_wanted(struct str repository, void *arg)
{
    return passage_wants(arg, repository);
}

/* ---- the answer ---- */

static void say_json(struct op *op, const struct takeover_result *r)
{
    op_print(op,
             "{\"repositories\": %" PRIu64 ", \"blobs\": {\"there\": %" PRIu64 ", \"linked\": %" PRIu64
             ", \"linked_size\": %" PRIu64 ", \"cloned\": %" PRIu64 ", \"cloned_size\": %" PRIu64
             ", \"copied\": %" PRIu64 ", \"copied_size\": %" PRIu64 ", \"lost\": %" PRIu64
             "}, \"manifests\": {\"taken\": %" PRIu64 ", \"there\": %" PRIu64 ", \"lost\": %" PRIu64
             "}, \"tags\": {\"taken\": %" PRIu64 ", \"moved\": %" PRIu64 ", \"there\": %" PRIu64 ", \"newer\": %" PRIu64
             ", \"lost\": %" PRIu64 "}, \"oddities\": %" PRIu64 "}",
             r->repositories, r->blobs_there, r->linked, r->linked_bytes, r->cloned, r->cloned_bytes, r->copied,
             r->copied_bytes, r->blobs_lost, r->manifests, r->manifests_there, r->manifests_lost, r->tags,
             r->tags_moved, r->tags_there, r->tags_newer, r->tags_lost, r->oddities);
}

static void say_blobs(const struct passage *p, const struct takeover_result *r)
{
    char linked[SIZE_TEXT_ROOM], cloned[SIZE_TEXT_ROOM], copied[SIZE_TEXT_ROOM];

    op_print(p->op, "blobs: %" PRIu64 " linked, %s; %" PRIu64 " cloned, %s; %" PRIu64 " copied, %s", r->linked,
             size_text(r->linked_bytes, linked), r->cloned, size_text(r->cloned_bytes, cloned), r->copied,
             size_text(r->copied_bytes, copied));
    if (r->why_not != NULL)
        op_note(p->op, "not all are hard links: %s", r->why_not);
    if (r->owned_by_others > 0)
        op_note(p->op,
                "%" PRIu64 " of the linked files belong to other users than root and %u, who can change them; give "
                "them to one of these (chown) when the old registry has stopped",
                r->owned_by_others, (unsigned)geteuid());
}

static void say_text(struct passage *p, const struct takeover_result *r)
{
    if (p->dry_run)
        op_print(p->op, "a dry run: nothing was changed. What would be:");
    op_print(p->op,
             "%" PRIu64 " repositories: %" PRIu64 " manifests and %" PRIu64 " tags taken, %" PRIu64
             " of which pointed elsewhere",
             r->repositories, r->manifests, r->tags, r->tags_moved);
    say_blobs(p, r);
    op_print(p->op, "there before: %" PRIu64 " manifests, %" PRIu64 " tags", r->manifests_there, r->tags_there);
    if (r->manifests_lost + r->tags_lost + r->blobs_lost > 0)
        op_print(p->op, "NOT TAKEN: %" PRIu64 " blobs, %" PRIu64 " manifests, %" PRIu64 " tags", r->blobs_lost,
                 r->manifests_lost, r->tags_lost);
    passage_sum_odd(p, r->odd);
}

/* An administrator's act is not stopped by them, but he hears of it. */
static void tell_quotas(struct op *op)
{
    struct err e;
    struct meta_reader *reader = op->config->quota_count == 0 ? NULL : meta_reader_new(op->store->meta, &e);

    for (size_t i = 0; reader != NULL && i < op->config->quota_count; i++) {
        const struct config_quota *quota = &op->config->quotas[i];
        struct meta_txn *txn = meta_read(reader, &e);
        char used[SIZE_TEXT_ROOM], limit[SIZE_TEXT_ROOM];
        struct usage usage = {0};

        if (txn == NULL)
            break;
        if (meta_usage(txn, str_of(quota->path), &usage, &e) != 0)
            usage.logical = 0;
        meta_done(reader);
        if (usage.logical > quota->limit)
            op_note(op, "\"%s\" is over its quota now, %s of %s: pushes there are refused until there is room again",
                    quota->path, size_text(usage.logical, used), size_text(quota->limit, limit));
    }
    meta_reader_free(&reader);
}

/* ---- the work ---- */

static int take_over(struct passage *p, int *status, struct err *e)
{
    struct op *op = p->op;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    char source[PATH_MAX];
    const struct takeover_options options = {
        .source = source,
        .verify = !op->call->given[OPTION_NO_VERIFY],
        .copies = op->call->given[OPTION_COPY],
        .dry_run = p->dry_run,
        .allow_missing = op->config->validation_disabled,
        .threads = online > 0 ? (unsigned)online : 1,
        .wanted = p->pattern_count > 0 ? is_wanted : NULL,
        .progress = show_progress,
        .odd = tell_odd,
        .arg = p,
        .interrupt = op_interrupt(op),
    };
    struct takeover_result result;

    if (passage_directory(op, source, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if (takeover_run(op->store, &options, &result, e) != 0)
        return err_wrap(e, "import");
    if (p->json)
        say_json(op, &result);
    else
        say_text(p, &result);
    tell_quotas(op);
    if (result.manifests_lost > 0) /* blobs and tags alone were of no use over there either */
        *status = EXIT_REFUSED;
    return 0;
}

int op_import(struct op *op, int *status, struct err *e)
{
    struct passage passage;
    int rc;

    if (import_check_options(op->call, e) != 0 || passage_begin(&passage, op, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    rc = take_over(&passage, status, e);
    passage_end(&passage);
    return rc;
}
