/*
 * `berth du`: how much each repository, or each path, holds. Everything comes from counters (storage/meta/meta_usage.h), so
 * the answer costs one look at each repository that is listed and nothing for what is in it.
 */
#include "registry/ops/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"
#include "registry/commands/commands.h"
#include "registry/base/size_text.h"
#include "storage/meta/meta_usage.h"

enum { PIECE = 500, DEPTH_MAX = REPOSITORY_NAME_MAX };

struct row {
    char *path;
    struct usage usage;
    uint64_t blobs;
    uint64_t manifests;
    uint64_t tags;
};

struct du {
    struct op *op;
    struct meta_reader *reader;
    uint64_t depth; /* parts of a name that make a row of their own; 0: all */
    struct row *rows;
    size_t n;
    size_t room;
};

/* ---- gathering ---- */

/* The first `depth` parts of a name. */
static struct str cut(struct str name, uint64_t depth)
{
    for (size_t i = 0; i < name.n && depth > 0; i++)
        if (name.p[i] == '/' && --depth == 0)
            return (struct str){name.p, i};
    return name;
}

static void gather(const struct repository_info *info, void *arg)
{
    struct du *du = arg;

    if (du->n == du->room) {
        du->room = du->room == 0 ? 64 : du->room * 2;
        du->rows = xrealloc(du->rows, du->room * sizeof(*du->rows));
    }
    du->rows[du->n++] = (struct row){.path = str_dup(cut(info->name, du->depth)),
                                     .usage = info->usage,
                                     .blobs = info->blobs,
                                     .manifests = info->manifests,
                                     .tags = info->tags};
}

static int walk(struct du *du, struct str path, struct err *e)
{
    struct repository_walk place = {.path = path};
    size_t before = du->n;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        struct meta_txn *txn = meta_read(du->reader, e);

        if (txn == NULL)
            return -1;
        rc = meta_repositories(txn, &place, PIECE, gather, du, &more, e);
        meta_done(du->reader);
        if (rc == 0 && op_cancelled(du->op))
            rc = err_set(e, ERR_BUSY, "cancelled");
    }
    if (rc == 0 && du->n == before && path.n > 0)
        rc = err_set(e, ERR_NOT_FOUND, "%.*s: no repository at or below this path holds anything", (int)path.n, path.p);
    return rc;
}

/* ---- rows ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->path, ((const struct row *)b)->path);
}

static void add(struct row *sum, const struct row *row)
{
    sum->usage.logical += row->usage.logical;
    sum->usage.sole += row->usage.sole;
    sum->blobs += row->blobs;
    sum->manifests += row->manifests;
    sum->tags += row->tags;
}

/* Rows of one path become one. */
static void merge(struct du *du)
{
    size_t kept = 0;

    if (du->n > 1)
        qsort(du->rows, du->n, sizeof(*du->rows), compare);
    for (size_t i = 0; i < du->n; i++) {
        if (kept > 0 && strcmp(du->rows[kept - 1].path, du->rows[i].path) == 0) {
            add(&du->rows[kept - 1], &du->rows[i]);
            free(du->rows[i].path);
        } else {
            du->rows[kept++] = du->rows[i];
        }
    }
    du->n = kept;
}

static void free_rows(struct du *du)
{
    for (size_t i = 0; i < du->n; i++)
        free(du->rows[i].path);
    free(du->rows);
}

/* ---- saying ---- */

static void say_rows(const struct du *du)
{
    char logical[SIZE_TEXT_ROOM], sole[SIZE_TEXT_ROOM];

    if (du->n > 0)
        op_print(du->op, "%11s %11s %8s %9s %8s  %s", "LOGICAL", "UNIQUE", "BLOBS", "MANIFESTS", "TAGS",
                 du->depth == 0 ? "REPOSITORY" : "PATH");
    for (size_t i = 0; i < du->n; i++) {
        const struct row *row = &du->rows[i];

        op_print(du->op, "%11s %11s %8llu %9llu %8llu  %s", size_text(row->usage.logical, logical),
                 size_text(row->usage.sole, sole), (unsigned long long)row->blobs, (unsigned long long)row->manifests,
                 (unsigned long long)row->tags, row->path);
    }
}

static void say_row_json(const struct du *du, const char *key, const struct row *row)
{
    struct sbuf line = {0};

    sbuf_printf(&line, "{\"%s\":", key);
    sbuf_json(&line, str_of(row->path));
    sbuf_printf(&line, ",\"logical\":%llu,\"unique\":%llu,\"blobs\":%llu,\"manifests\":%llu,\"tags\":%llu}",
                (unsigned long long)row->usage.logical, (unsigned long long)row->usage.sole,
                (unsigned long long)row->blobs, (unsigned long long)row->manifests, (unsigned long long)row->tags);
    op_print_str(du->op, (struct str){line.p, line.n});
    sbuf_free(&line);
}

/* Of everything: beside it what the disk holds, where a blob is once. */
static void say_all(const struct du *du, const struct row *sum, uint64_t blobs, uint64_t bytes)
{
    char logical[SIZE_TEXT_ROOM], stored[SIZE_TEXT_ROOM];

    op_print(du->op, "%s logical, %s stored in %llu blobs: %.2f times as much", size_text(sum->usage.logical, logical),
             size_text(bytes, stored), (unsigned long long)blobs,
             bytes == 0 ? 1.0 : (double)sum->usage.logical / (double)bytes);
}

static void say_some(const struct du *du, const struct row *sum)
{
    char logical[SIZE_TEXT_ROOM], sole[SIZE_TEXT_ROOM];

    op_print(du->op, "%s logical, %s unique in all", size_text(sum->usage.logical, logical),
             size_text(sum->usage.sole, sole));
}

static int say(const struct du *du, bool all, struct err *e)
{
    struct row sum = {.path = NULL};
    struct meta_txn *txn = meta_read(du->reader, e);
    uint64_t blobs = 0, bytes = 0;
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_stored(txn, &blobs, &bytes, e);
    meta_done(du->reader);
    if (rc != 0)
        return -1;
    for (size_t i = 0; i < du->n; i++)
        add(&sum, &du->rows[i]);
    if (du->op->call->given[OPTION_JSON]) {
        for (size_t i = 0; i < du->n; i++)
            say_row_json(du, du->depth == 0 ? "repository" : "path", &du->rows[i]);
        if (all)
            op_print(du->op, "{\"total\":{\"logical\":%llu,\"stored\":%llu,\"blobs\":%llu}}",
                     (unsigned long long)sum.usage.logical, (unsigned long long)bytes, (unsigned long long)blobs);
        return 0;
    }
    say_rows(du);
    if (all)
        say_all(du, &sum, blobs, bytes);
    else
        say_some(du, &sum);
    return 0;
}

/* ---- the operation ---- */

/* "team-a/" is "team-a". */
static struct str path_of(const char *argument)
{
    struct str path = str_of(argument);

    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

/* Is the path number `i` at or below another one, or the same as one before it? Then its rows are there already. */
static bool is_covered(const struct invocation *call, int i)
{
    struct str path = path_of(call->arguments[i]);

    for (int other = 0; other < call->argument_count; other++) {
        struct str above = path_of(call->arguments[other]);

        if (other == i || !str_starts(path, above))
            continue;
        if (path.n == above.n ? other < i : above.n == 0 || path.p[above.n] == '/')
            return true;
    }
    return false;
}

int op_du(struct op *op, int *status, struct err *e)
{
    struct du du = {.op = op};
    bool all = op->call->argument_count == 0;
    int rc;

    if (option_number(op->call, OPTION_DEPTH, 1, DEPTH_MAX, 0, &du.depth, e) != 0) {
        *status = EXIT_USAGE;
        return -1;
    }
    if ((du.reader = meta_reader_new(op->store->meta, e)) == NULL)
        return -1;
    rc = all ? walk(&du, (struct str){0}, e) : 0;
    for (int i = 0; i < op->call->argument_count && rc == 0; i++)
        if (!is_covered(op->call, i))
            rc = walk(&du, path_of(op->call->arguments[i]), e);
    if (rc == 0) {
        merge(&du);
        rc = say(&du, all, e);
    }
    free_rows(&du);
    meta_reader_free(&du.reader);
    return rc;
}
