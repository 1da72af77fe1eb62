#include "registry/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char path[512];

static const char *in_dir(const char *dir, const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void check_content(const char *file, const char *wanted)
{
    struct sbuf got = {0};
    struct err e = {0};

    if (file_read(file, 1 << 20, &got, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    CHECK_TEXT(got.p, wanted);
    CHECK_INT(got.n, strlen(wanted));
    sbuf_free(&got);
}

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    CHECK(d != NULL);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2; /* without . and .. */
}

static void *drain(void *argument)
{
    const int *fd = argument;
    static char buf[1000];
    size_t total = 0;
    ssize_t got;

    while ((got = read(*fd, buf, sizeof(buf))) > 0)
        total += (size_t)got;
    return (void *)total;
}

TEST(write_all, "a write goes on until all is taken, however small the pipe")
{
    static char bytes[300000];
    int fds[2];
    pthread_t reader;
    void *total = NULL;
    struct err e = {0};

    CHECK(pipe(fds) == 0);
    CHECK(pthread_create(&reader, NULL, drain, &fds[0]) == 0);
    CHECK_INT(file_write(fds[1], bytes, sizeof(bytes), &e), 0);
    close(fds[1]);
    pthread_join(reader, &total);
    close(fds[0]);
    CHECK_INT((size_t)total, sizeof(bytes));
}

TEST(write_fails, "a write that fails says why")
{
    struct err e = {0};
    int fd = open("/dev/full", O_WRONLY);

    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, "x", 1, &e), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK_TEXT(e.text, "write: No space left on device");
    close(fd);
}

TEST(write_spans, "spans are written at their offset, empty ones and many of them")
{
    static char letters[] = "ab", digits[] = "0123456789";
    struct iovec spans[3000];
    struct err e = {0};
    char wanted[3100];
    int fd;

    in_dir(test_dir(), "f");
    fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(file_write(fd, digits, 10, &e) == 0);
    for (size_t i = 0; i < 3000; i++)
        spans[i] = (struct iovec){&letters[i % 2], i % 3 == 0 ? 0 : 1};
    CHECK_INT(file_pwritev(fd, spans, 3000, 4, &e), 0);
    CHECK_INT(file_pwritev(fd, spans, 0, 0, &e), 0);
    close(fd);
    memcpy(wanted, "0123", 4);
    for (size_t i = 0, n = 4; i < 3000; i++) {
        if (i % 3 != 0)
            wanted[n++] = letters[i % 2];
        wanted[n] = '\0';
    }
    check_content(path, wanted);
}

TEST(write_spans_fails, "a span that cannot be written names its offset")
{
    char byte = 'x';
    struct iovec span = {&byte, 1};
    struct err e = {0};

    CHECK_INT(file_pwritev(-1, &span, 1, 77, &e), -1);
    CHECK_INT(e.code, ERR_IO);
    CHECK_TEXT(e.text, "write at offset 77: Bad file descriptor");
}

TEST(read_limit, "a file is read whole up to its limit, not a byte over it")
{
    struct sbuf got = {0};
    struct err e = {0};
    char wanted[600];

    in_dir(test_dir(), "f");
    CHECK(file_replace(path, "0123456789", 10, 0600, &e) == 0);
    CHECK_INT(file_read(path, 10, &got, &e), 0);
    CHECK_TEXT(got.p, "0123456789");
    CHECK_INT(file_read(path, 9, &got, &e), -1);
    CHECK_INT(e.code, ERR_TOO_LARGE);
    snprintf(wanted, sizeof(wanted), "%s: larger than 9 bytes", path);
    CHECK_TEXT(e.text, wanted);
    CHECK(truncate(path, 0) == 0);
    CHECK_INT(file_read(path, 0, &got, &e), 0);
    CHECK_INT(got.n, 0);
    CHECK_TEXT(got.p, "");
    sbuf_free(&got);
}

TEST(read_missing, "a file that is not there is not found, and a directory is no file")
{
    struct sbuf got = {0};
    struct err e = {0};
    char wanted[600];

    in_dir(test_dir(), "absent");
    CHECK_INT(file_read(path, 10, &got, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: No such file or directory", path);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(file_read("/", 10, &got, &e), -1);
    CHECK_TEXT(e.text, "/: read: Is a directory");
    sbuf_free(&got);
}

TEST(mkdirs, "missing parents are made, what is there is left alone")
{
    struct err e = {0};
    struct stat st;

    in_dir(test_dir(), "a/b//c/");
    CHECK_INT(file_mkdirs(path, 0750, &e), 0);
    CHECK(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_INT(st.st_mode & 0777, 0750);
    CHECK_INT(file_mkdirs(path, 0700, &e), 0);
    CHECK(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0750);
}

TEST(mkdirs_fails, "a file in the way, an empty and an endless name are errors")
{
    const char *dir = test_dir();
    char wanted[600], blocked[512], endless[5000];
    struct err e = {0};

    in_dir(dir, "f");
    CHECK(file_replace(path, "", 0, 0600, &e) == 0);
    CHECK_INT(file_mkdirs(path, 0700, &e), -1);
    CHECK_INT(e.code, ERR_EXISTS);
    snprintf(wanted, sizeof(wanted), "mkdir %s: something else has that name", path);
    CHECK_TEXT(e.text, wanted);
    snprintf(blocked, sizeof(blocked), "%s/f/x", dir);
    CHECK_INT(file_mkdirs(blocked, 0700, &e), -1);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(file_mkdirs("", 0700, &e), -1);
    CHECK_TEXT(e.text, "directory name of 0 bytes");
    memset(endless, 'x', sizeof(endless));
    endless[sizeof(endless) - 1] = '\0';
    CHECK_INT(file_mkdirs(endless, 0700, &e), -1);
    CHECK_TEXT(e.text, "directory name of 4999 bytes");
}

TEST(replace, "a new file gets its mode, a replaced one keeps its own, and nothing else stays behind")
{
    const char *dir = test_dir();
    struct err e = {0};
    struct stat st;

    in_dir(dir, "f");
    CHECK_INT(file_replace(path, "old", 3, 0640, &e), 0);
    CHECK(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    CHECK(chmod(path, 0604) == 0);
    CHECK_INT(file_replace(path, "new!", 4, 0600, &e), 0);
    CHECK(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0604);
    check_content(path, "new!");
    CHECK_INT(entries(dir), 1);
}

TEST(replace_here, "a name without a directory is replaced in the current one")
{
    struct err e = {0};
    char before[4096];

    CHECK(getcwd(before, sizeof(before)) != NULL && chdir(test_dir()) == 0);
    CHECK_INT(file_replace("plain", "x", 1, 0600, &e), 0);
    check_content("plain", "x");
    CHECK(chdir(before) == 0);
}

TEST(replace_fails, "what cannot replace leaves nothing behind and names the file")
{
    const char *dir = test_dir();
    struct err e = {0};
    char wanted[600];

    in_dir(dir, "d");
    CHECK(mkdir(path, 0700) == 0);
    CHECK_INT(file_replace(path, "x", 1, 0600, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: rename: Is a directory", path);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(entries(dir), 1);
    in_dir(dir, "absent/f");
    CHECK_INT(file_replace(path, "x", 1, 0600, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
}

TEST(sync_dir, "a directory that is none cannot be synced")
{
    const char *dir = test_dir();
    struct err e = {0};
    char wanted[600];

    CHECK_INT(file_sync_dir(dir, &e), 0);
    in_dir(dir, "f");
    CHECK(file_replace(path, "", 0, 0600, &e) == 0);
    CHECK_INT(file_sync_dir(path, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: Not a directory", path);
    CHECK_TEXT(e.text, wanted);
}

TEST(read_regular, "a pipe that nobody writes to does not stop who wants a regular file")
{
    struct sbuf got = {0};
    struct err e = {0};
    char wanted[600];

    in_dir(test_dir(), "f");
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_INT(file_read_regular(path, 10, &got, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    snprintf(wanted, sizeof(wanted), "%s: not a regular file", path);
    CHECK_TEXT(e.text, wanted);
    CHECK(unlink(path) == 0);
    CHECK_INT(file_read_regular(path, 10, &got, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_INT(file_replace(path, "0123", 4, 0600, &e), 0);
    CHECK_INT(file_read_regular(path, 10, &got, &e), 0);
    CHECK_TEXT(got.p, "0123");
    sbuf_free(&got);
}

static const struct {
    mode_t before, after;
    bool narrowed;
} modes[] = {{0644, 0600, true}, {0604, 0600, true}, {0777, 0600, true}, {0640, 0640, false}, {0400, 0400, false}};

TEST(replace_secret, "a secret that was open to everybody is not any more; a group that it was given to keeps it")
{
    struct err e = {0};
    struct stat st;
    bool narrowed;

    in_dir(test_dir(), "f");
    CHECK_INT(file_replace_secret(path, "new", 3, &narrowed, &e), 0);
    CHECK(stat(path, &st) == 0 && !narrowed);
    CHECK_INT(st.st_mode & 07777, 0600);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        CHECK(chmod(path, modes[i].before) == 0);
        CHECK_INT(file_replace_secret(path, "next", 4, &narrowed, &e), 0);
        CHECK(stat(path, &st) == 0);
        CHECK_INT(st.st_mode & 07777, modes[i].after);
        CHECK_INT(narrowed, modes[i].narrowed);
        check_content(path, "next");
    }
}
