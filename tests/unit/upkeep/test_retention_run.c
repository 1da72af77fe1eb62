/* Rules of retention at work on tags that were all moved at NOW. */
#include "storage/upkeep/retention_run.h"

#include <stdlib.h>

#include "registry/base/clock.h"
#include "tests/unit/meta/history_check.h"

enum { LATER = NOW + 1000 };

struct seen {
    size_t n, kept, without_rule;
    struct world *world;
    const char *meanwhile; /* tag that is moved between judging and deleting */
    int asked;
};

static void see(const struct retention_item *item, void *arg)
{
    struct seen *seen = arg;

    seen->n++;
    seen->without_rule += item->rule == NULL;
    seen->kept += item->rule != NULL && item->tag.verdict != RETENTION_GOES;
}

static struct retention *rules_of(const char *pattern, uint64_t keep_last, uint64_t older_than_s)
{
    struct retention *retention = xcalloc(1, sizeof(*retention));
    struct retention_rule *rule = xcalloc(1, sizeof(*rule));

    retention->rules = rule;
    retention->n = 1;
    rule->repositories = xcalloc(1, sizeof(*rule->repositories));
    rule->repository_count = 1;
    CHECK_INT(pattern_parse(str_of(pattern), rule->repositories, NULL), 0);
    rule->keep_last = keep_last;
    rule->older_than_s = older_than_s;
    rule->origin = str_dup(STR("test:1"));
    return retention;
}

static bool move_tag(void *arg)
{
    struct seen *seen = arg;

    if (seen->meanwhile != NULL && ++seen->asked == 2)
        push_image(seen->world, "a", 7, seen->meanwhile, "");
    return false;
}

static uint64_t run(struct world *w, struct retention *rules, bool dry_run, struct seen *seen)
{
    struct retention_options options = {
        .rules = rules, .now = LATER, .dry_run = dry_run, .item = see, .arg = seen, .interrupt = {move_tag, seen}};
    uint64_t removed = 0;

    seen->world = w;
    if (retention_run(w->meta, &options, &removed, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    history_check(look(w));
    meta_done(w->reader);
    return removed;
}

static void push_tags(struct world *w, const char *repository, unsigned n)
{
    char tag[16];

    for (unsigned i = 0; i < n; i++) {
        snprintf(tag, sizeof(tag), "t%03u", i);
        push_image(w, repository, 1, tag, "");
    }
}

TEST(applies, "what rules let go of is deleted, over many changes, and nothing in repositories without a rule")
{
    struct retention *rules = rules_of("a/**", 10, 0);
    struct seen seen = {0};
    struct world w;

    world_open(&w);
    push_tags(&w, "a/b", 300);
    push_tags(&w, "c", 20);
    CHECK_INT(run(&w, rules, true, &seen), 290);
    CHECK_INT(seen.n, 301);
    CHECK_INT(seen.kept, 10);
    CHECK_INT(seen.without_rule, 1);
    CHECK_INT(table_entries(look(&w), KV_TAGS), 320);
    meta_done(w.reader);
    seen = (struct seen){0};
    CHECK_INT(run(&w, rules, false, &seen), 290);
    CHECK_INT(seen.n, 290);
    CHECK_INT(table_entries(look(&w), KV_TAGS), 30);
    meta_done(w.reader);
    CHECK_INT(run(&w, rules, false, &seen), 0);
    retention_free(&rules);
    world_close(&w);
}

TEST(undone, "what retention deleted can be put back")
{
    struct retention *rules = rules_of("**", 1, 0);
    struct op op = {.kind = TAG_RESTORE, .restore = {.repository = STR("a"), .tag = STR("t000"), .now = LATER}};
    struct seen seen = {0};
    struct digest d;
    struct world w;

    world_open(&w);
    push_tags(&w, "a", 2);
    d = push_image(&w, "a", 1, "t000", "");
    CHECK_INT(run(&w, rules, false, &seen), 1);
    CHECK_INT(tag_points_to(&w, "a", "t000", d), ERR_NOT_FOUND);
    CHECK_INT(world_run(&w, &op), 0);
    CHECK_INT(tag_points_to(&w, "a", "t000", d), 0);
    retention_free(&rules);
    world_close(&w);
}

TEST(meanwhile, "a tag that was moved after it was judged stays")
{
    struct retention *rules = rules_of("**", 0, 100);
    struct seen seen = {.meanwhile = "t001"};
    struct world w;

    world_open(&w);
    push_tags(&w, "a", 3);
    CHECK_INT(run(&w, rules, false, &seen), 2);
    CHECK_INT(seen.asked, 2);
    CHECK_INT(table_entries(look(&w), KV_TAGS), 1);
    meta_done(w.reader);
    retention_free(&rules);
    world_close(&w);
}

TEST(unknown, "a repository that nobody knows is said to be one")
{
    struct retention *rules = rules_of("**", 0, 100);
    const struct retention_options options = {.rules = rules, .now = LATER};
    uint64_t removed = 0;
    struct world w;

    world_open(&w);
    CHECK_INT(retention_run_in(w.meta, STR("none"), &options, &removed, &w.err), -1);
    CHECK_TEXT(w.err.text, "none: nothing was ever pushed under this name");
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    retention_free(&rules);
    world_close(&w);
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

TEST(cancelled, "it ends between two changes when it is told to")
{
    struct retention *rules = rules_of("**", 1, 0);
    const struct retention_options options = {.rules = rules, .now = LATER, .interrupt = {always, NULL}};
    uint64_t removed = 0;
    struct world w;

    world_open(&w);
    push_tags(&w, "a", 3);
    CHECK_INT(retention_run(w.meta, &options, &removed, &w.err), -1);
    CHECK_TEXT(w.err.text, "a: cancelled; what was deleted stays deleted");
    CHECK_INT(w.err.code, ERR_BUSY);
    CHECK_INT(removed, 0);
    retention_free(&rules);
    world_close(&w);
}
