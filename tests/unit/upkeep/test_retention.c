/* Which tags a rule lets go of: tags are written "name@moved" or "name@moved<pulled", and what stays is compared. */
#include "storage/upkeep/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

enum { TODAY = 1000, MOST = 16 };

struct scene {
    const char *sentence;
    uint64_t keep_last;
    const char *keep_matching; /* globs, separated by blanks */
    uint64_t older_than_s, not_pulled_for_s;
    uint64_t since;
    const char *tags;
    const char *goes; /* in the same order */
};

static const struct scene scenes[] = {
    {"only the newest stay when nothing else is said", 2, "", 0, 0, 0, "a@1 b@5 c@3", "a"},
    {"fewer than are to be kept all stay", 9, "", 0, 0, 0, "a@1 b@5 c@3", ""},
    {"of tags moved at once the greater names count as newer", 1, "", 0, 0, 0, "b@5 a@5 c@5", "b a"},
    {"names keep, and all others go", 0, "v* latest", 0, 0, 0, "v1@1 latest@2 old@3 1v@4", "old 1v"},
    {"the newest are counted with those that names keep", 1, "v*", 0, 0, 0, "v9@9 a@8 b@7", "a b"},
    {"older than its limit goes, just as old does not", 0, "", 100, 0, 0, "a@899 b@900 c@901", "a"},
    {"a tag from the future is young", 0, "", 100, 0, 0, "a@2000", ""},
    {"tags from the future are kept beside the newest, not instead of them", 1, "", 0, 0, 0, "a@2000 b@999 c@2 d@3000",
     "c"},
    {"age keeps what number does not", 1, "", 100, 0, 0, "a@1 b@950 c@960 d@2", "a d"},
    {"not pulled for so long goes", 0, "", 0, 100, 0, "a@1<899 b@1<900 c@1<950", "a"},
    {"never pulled counts from when it was moved", 0, "", 0, 100, 0, "a@1 b@950", "a"},
    {"an old pull of what was moved lately does not count", 0, "", 0, 100, 0, "a@950<1", ""},
    {"what was not pulled since pulls are noted counts from then", 0, "", 0, 100, 950, "a@1 b@1<2", ""},
    {"both conditions must hold", 0, "", 100, 100, 0, "a@1<990 b@950<1 c@1<1 d@1", "c d"},
    {"keeps win over conditions", 1, "v*", 100, 100, 0, "a@3 b@2 v1@1 c@1", "b c"},
    {"a repository without tags is no trouble", 1, "", 0, 0, 0, "", ""},
};

static size_t take_tags(char *text, struct retention_tag *tags)
{
    size_t n = 0;
    char *save = NULL;

    for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *at = strchr(word, '@'), *end;

        tags[n] = (struct retention_tag){.tag = {word, (size_t)(at - word)}, .moved = strtoull(at + 1, &end, 10)};
        tags[n].pushed = 1;
        tags[n].pulled = *end == '<' ? strtoull(end + 1, NULL, 10) : 0;
        n++;
    }
    return n;
}

static void judge_all(const struct retention_rule *rule, struct retention_tag *tags, size_t n, uint64_t since)
{
    struct retention_newest newest;

    retention_newest_begin(&newest, rule, TODAY);
    for (size_t i = 0; i < n; i++)
        retention_newest_add(&newest, tags[i].tag, tags[i].moved);
    for (size_t i = 0; i < n; i++)
        retention_judge(rule, &newest, &tags[i], since);
    retention_newest_free(&newest);
}

static void check_scene(const struct scene *scene)
{
    struct retention_rule rule = {.keep_last = scene->keep_last,
                                  .older_than_s = scene->older_than_s,
                                  .not_pulled_for_s = scene->not_pulled_for_s};
    struct retention_tag tags[MOST];
    char text[200], globs[100], *keep[MOST], *save = NULL;
    char got[200] = "";
    size_t n;

    snprintf(text, sizeof(text), "%s", scene->tags);
    snprintf(globs, sizeof(globs), "%s", scene->keep_matching);
    for (char *word = strtok_r(globs, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        keep[rule.keep_matching_count++] = word;
    rule.keep_matching = keep;
    n = take_tags(text, tags);
    judge_all(&rule, tags, n, scene->since);
    for (size_t i = 0; i < n; i++)
        if (tags[i].verdict == RETENTION_GOES)
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", got[0] == '\0' ? "" : " ",
                     (int)tags[i].tag.n, tags[i].tag.p);
    if (strcmp(got, scene->goes) != 0)
        test_fail(__FILE__, __LINE__, "%s: \"%s\" go, not \"%s\"", scene->sentence, got, scene->goes);
}

TEST(judge, "a tag goes when all conditions hold and nothing keeps it")
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        check_scene(&scenes[i]);
}

TEST(newest, "of many tags in any order exactly the last are found")
{
    enum { MANY = 2000, KEPT = 37 };
    const struct retention_rule rule = {.keep_last = KEPT};
    struct retention_newest newest;
    char tag[16];

    retention_newest_begin(&newest, &rule, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned moved = i * 37 % MANY; /* each number once, as 37 and MANY have no factor in common */

        snprintf(tag, sizeof(tag), "t%u", moved % 3);
        retention_newest_add(&newest, str_of(tag), moved);
    }
    CHECK_INT(newest.n, KEPT);
    for (unsigned moved = 0; moved < MANY; moved++) {
        snprintf(tag, sizeof(tag), "t%u", moved % 3);
        CHECK_INT(retention_newest_has(&newest, str_of(tag), moved), moved >= MANY - KEPT);
    }
    CHECK(retention_newest_has(&newest, STR("later"), MANY + 1));
    retention_newest_free(&newest);
}

TEST(pushed, "a manifest that was pushed again lately counts as needed")
{
    const struct retention_rule rule = {.not_pulled_for_s = 100};
    struct retention_tag tag = {.tag = STR("a"), .moved = 1, .pushed = 950};

    CHECK(!retention_holds(&rule, &tag, TODAY, 0));
    CHECK_INT(tag.verdict, RETENTION_PULLED);
    CHECK(retention_holds(&rule, &tag, TODAY + 200, 0));
}

TEST(reasons, "what keeps a tag is told, with the glob")
{
    char *globs[] = {(char *)(uintptr_t) "x*", (char *)(uintptr_t) "v*"};
    const struct retention_rule rule = {
        .keep_last = 1, .keep_matching = globs, .keep_matching_count = 2, .older_than_s = 100};
    struct retention_tag tags[] = {
        {.tag = STR("v1"), .moved = 2}, {.tag = STR("new"), .moved = 999}, {.tag = STR("young"), .moved = 990}};

    judge_all(&rule, tags, 3, 0);
    CHECK_INT(tags[0].verdict, RETENTION_MATCHING);
    CHECK_TEXT(tags[0].matching, "v*");
    CHECK_INT(tags[1].verdict, RETENTION_NEWEST);
    CHECK_INT(tags[2].verdict, RETENTION_YOUNG);
}

TEST(flaws, "a rule that says neither what stays nor when something goes is refused")
{
    struct pattern all = {0};
    struct retention_rule rule = {.keep_last = 1};

    CHECK_TEXT(retention_rule_flaw(&rule), "no repositories; name them, or write [\"**\"] for all");
    rule.repositories = &all;
    rule.repository_count = 1;
    CHECK(retention_rule_flaw(&rule) == NULL);
    rule.keep_last = 0;
    CHECK_TEXT(retention_rule_flaw(&rule),
               "it would delete every tag; add what to keep (keeplast, keepmatching) or when a tag may go (olderthan, "
               "notpulledfor)");
    rule.older_than_s = 1;
    CHECK(retention_rule_flaw(&rule) == NULL);
}
