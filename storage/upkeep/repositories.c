#include "storage/upkeep/repositories.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/meta/kv.h"

enum { PAGE = 100 };

struct names {
    char *items[PAGE];
    size_t n;
};

static bool add_name(struct str name, void *arg)
{
    struct names *names = arg;

    names->items[names->n++] = str_dup(name);
    return true;
}

/* One page of names after `last`, copied: the snapshot is let go. */
static int list_names(struct meta_reader *reader, struct str last, struct names *names, struct err *e)
{
    const struct catalog_query query = {.last = last, .limit = PAGE, .looks = PAGE};
    struct meta_txn *txn = meta_read(reader, e);
    bool more;
    int rc;

    names->n = 0;
    if (txn == NULL)
        return -1;
    rc = meta_catalog(txn, &query, add_name, names, &more, e);
    meta_done(reader);
    return rc;
}

static void free_names(struct names *names)
{
    while (names->n > 0)
        free(names->items[--names->n]);
}

int repositories_each(struct meta_reader *reader, repository_visit *visit, void *arg, struct err *e)
{
    char last[KV_KEY_MAX + 1] = "";
    struct names names = {0};
    int rc;

    do {
        free_names(&names);
        rc = list_names(reader, str_of(last), &names, e);
        for (size_t i = 0; i < names.n && rc == 0; i++) {
            rc = visit(str_of(names.items[i]), arg, e);
            if (rc != 0)
                err_wrap(e, "%s", names.items[i]);
        }
        if (names.n > 0)
            snprintf(last, sizeof(last), "%s", names.items[names.n - 1]);
    } while (rc == 0 && names.n > 0);
    free_names(&names);
    return rc;
}
