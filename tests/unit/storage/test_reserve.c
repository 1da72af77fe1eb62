#include "storage/reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct reserve reserve_of(uint64_t bytes)
{
    struct reserve reserve = {.dir = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), .bytes = bytes};

    CHECK(reserve.dir >= 0);
    return reserve;
}

static uint64_t room(const struct reserve *reserve)
{
    struct statvfs fs;

    CHECK_INT(fstatvfs(reserve->dir, &fs), 0);
    return fs.f_bavail * fs.f_frsize;
}

TEST(none, "without a reserve everything may be written")
{
    struct reserve reserve = reserve_of(0);

    CHECK_INT(reserve_take(&reserve, UINT64_MAX / 2, 1000, NULL), 0);
    close(reserve.dir);
}

TEST(counted, "what is written between two looks is counted, and what was refused is not")
{
    struct reserve reserve = reserve_of(1 << 20);
    struct err e;

    CHECK_INT(reserve_take(&reserve, 1, 1000, &e), 0);
    reserve.left = 100;
    CHECK_INT(reserve_take(&reserve, 60, 1500, &e), 0);
    CHECK_INT(reserve_take(&reserve, 41, 1600, &e), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK_TEXT(e.text, "no more than the reserve of 1048576 bytes is free on the disk (storage.filesystem.reserve)");
    CHECK_INT(reserve_take(&reserve, 40, 1999, &e), 0);
    CHECK_INT(reserve_take(&reserve, 1, 1999, &e), -1);
    CHECK_INT(reserve_take(&reserve, 1, 2000, &e), 0); /* a second after the first: the file system is asked again */
    close(reserve.dir);
}

TEST(reserve, "the reserve is taken off what the file system has left")
{
    struct reserve reserve = reserve_of(0);
    uint64_t free_bytes = room(&reserve);
    struct err e;

    reserve.bytes = free_bytes / 2;
    CHECK_INT(reserve_take(&reserve, 1, 1000, &e), 0);
    CHECK(reserve.left < (int64_t)(free_bytes / 4 * 3) && reserve.left > (int64_t)(free_bytes / 4));
    close(reserve.dir);
}

TEST(silence, "a file system that does not answer keeps nobody from writing")
{
    struct reserve reserve = {.dir = -1, .bytes = 1 << 20};

    CHECK_INT(reserve_take(&reserve, 1 << 30, 1000, NULL), 0);
}
