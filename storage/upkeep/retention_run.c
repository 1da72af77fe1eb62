#include "storage/upkeep/retention_run.h"

#include <stdlib.h>

#include "storage/meta/meta_internal.h"
#include "storage/meta/meta_pulls.h"
#include "storage/upkeep/repositories.h"

enum { PAGE = 1024, BATCH = 64 }; /* tags that are judged, and deleted, at once */

struct run {
    struct meta_change change; /* first */
    const struct retention_options *options;
    struct meta *meta;
    struct meta_reader *reader;
    uint64_t *removed;

    /* of the repository that is looked at */
    struct str repository;
    const struct retention_rule *rule;
    uint64_t since; /* pulls are noted */
    struct retention_newest newest;

    /* a page of its tags, in the order of their names */
    struct retention_tag tags[PAGE];
    size_t count;
    bool more; /* pages follow */

    /* of the change under way */
    size_t first, last; /* tags, last exclusive */
    bool gone[BATCH];
};

/* ---- the tags of a repository ---- */

static int check_cancelled(const struct run *run, struct err *e)
{
    return interrupt_check(&run->options->interrupt, "cancelled; what was deleted stays deleted", e);
}

static void add_tag(const struct tag_info *info, void *arg)
{
    struct run *run = arg;

    run->tags[run->count++] = (struct retention_tag){.tag = {str_dup(info->tag), info->tag.n},
                                                     .moved = info->moved,
                                                     .pushed = info->pushed,
                                                     .pulled = info->pulled,
                                                     .digest = info->digest};
}

static void drop_tags(struct run *run, size_t from)
{
    while (run->count > from)
        free((char *)(uintptr_t)run->tags[--run->count].tag.p);
}

/* The page behind the one that is there. */
static int load(struct run *run, struct err *e)
{
    struct meta_txn *txn = meta_read(run->reader, e);
    struct retention_tag last = {.tag = STR("")};
    int rc;

    if (txn == NULL)
        return -1;
    if (run->count > 0) {
        last = run->tags[--run->count];
        drop_tags(run, 0);
    }
    run->since = meta_pulls_since(txn, run->options->now);
    rc = meta_tag_infos(txn, run->repository, last.tag, PAGE, add_tag, run, &run->more, e);
    meta_done(run->reader);
    if (last.tag.n > 0)
        free((char *)(uintptr_t)last.tag.p);
    return rc;
}

/* Call `use` for each page of the repository's tags. */
static int each_page(struct run *run, int (*use)(struct run *run, struct err *e), struct err *e)
{
    int rc;

    drop_tags(run, 0);
    do {
        rc = load(run, e);
        if (rc == 0)
            rc = use(run, e);
    } while (rc == 0 && run->more);
    return rc;
}

static int find_newest(struct run *run, struct err *e)
{
    for (size_t i = 0; i < run->count; i++)
        retention_newest_add(&run->newest, run->tags[i].tag, run->tags[i].moved);
    return check_cancelled(run, e);
}

/* ---- deleting ---- */

/* Is it as it was when it was judged, and do the conditions hold still? */
static bool is_doomed_still(const struct run *run, const struct retention_tag *judged, const struct tag_info *info)
{
    struct retention_tag now = {
        .tag = judged->tag, .moved = info->moved, .pushed = info->pushed, .pulled = info->pulled};

    return info->moved == judged->moved && digest_equal(&info->digest, &judged->digest) &&
           retention_holds(run->rule, &now, run->options->now, run->since);
}

/* Runs on the writer's thread, perhaps more than once. */
static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct run *run = (struct run *)change;

    for (size_t i = run->first; i < run->last; i++) {
        const struct retention_tag *tag = &run->tags[i];
        bool *gone = &run->gone[i - run->first];
        struct tag_info info;

        *gone = false;
        if (tag->verdict != RETENTION_GOES || meta_tag_info(txn, run->repository, tag->tag, &info, NULL) != 0 ||
            !is_doomed_still(run, tag, &info))
            continue;
        if (meta_tag_expire(txn, run->repository, tag->tag, &tag->digest, tag->moved, gone, e) != 0)
            return -1;
    }
    return kv_status(txn, e);
}

static void report(const struct run *run, const struct retention_tag *tag)
{
    struct retention_item item = {.repository = run->repository, .rule = run->rule};

    if (tag != NULL)
        item.tag = *tag;
    if (run->options->item != NULL)
        run->options->item(&item, run->options->arg);
}

static int delete_batch(struct run *run, struct err *e)
{
    run->change = (struct meta_change){.apply = apply};
    if (meta_write(run->meta, &run->change) != 0) {
        if (e != NULL)
            *e = run->change.err;
        return -1;
    }
    for (size_t i = run->first; i < run->last; i++) {
        if (!run->gone[i - run->first])
            continue;
        ++*run->removed;
        report(run, &run->tags[i]);
    }
    return 0;
}

static bool has_doomed(const struct run *run)
{
    for (size_t i = run->first; i < run->last; i++)
        if (run->tags[i].verdict == RETENTION_GOES)
            return true;
    return false;
}

static int delete_doomed(struct run *run, struct err *e)
{
    int rc = 0;

    for (run->first = 0; run->first < run->count && rc == 0; run->first = run->last) {
        run->last = run->first + BATCH < run->count ? run->first + BATCH : run->count;
        if (has_doomed(run))
            rc = check_cancelled(run, e) != 0 ? -1 : delete_batch(run, e);
    }
    return rc;
}

static void report_all(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        *run->removed += run->tags[i].verdict == RETENTION_GOES;
        report(run, &run->tags[i]);
    }
}

static int use_page(struct run *run, struct err *e)
{
    for (size_t i = 0; i < run->count; i++)
        retention_judge(run->rule, &run->newest, &run->tags[i], run->since);
    if (!run->options->dry_run)
        return delete_doomed(run, e);
    report_all(run);
    return check_cancelled(run, e);
}

/* ---- repositories ---- */

static int apply_rule(struct run *run, struct err *e)
{
    int rc = 0;

    retention_newest_begin(&run->newest, run->rule, run->options->now);
    if (run->rule->keep_last > 0)
        rc = each_page(run, find_newest, e);
    if (rc == 0)
        rc = each_page(run, use_page, e);
    retention_newest_free(&run->newest);
    return rc;
}

static int check_known(struct run *run, struct err *e)
{
    struct meta_txn *txn = meta_read(run->reader, e);
    bool more;
    int rc;

    if (txn == NULL)
        return -1;
    rc = meta_tags(txn, run->repository, STR(""), 0, NULL, NULL, &more, e);
    meta_done(run->reader);
    return rc;
}

static int visit(struct str repository, void *arg, struct err *e)
{
    struct run *run = arg;

    run->repository = repository;
    run->rule = retention_rule_of(run->options->rules, repository);
    if (check_cancelled(run, e) != 0)
        return -1;
    if (run->rule != NULL)
        return apply_rule(run, e);
    if (check_known(run, e) != 0)
        return -1;
    if (run->options->dry_run)
        report(run, NULL);
    return 0;
}

static int run_with(struct meta *meta, const struct str *repository, const struct retention_options *options,
                    uint64_t *removed, struct err *e)
{
    struct run *run = xcalloc(1, sizeof(*run));
    int rc = -1;

    run->options = options;
    run->meta = meta;
    run->removed = removed;
    run->reader = meta_reader_new(meta, e);
    if (run->reader != NULL)
        rc = repository == NULL ? repositories_each(run->reader, visit, run, e) : visit(*repository, run, e);
    drop_tags(run, 0);
    meta_reader_free(&run->reader);
    free(run);
    return rc;
}

int retention_run(struct meta *meta, const struct retention_options *options, uint64_t *removed, struct err *e)
{
    return run_with(meta, NULL, options, removed, e);
}

int retention_run_in(struct meta *meta, struct str repository, const struct retention_options *options,
                     uint64_t *removed, struct err *e)
{
    return run_with(meta, &repository, options, removed, e);
}
