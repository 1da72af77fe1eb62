#include "registry/base/follow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

/* What adopt() has been told; a text that starts with "bad" is refused. */
struct keeper {
    char text[64];
    unsigned calls;
};

static char path[400];

static int adopt(void *argument, struct str bytes, struct err *e)
{
    struct keeper *keeper = argument;

    keeper->calls++;
    if (str_starts(bytes, STR("bad")))
        return err_set(e, ERR_INVALID, "%s: bad", path);
    snprintf(keeper->text, sizeof(keeper->text), "%.*s", (int)bytes.n, bytes.n == 0 ? "" : bytes.p);
    return 0;
}

static const struct follow_kind lines = {
    .what = "list",
    .keeps = "the old one stays",
    .limit = 20,
    .finished = follow_ends_in_newline,
    .adopt = adopt,
};

static const struct follow_kind anything = {
    .what = "list",
    .keeps = "the old one stays",
    .limit = 20,
    .adopt = adopt,
};

/* Written in place; settled unless `fresh`. Every version has a time of its own. */
static void write_file(const char *text, bool fresh)
{
    static time_t past = 1000000000;
    const struct timespec times[2] = {{.tv_sec = past}, {.tv_sec = past}};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    past++;
    if (fd < 0 || file_write(fd, text, strlen(text), NULL) != 0 || (!fresh && futimens(fd, times) != 0))
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
    close(fd);
}

static struct followed *follow(const char *text, const struct follow_kind *kind, struct keeper *keeper)
{
    struct followed *followed;
    struct err e;

    snprintf(path, sizeof(path), "%s/followed", test_dir());
    write_file(text, false);
    followed = follow_new(path, kind, keeper);
    if (follow_first(followed, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return followed;
}

/* The standard error of what comes in between. */
static int real_stderr = -1;

static void logged_begin(void)
{
    char name[420];
    int fd;

    fflush(stderr);
    real_stderr = dup(2);
    snprintf(name, sizeof(name), "%s.log", path);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, 2) < 0)
        test_fail(__FILE__, __LINE__, "cannot redirect stderr");
    close(fd);
}

static size_t logged_end(const char *what)
{
    char text[4096];
    ssize_t n = pread(2, text, sizeof(text) - 1, 0);
    size_t found = 0;

    text[n < 0 ? 0 : n] = '\0';
    dup2(real_stderr, 2);
    close(real_stderr);
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        found++;
    return found;
}

TEST(first, "the first reading gives back what is wrong, and may be tried again")
{
    struct keeper keeper = {0};
    struct followed *followed;
    char wanted[500];
    struct err e;

    snprintf(path, sizeof(path), "%s/first", test_dir());
    followed = follow_new(path, &lines, &keeper);
    logged_begin();
    CHECK_INT(follow_first(followed, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    write_file("bad\n", false);
    CHECK_INT(follow_first(followed, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: bad", path);
    CHECK_TEXT(e.text, wanted);
    write_file("this is over the limit\n", false);
    CHECK_INT(follow_first(followed, &e), -1);
    CHECK_INT(e.code, ERR_TOO_LARGE);
    CHECK_INT(follow_first(followed, NULL), -1);
    write_file("good, without an end", false);
    CHECK_INT(follow_first(followed, &e), 0);
    CHECK_TEXT(keeper.text, "good, without an end");
    CHECK_INT(logged_end("level"), 0);
    follow_free(&followed);
    CHECK(followed == NULL);
}

TEST(changes, "a changed file is adopted once, and an unchanged one never again, forced or not")
{
    struct keeper keeper = {0};
    struct followed *followed = follow("one\n", &lines, &keeper);

    CHECK(!follow_refresh(followed, false));
    CHECK(!follow_refresh(followed, true));
    logged_begin();
    write_file("two\n", false);
    CHECK(follow_refresh(followed, false));
    CHECK_TEXT(keeper.text, "two\n");
    write_file("two\n", true);
    CHECK(!follow_refresh(followed, false));
    CHECK(!follow_refresh(followed, false));
    CHECK_INT(keeper.calls, 2);
    CHECK_INT(logged_end("followed: read again"), 1);
    follow_free(&followed);
}

TEST(same_stamp, "bytes that changed behind the same stamp are found while the file is fresh")
{
    struct keeper keeper = {0};
    struct followed *followed = follow("one\n", &lines, &keeper);
    struct stat st;

    write_file("two\n", true);
    CHECK(stat(path, &st) == 0);
    CHECK(follow_refresh(followed, false));
    write_file("six\n", true);
    CHECK(utimensat(AT_FDCWD, path, (struct timespec[]){st.st_mtim, st.st_mtim}, 0) == 0);
    CHECK(follow_refresh(followed, false));
    CHECK_TEXT(keeper.text, "six\n");
    follow_free(&followed);
}

TEST(half_written, "an unfinished version waits until it is finished, found twice, or forced")
{
    struct keeper keeper = {0};
    struct followed *followed = follow("one\n", &lines, &keeper);

    write_file("", false);
    CHECK(!follow_refresh(followed, false));
    write_file("bad", false); /* would be "badge" */
    logged_begin();
    CHECK(!follow_refresh(followed, false));
    CHECK_INT(logged_end("level"), 0);
    write_file("two", false);
    CHECK(!follow_refresh(followed, false));
    write_file("two\n", false);
    CHECK(follow_refresh(followed, false));
    write_file("three", false);
    CHECK(!follow_refresh(followed, false));
    CHECK_TEXT(keeper.text, "two\n");
    CHECK(follow_refresh(followed, false));
    CHECK_TEXT(keeper.text, "three");
    write_file("four", false);
    CHECK(follow_refresh(followed, true));
    CHECK_TEXT(keeper.text, "four");
    follow_free(&followed);
}

TEST(always_finished, "a kind of file without an end is adopted as it is met")
{
    struct keeper keeper = {0};
    struct followed *followed = follow("one", &anything, &keeper);

    write_file("two", false);
    CHECK(follow_refresh(followed, false));
    CHECK_TEXT(keeper.text, "two");
    follow_free(&followed);
}

TEST(refused, "a refused version is logged once, once more when forced, and what is in force stays")
{
    struct keeper keeper = {0};
    struct followed *followed = follow("one\n", &lines, &keeper);

    logged_begin();
    write_file("bad\n", true);
    CHECK(!follow_refresh(followed, false));
    CHECK(!follow_refresh(followed, false));
    CHECK(!follow_refresh(followed, true));
    CHECK_INT(logged_end("followed: bad; the old one stays"), 2);
    CHECK_TEXT(keeper.text, "one\n");
    write_file("one\n", false); /* taken back */
    CHECK(follow_refresh(followed, false));
    follow_free(&followed);
}

TEST(trouble, "a file that cannot be read is logged once for each reason, and read when it can be")
{
    static const char *const reasons[] = {"followed: No such file or directory; the old one stays",
                                          "followed: larger than 20 bytes; the old one stays",
                                          "followed: not a regular file; the old one stays"};

    for (size_t i = 0; i < 3; i++) {
        struct keeper keeper = {0};
        struct followed *followed = follow("one\n", &lines, &keeper);

        logged_begin();
        CHECK(unlink(path) == 0);
        if (i == 1)
            write_file("this is over the limit\n", false);
        if (i == 2)
            CHECK(mkdir(path, 0700) == 0);
        CHECK(!follow_refresh(followed, false));
        CHECK(!follow_refresh(followed, false));
        CHECK(!follow_refresh(followed, true));
        CHECK_INT(logged_end(reasons[i]), 1);
        CHECK(remove(path) == 0 || i == 0);
        write_file("one\n", false);
        CHECK(!follow_refresh(followed, false)); /* is in force already */
        write_file("two\n", false);
        CHECK(follow_refresh(followed, false));
        CHECK_TEXT(keeper.text, "two\n");
        follow_free(&followed);
    }
}
