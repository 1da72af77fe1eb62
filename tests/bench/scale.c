/*
 * scale: makes registries of a size that nobody pushes in a day, through the metadata's own writer, and says how long
 * it took and what the tables hold, as one line of JSON on standard output:
 *   {"seconds": 1.234567, "items": 1000000, "changes": 200, "bytes": 123456, "tables": {"tags": [entries, bytes], …}}
 * `bytes` is what the tables take, without pages that are free.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/clock.h"
#include "registry/base/str.h"
#include "storage/meta/meta_internal.h"
#include "tests/bench/scale.h"

static const struct kind {
    const char *name;
    const char *purpose;
    scale_put *put; /* NULL: nothing is made */
} kinds[] = {
    {"repositories", "repositories of one image, with --share tags each", put_repository},
    {"tags", "tags of one repository, --share to an image", put_tag},
    {"layers", "layers of one repository, --share to an image", put_layer},
    {"idle", "blobs that no manifest names", put_idle},
    {"referrers", "referrers of one subject", put_referrer},
    {"untagged", "images that no tag leads to", put_untagged},
    {"tables", "nothing: says what is there", NULL},
};

static const struct option long_options[] = {
    {"seed", required_argument, NULL, 'r'},
    {"from", required_argument, NULL, 'f'},
    {"batch", required_argument, NULL, 'b'},
    {"share", required_argument, NULL, 's'},
    {"age", required_argument, NULL, 'a'},
    {"files", no_argument, NULL, 'F'},
    {0},
};

/* One change of many items. */
struct batch {
    struct meta_change change; /* first */
    const struct scale *scale;
    const struct kind *kind;
    uint64_t from, end;
};

static int usage(void)
{
    fputs("usage: scale [--seed N] [--from N] [--batch N] [--share N] [--age SECONDS] [--files] DIRECTORY KIND COUNT\n",
          stderr);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        fprintf(stderr, "  %-13s %s\n", kinds[i].name, kinds[i].purpose);
    return 2;
}

static int fail(const struct err *e)
{
    fprintf(stderr, "scale: %s\n", e->text);
    return 1;
}

/* ---- making ---- */

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct batch *batch = (struct batch *)change;

    for (uint64_t i = batch->from; i < batch->end; i++)
        if (batch->kind->put(batch->scale, txn, i, e) != 0)
            return -1;
    return 0;
}

static int make(const struct scale *scale, const struct kind *kind, uint64_t *changes, struct err *e)
{
    struct batch batch = {.scale = scale, .kind = kind, .from = scale->options->from};

    for (*changes = 0; batch.from < scale->end; batch.from = batch.end) {
        uint64_t left = scale->end - batch.from;

        batch.end = batch.from + (left < scale->options->batch ? left : scale->options->batch);
        batch.change = (struct meta_change){.apply = apply};
        if (meta_write(scale->store->meta, &batch.change) != 0) {
            *e = batch.change.err;
            return -1;
        }
        ++*changes;
    }
    return 0;
}

/* ---- saying what is there ---- */

static int report_tables(const struct store *store, struct sbuf *out, struct err *e)
{
    struct meta_reader *reader = meta_reader_new(store->meta, e);
    struct meta_txn *txn = reader == NULL ? NULL : meta_read(reader, e);
    struct sbuf tables = {0};
    uint64_t bytes = 0;
    int rc = -1;

    if (txn != NULL) {
        for (int table = 0; table < KV_TABLES; table++) {
            struct kv_size size = kv_size(txn, (enum kv_table)table);

            bytes += size.bytes;
            sbuf_printf(&tables, "%s\"%s\": [%llu, %llu]", table > 0 ? ", " : "", kv_table_name((enum kv_table)table),
                        (unsigned long long)size.entries, (unsigned long long)size.bytes);
        }
        sbuf_printf(out, "\"bytes\": %llu, \"tables\": {%s}", (unsigned long long)bytes, sbuf_text(&tables));
        rc = kv_status(txn, e);
        meta_done(reader);
    }
    sbuf_free(&tables);
    meta_reader_free(&reader);
    return rc;
}

static int run(const char *root, const struct kind *kind, const struct scale_options *options, uint64_t count)
{
    struct scale scale = {.options = options, .end = options->from + count};
    uint64_t began_ms, changes = 0;
    struct sbuf tables = {0};
    struct store *store;
    struct err e;
    int rc = 0;

    if ((store = store_open(root, &e)) == NULL)
        return fail(&e);
    scale.store = store;
    began_ms = clock_monotonic_ms();
    if (kind->put != NULL)
        rc = make(&scale, kind, &changes, &e);
    began_ms = clock_monotonic_ms() - began_ms;
    if (rc == 0)
        rc = report_tables(store, &tables, &e);
    store_close(&store);
    if (rc == 0)
        printf("{\"seconds\": %.3f, \"items\": %llu, \"changes\": %llu, %s}\n", (double)began_ms / 1000,
               (unsigned long long)count, (unsigned long long)changes, sbuf_text(&tables));
    sbuf_free(&tables);
    return rc == 0 ? 0 : fail(&e);
}

/* ---- the command line ---- */

static bool take_option(int option, struct scale_options *options)
{
    uint64_t age;

    switch (option) {
    case 'r':
        return str_to_u64(str_of(optarg), &options->seed);
    case 'f':
        return str_to_u64(str_of(optarg), &options->from);
    case 'b':
        return str_to_u64(str_of(optarg), &options->batch) && options->batch > 0;
    case 's':
        return str_to_u64(str_of(optarg), &options->share) && options->share > 0;
    case 'a':
        if (!str_to_u64(str_of(optarg), &age) || age > clock_wall_s())
            return false;
        options->needed = clock_wall_s() - age;
        return true;
    case 'F':
        options->files = true;
        return true;
    default:
        return false;
    }
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct scale_options options = {.seed = 1, .batch = 5000, .share = 10, .needed = clock_wall_s()};
    const struct kind *kind;
    uint64_t count;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!take_option(option, &options))
            return usage();
    if (argc - optind != 3 || (kind = find_kind(argv[optind + 1])) == NULL ||
        !str_to_u64(str_of(argv[optind + 2]), &count) || count > UINT64_MAX - options.from)
        return usage();
    return run(argv[optind], kind, &options, count);
}
