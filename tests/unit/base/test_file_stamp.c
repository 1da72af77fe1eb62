#include "registry/base/file_stamp.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "tests/unit/test.h"

enum { LONG_AGO = 1000000000 };

static char path[400];

static void name_file(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
}

static void write_file(const char *text, time_t modified, long nanoseconds)
{
    const struct timespec times[2] = {{modified, nanoseconds}, {modified, nanoseconds}};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || file_write(fd, text, strlen(text), NULL) != 0 || futimens(fd, times) != 0)
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
    close(fd);
}

static struct file_stamp take(void)
{
    struct file_stamp stamp;
    struct err e;

    if (file_stamp_take(path, &stamp, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return stamp;
}

static bool same(struct file_stamp then, struct file_stamp now)
{
    return file_stamp_same(&then, &now);
}

TEST(versions, "size, time to the nanosecond, and another file under the same name each make another stamp")
{
    struct file_stamp first;

    name_file("versions");
    write_file("one", LONG_AGO, 1);
    first = take();
    CHECK(first.present && first.settled);
    CHECK(same(first, take()));
    write_file("two", LONG_AGO, 2);
    CHECK(!same(first, take()));
    write_file("three", LONG_AGO, 1);
    CHECK(!same(first, take()));
    write_file("one", LONG_AGO + 1, 1);
    CHECK(!same(first, take()));
    write_file("one", LONG_AGO, 1);
    CHECK(same(first, take()));
    CHECK(file_replace(path, "two", 3, 0600, NULL) == 0);
    write_file("two", LONG_AGO, 1);
    CHECK(!same(first, take()));
}

TEST(unsettled, "a file modified a moment ago, or in the future, is never certainly the same")
{
    static const struct {
        int ago_s;
        bool settled;
    } cases[] = {{-3600, false}, {0, false}, {1, false}, {30, true}, {86400, true}};

    name_file("unsettled");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file_stamp stamp;

        write_file("text", (time_t)clock_wall_s() - cases[i].ago_s, 0);
        stamp = take();
        CHECK_INT(stamp.settled, cases[i].settled);
        CHECK_INT(same(stamp, take()), cases[i].settled);
    }
}

TEST(absent, "a file that is not there has a stamp: the same as long as it is not there")
{
    struct file_stamp absent, present;
    char wanted[500];
    struct err e;

    name_file("absent");
    memset(&absent, 0xff, sizeof(absent));
    CHECK_INT(file_stamp_take(path, &absent, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: No such file or directory", path);
    CHECK_TEXT(e.text, wanted);
    CHECK(!absent.present);
    CHECK(same(absent, absent));
    write_file("text", LONG_AGO, 0);
    present = take();
    CHECK(!same(absent, present));
    CHECK(!same(present, absent));
}

TEST(other_kinds, "links are followed; what is not a regular file is refused")
{
    const char *directory = test_dir();
    struct file_stamp stamp;
    char wanted[500];
    struct err e;

    snprintf(path, sizeof(path), "%s/target", directory);
    write_file("text", LONG_AGO, 0);
    stamp = take();
    snprintf(path, sizeof(path), "%s/link", directory);
    CHECK(symlink("target", path) == 0);
    CHECK(same(stamp, take()));
    CHECK_INT(file_stamp_take(directory, &stamp, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    snprintf(wanted, sizeof(wanted), "%s: not a regular file", directory);
    CHECK_TEXT(e.text, wanted);
    CHECK(!stamp.present);
    CHECK_INT(file_stamp_take(directory, &stamp, NULL), -1);
}
