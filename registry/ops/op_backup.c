/*
 * `berth backup DIR`: a snapshot of the data directory (storage/backup/backup.h), while it is served or not. The user who runs
 * the server writes it, wherever the command was typed; a relative DIR begins at the directory of the command.
 */
#include "registry/ops/operations.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

/* storage */
#include "storage/backup/backup.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/observe/metrics.h"

enum { LOST_NOTED = 20 }; /* blobs that are named to the person; backup.json has more */

struct saving {
    struct op *op;
    bool quiet;
    uint64_t noted;
};

static void show_progress(const struct backup_result *so_far, void *arg)
{
    const struct saving *s = arg;
    char bytes[SIZE_TEXT_ROOM], copied[SIZE_TEXT_ROOM];

    if (!s->quiet)
        op_progress(s->op, "%" PRIu64 " blobs, %s; %s copied", so_far->blobs, size_text(so_far->bytes, bytes),
                    size_text(so_far->copied_bytes, copied));
}

static void note_lost(const struct digest *d, const char *reason, void *arg)
{
    struct saving *s = arg;
    char text[DIGEST_TEXT_MAX];

    if (s->noted++ >= LOST_NOTED)
        return;
    digest_format(d, text);
    op_note(s->op, "blob %s is not saved: %s", text, reason);
}

static void note(const char *text, void *arg)
{
    op_note(((struct saving *)arg)->op, "%s", text);
}

/* ---- the answer ---- */

static void say_json(struct op *op, const struct backup_result *r)
{
    op_print(op,
             "{\"snapshot\": \"%s\", \"complete\": %s, \"blobs\": {\"count\": %" PRIu64 ", \"size\": %" PRIu64
             ", \"linked\": %" PRIu64 ", \"copied\": %" PRIu64 ", \"copied_size\": %" PRIu64 ", \"lost\": %" PRIu64
             "}, \"metadata\": %" PRIu64 ", \"removed\": {\"snapshots\": %" PRIu64 ", \"blobs\": %" PRIu64
             ", \"size\": %" PRIu64 "}}",
             r->stamp, r->lost == 0 ? "true" : "false", r->blobs, r->bytes, r->linked, r->copied, r->copied_bytes,
             r->lost, r->metadata_bytes, r->removed_snapshots, r->removed_blobs, r->removed_bytes);
}

static void say_text(struct op *op, const struct backup_result *r)
{
    uint64_t there = r->blobs - r->lost - r->linked - r->copied;
    char a[SIZE_TEXT_ROOM], b[SIZE_TEXT_ROOM];

    op_print(op, "snapshot %s: %" PRIu64 " blobs, %s, and %s of metadata", r->stamp, r->blobs, size_text(r->bytes, a),
             size_text(r->metadata_bytes, b));
    op_print(op, "of the blobs %" PRIu64 " were there before, %" PRIu64 " are linked and %" PRIu64 " copied, %s", there,
             r->linked, r->copied, size_text(r->copied_bytes, a));
    if (r->removed_snapshots > 0 || r->removed_blobs > 0)
        op_print(op, "%" PRIu64 " older snapshots removed, and %" PRIu64 " blobs that only they had, %s",
                 r->removed_snapshots, r->removed_blobs, size_text(r->removed_bytes, a));
    if (r->lost > 0)
        op_print(op, "NOT COMPLETE: %" PRIu64 " blobs are missing or damaged in the data directory", r->lost);
}

static void say_result(const struct saving *s, const struct backup_result *r)
{
    if (s->noted > LOST_NOTED)
        op_note(s->op, "and %" PRIu64 " more; backup.json of the snapshot lists the first %d", s->noted - LOST_NOTED,
                LOST_LISTED);
    if (r->stamp[0] == '\0' || (s->quiet && !s->op->call->given[OPTION_JSON]))
        return;
    if (s->op->call->given[OPTION_JSON])
        say_json(s->op, r);
    else
        say_text(s->op, r);
}

/* ---- the work ---- */

static int take_path(const struct op *op, char out[PATH_MAX], struct err *e)
{
    const char *named = op->call->arguments[0];
    int n = named[0] == '/' ? snprintf(out, PATH_MAX, "%s", named)
                            : snprintf(out, PATH_MAX, "%s/%s", op->directory, named);

    return n < PATH_MAX ? 0 : err_set(e, ERR_INVALID, "%s: name too long", named);
}

int op_backup(struct op *op, int *status, struct err *e)
{
    struct saving s = {.op = op, .quiet = op->call->given[OPTION_QUIET]};
    char directory[PATH_MAX];
    struct backup_options options = {
        .directory = directory,
        .copy = op->call->given[OPTION_COPY],
        .verify = op->call->given[OPTION_VERIFY],
        .progress = show_progress,
        .lost = note_lost,
        .note = note,
        .arg = &s,
        .interrupt = op_interrupt(op),
    };
    struct backup_result result;
    int rc;

    if (take_path(op, directory, e) != 0 ||
        option_number(op->call, OPTION_KEEP, 1, BACKUP_KEEP_MAX, 0, &options.keep, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    rc = backup_run(op->store, &options, &result, e);
    say_result(&s, &result);
    if (rc == 0 && result.lost > 0)
        *status = EXIT_REFUSED;
    else if (rc == 0)
        metric_set(METRIC_LAST_BACKUP, (int64_t)clock_wall_s());
    return rc;
}
