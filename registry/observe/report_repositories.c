/*
 * The largest repositories, one series each. How many series a Prometheus can bear is its administrator's choice, so they
 * stand apart from the other metrics and are asked for by number: ?top=50, of a path: ?path=team-a.
 *
 * All repositories are looked at, 500 in a snapshot, and kept are the largest: at most twice as many as are asked for.
 */
#include "registry/observe/report.h"

#include <stdlib.h>
#include <string.h>

#include "registry/observe/exposition.h"
#include "registry/query.h"
#include "storage/meta/meta_usage.h"

enum { TOP_DEFAULT = 100, TOP_MOST = 10000, PIECE = 500 };

struct row {
    struct usage usage;
    uint64_t blobs, manifests, tags;
    char name[REPOSITORY_NAME_MAX + 1];
};

struct top {
    struct row *rows; /* room for 2 * most */
    size_t n;
    size_t most;
};

/* The largest first; of one size by name, so that it is the same ones every time. */
static int compare(const void *a, const void *b)
{
    const struct row *one = a, *other = b;

    if (one->usage.logical != other->usage.logical)
        return one->usage.logical < other->usage.logical ? 1 : -1;
    return strcmp(one->name, other->name);
}

static void keep_largest(struct top *top)
{
    if (top->n > 1)
        qsort(top->rows, top->n, sizeof(*top->rows), compare);
    if (top->n > top->most)
        top->n = top->most;
}

static void take(const struct repository_info *info, void *arg)
{
    struct top *top = arg;
    struct row *row;

    if (info->name.n > REPOSITORY_NAME_MAX)
        return; /* no name of ours is */
    if (top->n == 2 * top->most)
        keep_largest(top);
    row = &top->rows[top->n++];
    *row = (struct row){.usage = info->usage, .blobs = info->blobs, .manifests = info->manifests, .tags = info->tags};
    memcpy(row->name, info->name.p, info->name.n);
}

static int gather(struct report *report, struct str path, struct top *top, struct err *e)
{
    struct repository_walk place = {.path = path};
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        struct meta_txn *txn = meta_read(report->reader, e);

        if (txn == NULL)
            return -1;
        rc = meta_repositories(txn, &place, PIECE, take, top, &more, e);
        meta_done(report->reader);
    }
    keep_largest(top);
    return rc;
}

/* ---- telling ---- */

static const struct {
    const char *name;
    const char *help;
    size_t offset; /* of a u64 in struct row */
} columns[] = {
    {"berth_repository_logical_bytes", "Bytes of the blobs that a repository holds, and of its manifests.",
     offsetof(struct row, usage.logical)},
    {"berth_repository_unique_bytes", "Bytes of these that no other repository holds.",
     offsetof(struct row, usage.sole)},
    {"berth_repository_blobs", "Blobs that a repository holds.", offsetof(struct row, blobs)},
    {"berth_repository_manifests", "Manifests of a repository.", offsetof(struct row, manifests)},
    {"berth_repository_tags", "Tags of a repository.", offsetof(struct row, tags)},
};

static void put_column(const struct top *top, size_t column, struct sbuf *out)
{
    struct sbuf labels = {0};

    expose_head(out, columns[column].name, "gauge", columns[column].help);
    for (size_t i = 0; i < top->n; i++) {
        uint64_t value;

        memcpy(&value, (const char *)&top->rows[i] + columns[column].offset, sizeof(value));
        labels.n = 0;
        expose_label(&labels, "repository", str_of(top->rows[i].name));
        expose_number(out, columns[column].name, sbuf_text(&labels), (int64_t)value);
    }
    sbuf_free(&labels);
}

/* ---- what is asked for ---- */

static int take_top(struct str query, size_t *most, struct err *e)
{
    struct sbuf text = {0};
    uint64_t number = TOP_DEFAULT;
    bool good = query.n == 0 || query_valid(query);

    if (good && query_get(query, "top", 0, &text))
        good = str_to_u64((struct str){text.p, text.n}, &number) && number >= 1 && number <= TOP_MOST;
    sbuf_free(&text);
    if (!good)
        return err_set(e, ERR_INVALID, "top is how many repositories are shown, the largest: 1 to %d", TOP_MOST);
    *most = number;
    return 0;
}

/* "team-a/" is "team-a". */
static struct str take_path(struct str query, struct sbuf *text)
{
    query_get(query, "path", 0, text);
    while (text->n > 0 && text->p[text->n - 1] == '/')
        text->n--;
    return (struct str){text->p, text->n};
}

int report_repositories(struct report *report, struct err *e)
{
    struct top top = {0};
    struct sbuf path = {0};
    int rc;

    if (take_top(report->query, &top.most, e) != 0)
        return -1;
    top.rows = xcalloc(2 * top.most, sizeof(*top.rows));
    rc = gather(report, take_path(report->query, &path), &top, e);
    for (size_t i = 0; top.n > 0 && i < sizeof(columns) / sizeof(columns[0]); i++)
        put_column(&top, i, &report->text);
    sbuf_free(&path);
    free(top.rows);
    return rc;
}
