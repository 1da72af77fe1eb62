/*
 * `berth export DIR`: the registry as a data directory of distribution (storage/distribution/giveback.h), while it is
 * served or not. The user who runs the server writes it, wherever the command was typed.
 */
#include "registry/ops/operations.h"

#include <inttypes.h>

/* storage */
#include "storage/distribution/giveback.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/passage.h"

static void show_progress(const struct giveback_result *r, void *arg)
{
    passage_progress(arg, r->entries_done, r->entries, r->copied_bytes);
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

static void say_json(struct op *op, const struct giveback_result *r)
{
    op_print(op,
             "{\"repositories\": %" PRIu64 ", \"blobs\": {\"there\": %" PRIu64 ", \"linked\": %" PRIu64
             ", \"linked_size\": %" PRIu64 ", \"cloned\": %" PRIu64 ", \"cloned_size\": %" PRIu64
             ", \"copied\": %" PRIu64 ", \"copied_size\": %" PRIu64 ", \"lost\": %" PRIu64
             "}, \"manifests\": {\"written\": %" PRIu64 ", \"there\": %" PRIu64 "}, \"tags\": {\"written\": %" PRIu64
             ", \"there\": %" PRIu64 "}, \"removed\": %" PRIu64 ", \"oddities\": %" PRIu64 "}",
             r->repositories, r->blobs_there, r->linked, r->linked_bytes, r->cloned, r->cloned_bytes, r->copied,
             r->copied_bytes, r->blobs_lost, r->manifests, r->manifests_there, r->tags, r->tags_there, r->removed,
             r->oddities);
}

static void say_text(struct passage *p, const struct giveback_result *r)
{
    char linked[SIZE_TEXT_ROOM], cloned[SIZE_TEXT_ROOM], copied[SIZE_TEXT_ROOM];

    if (p->dry_run)
        op_print(p->op, "a dry run: nothing was changed. What would be, as if nothing were there:");
    op_print(p->op,
             "%" PRIu64 " repositories: %" PRIu64 " manifests and %" PRIu64 " tags written, %" PRIu64 " and %" PRIu64
             " were there",
             r->repositories, r->manifests, r->tags, r->manifests_there, r->tags_there);
    op_print(p->op, "blobs: %" PRIu64 " linked, %s; %" PRIu64 " cloned, %s; %" PRIu64 " copied, %s", r->linked,
             size_text(r->linked_bytes, linked), r->cloned, size_text(r->cloned_bytes, cloned), r->copied,
             size_text(r->copied_bytes, copied));
    if (r->why_not != NULL)
        op_note(p->op, "not all are hard links: %s", r->why_not);
    if (r->removed > 0)
        op_print(p->op, "%" PRIu64 " tags, manifests and blobs removed that the repositories have no more", r->removed);
    if (r->blobs_lost > 0)
        op_print(p->op, "NOT COMPLETE: %" PRIu64 " blobs are missing or damaged in the data directory", r->blobs_lost);
    passage_sum_odd(p, r->odd);
}

/* ---- the work ---- */

static int give_back(struct passage *p, int *status, struct err *e)
{
    struct op *op = p->op;
    char directory[PATH_MAX];
    const struct giveback_options options = {
        .directory = directory,
        .copies = op->call->given[OPTION_COPY],
        .dry_run = p->dry_run,
        .wanted = p->pattern_count > 0 ? is_wanted : NULL,
        .progress = show_progress,
        .odd = tell_odd,
        .arg = p,
        .interrupt = op_interrupt(op),
    };
    struct giveback_result result;

    if (passage_directory(op, directory, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if (giveback_run(op->store, &options, &result, e) != 0)
        return err_wrap(e, "export");
    if (p->json)
        say_json(op, &result);
    else
        say_text(p, &result);
    if (result.blobs_lost > 0)
        *status = EXIT_REFUSED;
    return 0;
}

int op_export(struct op *op, int *status, struct err *e)
{
    struct passage passage;
    int rc;

    if (passage_begin(&passage, op, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    rc = give_back(&passage, status, e);
    passage_end(&passage);
    return rc;
}
