/* Scrubs of the store of sweep_fixture.h, and what they have found. */
#ifndef BERTH_TEST_SCRUB_FIXTURE_H
#define BERTH_TEST_SCRUB_FIXTURE_H

#include <fcntl.h>
#include <unistd.h>

#include "storage/upkeep/scrub.h"
#include "tests/unit/upkeep/sweep_fixture.h"

static struct scrub_finding last_finding;
static struct scrub_count done;

HELPER void remember(const struct scrub_finding *finding, void *arg)
{
    (void)arg;
    last_finding = *finding;
}

HELPER struct scrub *new_scrub(struct yard *y, bool dry_run)
{
    const struct scrub_options options = {.dry_run = dry_run, .finding = remember};
    struct err e = {0};
    struct scrub *scrub = scrub_new(y->store, &options, &e);

    if (scrub == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    memset(&last_finding, 0, sizeof(last_finding));
    memset(&done, 0, sizeof(done));
    return scrub;
}

HELPER void write_file(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, n), (long long)n);
    close(fd);
}

#endif
