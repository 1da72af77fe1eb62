/* The sweeper's thread: what each of its walks looks at. */
#include "registry/background/sweeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/log.h"
#include "tests/unit/test.h"

enum { PATIENCE_MS = 60 * 1000 };

/* A blob of nothing but a file. */
static void path_of(const struct store *store, const char *two, char path[600])
{
    char hex[65] = "";

    for (int i = 0; i < 32; i++)
        memcpy(hex + 2 * (size_t)i, two, 3);
    snprintf(path, 600, "%s/blobs/sha256/%s/%s", store->root, two, hex);
}

static void leave_file(const struct store *store, const char *two)
{
    char path[600];
    int fd;

    path_of(store, two, path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
}

static bool file_is_there(const struct store *store, const char *two)
{
    char path[600];

    path_of(store, two, path);
    return access(path, F_OK) == 0;
}

struct put {
    struct meta_change change; /* first */
    struct digest digest;
};

static int apply_put(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    return meta_blob_put(txn, STR("a"), &((struct put *)change)->digest, 1, 1, e);
}

/* Put a blob that may be swept at once, and wait until it is: the walk before that one is over then. */
static void await_walk(const struct store *store)
{
    const struct timespec pause = {0, 10 * 1000000L};
    struct meta_reader *reader = meta_reader_new(store->meta, NULL);
    struct put put = {.change.apply = apply_put};
    bool known = true;

    digest_of(DIGEST_SHA256, "x", 1, &put.digest);
    CHECK_INT(meta_write(store->meta, &put.change), 0);
    for (int ms = 0; known; ms += 10) {
        CHECK(ms < PATIENCE_MS);
        nanosleep(&pause, NULL);
        CHECK_INT(meta_blob_known(meta_read(reader, NULL), &put.digest, &known, NULL), 0);
        meta_done(reader);
    }
    meta_reader_free(&reader);
}

TEST(files_once, "files without a record are looked for in the first walk, and not in each one after it")
{
    const struct config config = {.garbage_collection = {.enabled = true, .interval_s = 1, .rate = 1000}};
    struct store *store = store_open(test_dir(), NULL);
    struct sweeper *sweeper;
    struct live live;

    CHECK(store != NULL);
    live_init(&live, &config);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    leave_file(store, "ab");
    sweeper = sweeper_start(&config, &live, store, NULL);
    CHECK(sweeper != NULL);
    await_walk(store);
    await_walk(store);
    CHECK(!file_is_there(store, "ab"));
    leave_file(store, "cd");
    await_walk(store);
    await_walk(store);
    CHECK(file_is_there(store, "cd"));
    sweeper_stop(&sweeper);
    CHECK(sweeper == NULL);
    store_close(&store);
}

TEST(readonly, "nothing is swept while the server is read-only, and what is due when it may be written to again is")
{
    const struct config config = {.readonly = true,
                                  .garbage_collection = {.enabled = true, .interval_s = 1, .rate = 1000}};
    const struct timespec pause = {1, 500 * 1000 * 1000}; /* the first walk is due after a second */
    struct store *store = store_open(test_dir(), NULL);
    struct sweeper *sweeper;
    struct live live;

    CHECK(store != NULL);
    live_init(&live, &config);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    leave_file(store, "ef");
    sweeper = sweeper_start(&config, &live, store, NULL);
    CHECK(sweeper != NULL);
    nanosleep(&pause, NULL);
    CHECK(file_is_there(store, "ef"));
    live_set_readonly(&live, false);
    await_walk(store);
    await_walk(store);
    CHECK(!file_is_there(store, "ef"));
    live_set_readonly(&live, true);
    sweeper_stop(&sweeper);
    store_close(&store);
}
