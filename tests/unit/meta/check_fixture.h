/* For tests that change metadata in their own ways: is it whole by the check's rules, too? */
#ifndef BERTH_TEST_CHECK_FIXTURE_H
#define BERTH_TEST_CHECK_FIXTURE_H

#include "storage/meta/meta_check.h"
#include "tests/unit/meta/meta_fixture.h"

HELPER void fail_with_finding(const struct meta_finding *finding, void *arg)
{
    struct sbuf text = {0};

    (void)arg;
    meta_finding_text(finding, &text);
    test_fail(__FILE__, __LINE__, "%s", sbuf_text(&text));
}

HELPER void check_whole(struct meta *meta)
{
    const struct meta_check_options options = {.finding = fail_with_finding};
    struct meta_check_count count = {0};
    struct err e = {0};
    struct meta_check *check = meta_check_new(meta, &options, &e);
    bool more = true;

    while (more)
        if (meta_check_step(check, &count, &more, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
    meta_check_free(&check);
}

#endif
