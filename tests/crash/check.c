/*
 * Is the metadata of a registry that is stopped as meta_record.h says? One line for each flaw, and exit status 1.
 * usage: check DIRECTORY          the data directory
 */
#include <stdio.h>

#include "registry/base/log.h"
#include "storage/meta/meta_check.h"
#include "storage/store.h"

static void say(const struct meta_finding *finding, void *arg)
{
    struct sbuf text = {0};

    (void)arg;
    meta_finding_text(finding, &text);
    printf("%s\n", sbuf_text(&text));
    sbuf_free(&text);
}

/* One pass over all tables. */
static int check(struct meta *meta, struct meta_check_count *count, struct err *e)
{
    const struct meta_check_options options = {.finding = say};
    struct meta_check *pass = meta_check_new(meta, &options, e);
    bool more = true;
    int rc = pass == NULL ? -1 : 0;

    while (rc == 0 && more)
        rc = meta_check_step(pass, count, &more, e);
    meta_check_free(&pass);
    return rc;
}

int main(int argc, char **argv)
{
    struct meta_check_count count = {0};
    struct err e = {0};
    struct store *store;
    int rc;

    if (argc != 2)
        return 2;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    store = store_open(argv[1], &e);
    rc = store == NULL ? -1 : check(store->meta, &count, &e);
    store_close(&store);
    if (rc != 0)
        printf("%s\n", e.text);
    return rc == 0 && count.findings == 0 && count.entries > 0 ? 0 : 1;
}
