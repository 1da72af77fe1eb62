#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/blob.h"

#define ABC    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA512 "sha512:"

static int fsync_calls;
static int fsync_fails_at; /* the call that gets EIO, counted from 1; 0: none */

/* In place of libc's: the only way to see what a failing disk does. */
int fsync(int fd)
{
    fsync_calls++;
    if (fsync_calls == fsync_fails_at) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static const char *root;
static struct digest abc;

static struct blob_store *fresh_store(void)
{
    struct err e = {0};
    struct blob_store *store;

    root = test_dir();
    fsync_fails_at = 0;
    digest_of(DIGEST_SHA256, "abc", 3, &abc);
    store = blob_store_open(root, &e);
    CHECK_TEXT(e.text, "");
    CHECK(store != NULL);
    return store;
}

static const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static bool exists(const char *name)
{
    struct stat st;

    return lstat(path_of(name), &st) == 0;
}

/* A file "new" with that text, and an open descriptor of it. */
static int new_file(const char *text)
{
    int fd = open(path_of("new"), O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, text, strlen(text), NULL), 0);
    return fd;
}

static void adopt(struct blob_store *store, const char *text)
{
    struct err e = {0};
    int fd = new_file(text);

    CHECK_INT(blob_adopt(store, &abc, path_of("new"), fd, &e), 0);
    close(fd);
}

static void check_content(struct blob_store *store, const char *text)
{
    char got[64] = "";
    uint64_t size = 0;
    struct err e;
    int fd = -1;

    CHECK_INT(blob_open(store, &abc, &fd, &size, &e), 0);
    CHECK_INT(size, strlen(text));
    CHECK_INT(read(fd, got, sizeof(got)), size);
    CHECK_TEXT(got, text);
    close(fd);
}

TEST(folders, "opening makes all 512 folders, private ones, and opening again is fine")
{
    struct blob_store *store = fresh_store();
    struct stat st;

    blob_store_close(&store);
    CHECK(store == NULL);
    CHECK(exists("blobs/sha256/00") && exists("blobs/sha256/ff") && exists("blobs/sha512/00"));
    CHECK_INT(stat(path_of("blobs/sha512/ff"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0700);
    store = blob_store_open(root, NULL);
    CHECK(store != NULL);
    blob_store_close(&store);
    blob_store_close(&store);
}

TEST(open_fails, "a root that is no directory is refused by name")
{
    struct err e;
    char wanted[600];

    root = test_dir();
    close(new_file(""));
    snprintf(wanted, sizeof(wanted), "blobs in %s/new/blobs: mkdir %s/new: something else has that name", root, root);
    CHECK(blob_store_open(path_of("new"), &e) == NULL);
    CHECK_TEXT(e.text, wanted);
}

TEST(open_needs_durable_folders, "a store whose folders cannot be made durable does not open")
{
    struct err e;

    root = test_dir();
    fsync_calls = 0;
    fsync_fails_at = 2;
    CHECK(blob_store_open(root, &e) == NULL);
    fsync_fails_at = 0;
    CHECK_INT(e.code, ERR_IO);
    CHECK(strstr(e.text, "fsync of folder sha512: Input/output error") != NULL);
}

TEST(adopting, "an adopted file is the blob, under its hexadecimal name, and gone from its old one")
{
    struct blob_store *store = fresh_store();

    adopt(store, "abc");
    CHECK(!exists("new"));
    CHECK(exists("blobs/sha256/ba/" ABC));
    check_content(store, "abc");
    blob_store_close(&store);
}

TEST(adopting_512, "a sha512 blob lies among its kind")
{
    struct blob_store *store = fresh_store();
    char text[DIGEST_TEXT_MAX], name[DIGEST_TEXT_MAX + 32];

    digest_of(DIGEST_SHA512, "abc", 3, &abc);
    digest_format(&abc, text);
    adopt(store, "abc");
    snprintf(name, sizeof(name), "blobs/sha512/%.2s/%s", text + strlen(SHA512), text + strlen(SHA512));
    CHECK(exists(name));
    check_content(store, "abc");
    blob_store_close(&store);
}

TEST(adopting_over, "adopting over an existing file replaces it, which repairs a damaged one")
{
    struct blob_store *store = fresh_store();

    adopt(store, "damaged");
    check_content(store, "damaged");
    adopt(store, "abc");
    check_content(store, "abc");
    blob_store_close(&store);
}

TEST(two_fsyncs, "adopting costs two fsyncs: the file and its folder")
{
    struct blob_store *store = fresh_store();
    int fd = new_file("abc");

    fsync_calls = 0;
    CHECK_INT(blob_adopt(store, &abc, path_of("new"), fd, NULL), 0);
    CHECK_INT(fsync_calls, 2);
    close(fd);
    blob_store_close(&store);
}

TEST(fsync_of_file_fails, "when the file cannot be made durable there is no blob, and the file is left alone")
{
    struct blob_store *store = fresh_store();
    int fd = new_file("abc");
    struct err e;

    fsync_calls = 0;
    fsync_fails_at = 1;
    CHECK_INT(blob_adopt(store, &abc, path_of("new"), fd, &e), -1);
    CHECK_INT(e.code, ERR_IO);
    CHECK_TEXT(e.text, "blob sha256:" ABC ": fsync: Input/output error");
    CHECK_INT(fsync_calls, 1);
    CHECK(exists("new") && !exists("blobs/sha256/ba/" ABC));
    close(fd);
    blob_store_close(&store);
}

TEST(fsync_of_folder_fails, "when the new name cannot be made durable, adopting fails")
{
    struct blob_store *store = fresh_store();
    int fd = new_file("abc");
    struct err e;

    fsync_calls = 0;
    fsync_fails_at = 2;
    CHECK_INT(blob_adopt(store, &abc, path_of("new"), fd, &e), -1);
    CHECK_TEXT(e.text, "blob sha256:" ABC ": fsync of folder sha256/ba: Input/output error");
    close(fd);
    blob_store_close(&store);
}

TEST(rename_fails, "a rename that fails is reported and leaves the file")
{
    struct blob_store *store = fresh_store();
    int fd = new_file("abc");
    struct err e;

    CHECK_INT(mkdir(path_of("blobs/sha256/ba/" ABC), 0700), 0);
    CHECK_INT(blob_adopt(store, &abc, path_of("new"), fd, &e), -1);
    CHECK_TEXT(e.text, "blob sha256:" ABC ": rename: Is a directory");
    CHECK(exists("new"));
    close(fd);
    blob_store_close(&store);
}

TEST(absent, "a blob that is not on disk is not found, waiting or not")
{
    struct blob_store *store = fresh_store();
    uint64_t size;
    struct err e;
    int fd;

    CHECK_INT(blob_open(store, &abc, &fd, &size, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_TEXT(e.text, "blob sha256:" ABC " is not on disk; push it again to restore it");
    CHECK_INT(blob_open_cached(store, &abc, &fd, &size, &e), -1);
    CHECK(e.code == ERR_NOT_FOUND || e.code == ERR_BUSY);
    blob_store_close(&store);
}

TEST(cached, "a blob just used opens without waiting, where the kernel can do that")
{
    struct blob_store *store = fresh_store();
    uint64_t size = 0;
    struct err e = {0};
    int fd = -1, rc;

    adopt(store, "abc");
    check_content(store, "abc");
    rc = blob_open_cached(store, &abc, &fd, &size, &e);
    if (rc == 0) {
        char got[4] = "";

        CHECK_INT(size, 3);
        CHECK_INT(read(fd, got, 3), 3);
        CHECK_TEXT(got, "abc");
        CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
    } else {
        CHECK_INT(e.code, ERR_BUSY);
        CHECK_TEXT(e.text, "blob sha256:" ABC ": opening it may wait for the disk");
    }
    blob_store_close(&store);
}

TEST(not_a_file, "links and folders in a blob's place are not followed or served")
{
    struct blob_store *store = fresh_store();
    uint64_t size;
    struct err e;
    int fd;

    CHECK_INT(symlink("/etc/passwd", path_of("blobs/sha256/ba/" ABC)), 0);
    CHECK_INT(blob_open(store, &abc, &fd, &size, &e), -1);
    CHECK_INT(e.code, ERR_DAMAGED);
    CHECK_TEXT(e.text,
               "blob sha256:" ABC " cannot be opened: Too many levels of symbolic links; push it again to repair it");
    CHECK_INT(blob_open_cached(store, &abc, &fd, &size, &e), -1);
    CHECK_INT(unlink(path_of("blobs/sha256/ba/" ABC)), 0);
    CHECK_INT(mkdir(path_of("blobs/sha256/ba/" ABC), 0700), 0);
    CHECK_INT(blob_open(store, &abc, &fd, &size, &e), -1);
    CHECK_TEXT(e.text, "blob sha256:" ABC " is not a regular file on disk; push it again to repair it");
    blob_store_close(&store);
}

TEST(removing, "a removed blob is gone, removing it again is no error, and an open descriptor reads on")
{
    struct blob_store *store = fresh_store();
    char got[4] = "";
    uint64_t size;
    struct err e;
    int fd = -1;

    adopt(store, "abc");
    CHECK_INT(blob_open(store, &abc, &fd, &size, &e), 0);
    CHECK_INT(blob_remove(store, &abc, &e), 0);
    CHECK(!exists("blobs/sha256/ba/" ABC));
    CHECK_INT(blob_remove(store, &abc, &e), 0);
    CHECK_INT(read(fd, got, 3), 3);
    CHECK_TEXT(got, "abc");
    close(fd);
    CHECK_INT(mkdir(path_of("blobs/sha256/ba/" ABC), 0700), 0);
    CHECK_INT(blob_remove(store, &abc, &e), -1);
    CHECK_TEXT(e.text, "blob sha256:" ABC ": remove: Is a directory");
    blob_store_close(&store);
}
