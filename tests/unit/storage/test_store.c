#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/clock_watch.h"
#include "storage/store.h"

static char root[400];

static void choose_root(const char *below)
{
    snprintf(root, sizeof(root), "%s%s", test_dir(), below);
}

static const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static struct store *open_store(void)
{
    struct err e = {0};
    struct store *store = store_open(root, &e);

    CHECK_TEXT(e.text, "");
    CHECK(store != NULL);
    return store;
}

TEST(creates, "opening makes a private data directory with all its parts, and closing leaves it to be opened again")
{
    static const char *const names[] = {".", "blobs", "blobs/sha256/00", "blobs/sha512/ff", "uploads", "meta"};
    struct store *store;

    choose_root("/new/data");
    for (int i = 0; i < 2; i++) {
        store = open_store();
        CHECK_TEXT(store->root, root);
        CHECK(store->blobs != NULL && store->uploads != NULL && store->meta != NULL);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            struct stat st;

            CHECK_INT(stat(path_of(names[j]), &st), 0);
            CHECK_INT(st.st_mode & 07777, 0700);
        }
        store_close(&store);
        CHECK(store == NULL);
    }
    store_close(&store);
}

TEST(keeps_mode, "a data directory that is there already keeps its mode")
{
    struct store *store;
    struct stat st;

    choose_root("");
    CHECK_INT(chmod(root, 0750), 0);
    store = open_store();
    store_close(&store);
    CHECK_INT(stat(root, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0750);
}

TEST(locked, "a directory in use is refused with its holder's process id, until it is released")
{
    struct store *store, *second;
    struct sbuf text = {0};
    char wanted[700];
    struct err e;

    choose_root("");
    store = open_store();
    CHECK_INT(file_read(path_of("berth.lock"), 100, &text, &e), 0);
    snprintf(wanted, sizeof(wanted), "%ld\n", (long)getpid());
    CHECK_TEXT(sbuf_text(&text), wanted);
    sbuf_free(&text);

    second = store_open(root, &e);
    CHECK(second == NULL);
    CHECK_INT(e.code, ERR_BUSY);
    snprintf(wanted, sizeof(wanted),
             "data directory %s is in use by process %ld; stop it first, or choose another "
             "storage.filesystem.rootdirectory",
             root, (long)getpid());
    CHECK_TEXT(e.text, wanted);
    CHECK(store_open(root, NULL) == NULL);
    store_close(&store);
    store = open_store();
    store_close(&store);
}

TEST(stale_lock, "a lock file left by a process that died does not keep anybody out")
{
    struct store *store;
    struct sbuf text = {0};
    char wanted[40];

    choose_root("");
    CHECK_INT(file_replace(path_of("berth.lock"), "4194304999\nrubbish\n", 19, 0600, NULL), 0);
    store = open_store();
    CHECK_INT(file_read(path_of("berth.lock"), 100, &text, NULL), 0);
    snprintf(wanted, sizeof(wanted), "%ld\n", (long)getpid());
    CHECK_TEXT(sbuf_text(&text), wanted);
    sbuf_free(&text);
    store_close(&store);
}

TEST(no_directory, "a root that is a file is refused by name")
{
    char wanted[500];
    struct err e;

    choose_root("/file");
    CHECK_INT(file_replace(root, "x", 1, 0600, NULL), 0);
    CHECK(store_open(root, &e) == NULL);
    snprintf(wanted, sizeof(wanted), "data directory %s: it is not a directory", root);
    CHECK_TEXT(e.text, wanted);
}

TEST(bad_part, "a part that cannot be opened is named, and the lock is released")
{
    char wanted[900];
    struct store *store;
    struct err e;

    choose_root("");
    CHECK_INT(file_replace(path_of("uploads"), "x", 1, 0600, NULL), 0);
    CHECK(store_open(root, &e) == NULL);
    snprintf(wanted, sizeof(wanted), "data directory %s: mkdir %s/uploads: something else has that name", root, root);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(unlink(path_of("uploads")), 0);
    store = open_store();
    store_close(&store);
}

TEST(other_file_system, "blobs and uploads on different file systems are refused at the start")
{
    struct stat here, there;
    struct err e;

    choose_root("");
    CHECK_INT(stat(root, &here), 0);
    if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev)
        return;
    CHECK_INT(symlink("/dev/shm", path_of("uploads")), 0);
    CHECK(store_open(root, &e) == NULL);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.text, ": blobs/ and uploads/ are on different file systems; mount one at the data directory") !=
          NULL);
}

TEST(upload_to_blob, "an upload through the store becomes a blob that is there after a restart")
{
    struct store *store;
    struct upload *u;
    struct iovec span;
    struct digest d;
    char text[] = "abc";
    uint64_t size = 0;
    struct err e = {0};
    int fd = -1;

    choose_root("");
    store = open_store();
    digest_of(DIGEST_SHA256, text, 3, &d);
    span = (struct iovec){.iov_base = text, .iov_len = 3};
    CHECK_INT(upload_create(store->uploads, STR("a"), STR(""), DIGEST_SHA256, &u, &e), 0);
    CHECK_INT(upload_append(u, &span, 1, &e), 0);
    CHECK_INT(upload_finish(&u, &d, &size, &e), 0);
    store_close(&store);
    store = open_store();
    CHECK_INT(blob_open(store->blobs, &d, &fd, &size, &e), 0);
    CHECK_INT(size, 3);
    close(fd);
    store_close(&store);
}

TEST(purge_jump, "a clock that is set forward makes no upload old enough to be purged")
{
    char bytes[] = "abc";
    struct iovec span = {.iov_base = bytes, .iov_len = 3};
    struct upload *u;
    struct store *store;
    struct err e = {0};
    size_t purged;

    store = store_open(test_dir(), &e);
    CHECK(store != NULL);
    CHECK_INT(upload_create(store->uploads, STR("a"), STR(""), DIGEST_SHA256, &u, &e), 0);
    CHECK_INT(upload_append(u, &span, 1, &e), 0);
    upload_release(&u);
    store->clock->wall_s -= 3600; /* what was seen last */
    CHECK_INT(store_purge_uploads(store, 1, 10, false, &purged, &e), -1);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_INT(purged, 0);
    CHECK_INT(store_purge_uploads(store, 0, 10, false, &purged, &e), 0);
    CHECK_INT(purged, 1);
    store_close(&store);
}
