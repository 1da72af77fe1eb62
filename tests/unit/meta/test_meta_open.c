#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/meta/meta_fixture.h"

/* Both sanitizers need far more address space than the tests leave. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ADDRESS_SPACE_CAN_BE_LIMITED = 0 };
#else
enum { ADDRESS_SPACE_CAN_BE_LIMITED = 1 };
#endif

TEST(reopen, "what was written is there after closing and opening again, and ids go on where they stopped")
{
    struct world w;
    struct digest d;
    const char *directory = test_dir();

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    d = push_image(&w, "one", 1, "v1", "");
    world_close(&w);
    CHECK(w.meta == NULL && w.reader == NULL);
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    CHECK_INT(tag_points_to(&w, "one", "v1", d), 0);
    CHECK_INT(references(&w, "one", blob_digest(1)), 1);
    push_image(&w, "two", 5, "v1", "");
    CHECK_INT(tag_points_to(&w, "one", "v1", d), 0);
    CHECK_INT(table_entries(look(&w), KV_NAMES), 2);
    meta_done(w.reader);
    world_close(&w);
}

TEST(reopen_smaller, "metadata larger than the map it is opened with is opened whole")
{
    struct world w;
    struct digest d = blob_digest(1);
    const char *directory = test_dir();

    world_open_sized(&w, directory, 160 * 1024);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_INT(blob_put(&w, "app", blob_digest(i), 1, NOW), 0);
    world_close(&w);
    world_open_sized(&w, directory, 160 * 1024);
    CHECK_INT(table_entries(look(&w), KV_BLOBS), 1000);
    meta_done(w.reader);
    CHECK_INT(blob_put(&w, "other", d, 1, NOW), 0);
    world_close(&w);
}

/* A process that writes, hears that it is durable, and is killed with a reader in the middle of a snapshot. */
static void write_and_die(const char *directory, unsigned number)
{
    struct world w;

    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    push_image(&w, "app", number, "v1", "");
    look(&w);
    kill(getpid(), SIGKILL);
}

TEST(killed, "what was acknowledged survives SIGKILL, again and again")
{
    const char *directory = test_dir();
    struct blob_info info;
    struct world w;

    for (unsigned i = 0; i < 5; i++) {
        int status;
        pid_t child = fork();

        if (child == 0)
            write_and_die(directory, i * 10);
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    for (unsigned i = 0; i < 5; i++)
        CHECK_INT(blob_get(&w, "app", blob_digest(i * 10), &info), 0);
    CHECK_INT(table_entries(look(&w), KV_MANIFESTS), 5);
    meta_done(w.reader);
    world_close(&w);
}

static void leave_file(const char *directory, const char *name, const char *bytes)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    CHECK_INT(file_replace(path, bytes, strlen(bytes), 0600, NULL), 0);
}

static bool is_there(const char *directory, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

TEST(interrupted_making, "metadata whose making was interrupted, by a full disk or a power cut, are made anew")
{
    const char *directory = test_dir();
    struct world w;

    leave_file(directory, "new.mdb", "the first half of a page");
    leave_file(directory, "new.mdb-lock", "");
    leave_file(directory, "data.mdb", "");
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), 1, NOW), 0);
    world_close(&w);
    CHECK(!is_there(directory, "new.mdb") && !is_there(directory, "new.mdb-lock"));
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    CHECK_INT(table_entries(look(&w), KV_BLOBS), 1);
    meta_done(w.reader);
    world_close(&w);
}

TEST(damaged_not_remade, "metadata that are no such thing are refused and left as they are")
{
    const char *directory = test_dir();
    struct err e = {0};

    leave_file(directory, "data.mdb", "something else, or half a page that an older release left");
    CHECK(meta_open(directory, &e) == NULL);
    CHECK(strstr(e.text, "metadata: open: MDB_INVALID") != NULL);
    CHECK(!is_there(directory, "new.mdb"));
}

/* ---- what cannot be opened ---- */

static void store(const char *directory, enum kv_table table, struct str key, struct str value)
{
    struct err e = {0};
    struct kv *kv = kv_open(directory, KV_MAP_DEFAULT, &e);
    struct meta_txn *txn = kv == NULL ? NULL : kv_write(kv, &e);

    if (txn == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    kv_put(txn, table, key, value);
    if (kv_commit(txn, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    kv_close(&kv);
}

TEST(unknown_schema, "a schema of another version is refused with a text that says what to do")
{
    const char *directory = test_dir();
    char wanted[ERR_TEXT_MAX];
    struct err e = {0};

    store(directory, KV_INFO, STR("schema"), STR("\0\0\0\7"));
    CHECK(meta_open(directory, &e) == NULL);
    CHECK_INT(e.code, ERR_UNSUPPORTED);
    snprintf(wanted, sizeof(wanted),
             "%s: metadata has schema version 7 and this program knows versions 1 to 2; start the release of "
             "Berth that wrote it, or a newer one",
             directory);
    CHECK_TEXT(e.text, wanted);
}

TEST(damaged_schema, "a schema version that is no number is damage")
{
    const char *directory = test_dir();
    char wanted[ERR_TEXT_MAX];
    struct err e = {0};

    store(directory, KV_INFO, STR("schema"), STR("one"));
    CHECK(meta_open(directory, &e) == NULL);
    snprintf(wanted, sizeof(wanted),
             "%s: metadata: decode table info: damaged; stop the server and run `berth fsck`, or restore a backup",
             directory);
    CHECK_TEXT(e.text, wanted);
}

TEST(no_directory, "a directory that cannot be made is an error that names it")
{
    struct err e = {0};

    CHECK(meta_open("/proc/nowhere/meta", &e) == NULL);
    CHECK(strncmp(e.text, "/proc/nowhere/meta: ", 20) == 0);
}

TEST(not_a_database, "a file that is no database is an error, not a new database")
{
    const char *directory = test_dir();
    struct err e = {0};
    char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s/data.mdb", directory);
    f = fopen(path, "w");
    CHECK(f != NULL);
    for (int i = 0; i < 10000; i++)
        fputc('x', f);
    fclose(f);
    CHECK(meta_open(directory, &e) == NULL);
    CHECK_INT(e.code, ERR_IO);
    CHECK(strstr(e.text, "metadata: open: MDB_INVALID") != NULL);
}

TEST(damaged_record, "a record that does not decode fails what needs it, and nothing else")
{
    const char *directory = test_dir();
    struct manifest_view view;
    struct blob_info info;
    struct world w;

    store(directory, KV_REPOS, STR("bad"), STR("?"));
    world_open_sized(&w, directory, KV_MAP_DEFAULT);
    CHECK_INT(meta_tag_get(look(&w), STR("bad"), STR("v1"), &view, &w.err), -1);
    meta_done(w.reader);
    CHECK_INT(w.err.code, ERR_IO);
    CHECK_TEXT(w.err.text,
               "metadata: decode table repos: damaged; stop the server and run `berth fsck`, or restore a backup");
    CHECK_INT(blob_put(&w, "bad", blob_digest(1), 1, NOW), -1);
    CHECK_INT(w.err.code, ERR_IO);
    CHECK_INT(blob_put(&w, "good", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_get(&w, "good", blob_digest(1), &info), 0);
    world_close(&w);
}

/* ---- little address space ---- */

enum { EXIT_OPEN = 10, EXIT_PUT, EXIT_MAP, EXIT_GROWTH, EXIT_READ };

/* Run `body` in a process of its own with `limit` bytes of address space; returns its exit status. */
static int run_limited(int (*body)(const char *directory), const char *directory, rlim_t limit)
{
    struct rlimit space = {limit, limit};
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (setrlimit(RLIMIT_AS, &space) != 0)
            _exit(1);
        _exit(body(directory));
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static int open_and_put(const char *directory)
{
    struct world w = {.meta = meta_open(directory, NULL)};

    if (w.meta == NULL)
        return EXIT_OPEN;
    if (kv_map_bytes(meta_kv(w.meta)) >= KV_MAP_DEFAULT || kv_map_bytes(meta_kv(w.meta)) < KV_MAP_SMALLEST)
        return EXIT_MAP;
    if (blob_put(&w, "app", blob_digest(1), 1, NOW) != 0)
        return EXIT_PUT;
    meta_close(&w.meta);
    return 0;
}

/* A map that cannot double: the change that needs it fails, and reading goes on. */
static int fail_to_grow(const char *directory)
{
    struct world w = {.meta = meta_open_sized(directory, 160 * 1024, NULL)};
    struct rlimit none = {1 << 20, 1 << 20};
    struct blob_info info;
    int rc = 0;

    if (w.meta == NULL || (w.reader = meta_reader_new(w.meta, NULL)) == NULL)
        return EXIT_OPEN;
    if (blob_put(&w, "app", blob_digest(0), 1, NOW) != 0)
        return EXIT_PUT;
    if (setrlimit(RLIMIT_AS, &none) != 0)
        return 1;
    for (unsigned i = 1; i < 1000 && rc == 0; i++)
        rc = blob_put(&w, "app", blob_digest(i), 1, NOW);
    if (rc == 0 || w.err.code != ERR_NO_SPACE || strstr(w.err.text, "raise the limit on virtual memory") == NULL)
        return EXIT_GROWTH;
    return blob_get(&w, "app", blob_digest(0), &info) == 0 ? 0 : EXIT_READ;
}

TEST(little_address_space,
     "with little address space the map is smaller; when it cannot grow, that is an error and reads go on")
{
    if (!ADDRESS_SPACE_CAN_BE_LIMITED)
        return;
    CHECK_INT(run_limited(open_and_put, test_dir(), (rlim_t)3 << 30), 0);
    CHECK_INT(run_limited(fail_to_grow, test_dir(), RLIM_INFINITY), 0);
}
