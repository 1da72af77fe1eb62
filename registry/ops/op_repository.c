/*
 * `berth repository list` and `berth repository delete`: all that is in a repository goes, in small changes beside what
 * clients do (storage/meta/meta.h). The blobs' files follow when their leases are over, with the sweeper.
 */
#include "registry/ops/operations.h"

#include <stdlib.h>
#include <string.h>

#include "registry/commands/commands.h"
#include "registry/base/size_text.h"
#include "registry/events/events.h"
#include "storage/meta/meta_usage.h"

enum { PIECE = 500 };

/* ---- list ---- */

static void gather(const struct repository_info *info, void *arg)
{
    struct sbuf *names = arg;

    if (names->n > 0)
        sbuf_str(names, STR("\n"));
    sbuf_str(names, info->name);
}

static int list(struct op *op, struct meta_reader *reader, struct err *e)
{
    struct repository_walk place = {.path = {0}};
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        struct sbuf names = {0};
        struct meta_txn *txn = meta_read(reader, e);

        if (txn == NULL)
            return -1;
        rc = meta_repositories(txn, &place, PIECE, gather, &names, &more, e);
        meta_done(reader);
        if (rc == 0 && names.n > 0)
            op_print_str(op, (struct str){names.p, names.n});
        sbuf_free(&names);
        if (rc == 0 && op_cancelled(op))
            rc = err_set(e, ERR_BUSY, "cancelled");
    }
    return rc;
}

/* ---- delete ---- */

struct deletion {
    struct meta_change change; /* first */
    struct events *events;     /* NULL: nobody is told */
    struct str name;
    struct repository_place from;
    struct repository_piece piece;
};

/* Once, when all is gone. */
static void tell(const struct deletion *d, struct meta_txn *txn)
{
    const struct event_origin origin = {.agent = STR("berth repository delete")};
    struct event event = {.action = ACTION_DELETE, .target = TARGET_REPOSITORY, .repository = d->name};
    struct sbuf packed = {0};

    event_origin_pack(&origin, &packed);
    events_append(d->events, txn, &event, (struct str){packed.p, packed.n});
    sbuf_free(&packed);
}

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct deletion *d = (struct deletion *)change;

    if (meta_repository_delete(txn, d->name, &d->from, &d->piece, e) != 0)
        return -1;
    if (d->events != NULL && !d->piece.more)
        tell(d, txn);
    return 0;
}

static int look(struct meta_reader *reader, struct str name, struct repository_info *info, struct err *e)
{
    struct meta_txn *txn = meta_read(reader, e);
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_repository_info(txn, name, info, e);
    meta_done(reader);
    if (rc == 0 && info->blobs + info->manifests + info->tags == 0)
        rc = err_set(e, ERR_NOT_FOUND, "%.*s: this repository is empty already", (int)name.n, name.p);
    return rc;
}

static void say(struct op *op, const struct repository_info *what, const char *would)
{
    char sole[SIZE_TEXT_ROOM];

    op_print(op,
             "%.*s: %llu manifests, %llu tags and %llu blobs %sremoved; %s that no other repository holds %s when the "
             "grace is over",
             (int)what->name.n, what->name.p, (unsigned long long)what->manifests, (unsigned long long)what->tags,
             (unsigned long long)what->blobs, would, size_text(what->usage.sole, sole),
             would[0] == '\0' ? "come free" : "would come free");
}

static int remove_all(struct op *op, struct repository_info *what, struct err *e)
{
    struct deletion d = {.name = what->name, .events = events_of(op->server)};

    what->manifests = what->tags = what->blobs = 0;
    do {
        if (op_cancelled(op))
            return err_set(e, ERR_BUSY, "%.*s: cancelled; what was removed stays removed", (int)d.name.n, d.name.p);
        d.change = (struct meta_change){.apply = apply};
        if (meta_write(op->store->meta, &d.change) != 0) {
            *e = d.change.err;
            return -1;
        }
        d.from = d.piece.place;
        what->manifests += d.piece.manifests;
        what->tags += d.piece.tags;
        what->blobs += d.piece.blobs;
        op_progress(op, "%.*s: %llu manifests, %llu blobs", (int)d.name.n, d.name.p,
                    (unsigned long long)what->manifests, (unsigned long long)what->blobs);
    } while (d.piece.more);
    if (d.events != NULL)
        events_committed(d.events);
    return 0;
}

/* All names are looked at before anything goes: a mistyped one stops the rest. */
static int delete (struct op *op, struct meta_reader *reader, struct err *e)
{
    bool dry_run = op->call->given[OPTION_DRY_RUN];
    struct repository_info what;

    for (int i = 1; i < op->call->argument_count; i++)
        if (look(reader, str_of(op->call->arguments[i]), &what, e) != 0)
            return -1;
    for (int i = 1; i < op->call->argument_count; i++) {
        if (look(reader, str_of(op->call->arguments[i]), &what, e) != 0)
            return -1;
        if (!dry_run && remove_all(op, &what, e) != 0)
            return -1;
        say(op, &what, dry_run ? "would be " : "");
    }
    return 0;
}

int op_repository(struct op *op, int *status, struct err *e)
{
    const char *what = op->call->arguments[0];
    bool deletes = strcmp(what, "delete") == 0;
    struct meta_reader *reader;
    int rc;

    if (deletes ? op->call->argument_count < 2 : strcmp(what, "list") != 0 || op->call->argument_count > 1) {
        *status = EXIT_USAGE;
        return err_set(e, ERR_INVALID, "write `repository list` or `repository delete NAME…`");
    }
    if (deletes && live_is_readonly(op->live) && !op->call->given[OPTION_DRY_RUN])
        return err_set(e, ERR_DENIED,
                       "repository delete changes what is stored, and this registry is read-only "
                       "(storage.maintenance.readonly, or berth ctl read-only): let it write");
    if ((reader = meta_reader_new(op->store->meta, e)) == NULL)
        return -1;
    rc = deletes ? delete (op, reader, e) : list(op, reader, e);
    meta_reader_free(&reader);
    return rc;
}
