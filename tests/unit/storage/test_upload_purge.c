/* What the purge of sessions that nobody came back for removes, and what it leaves. */
#include "tests/unit/storage/upload_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* Give a file of the last session a time `seconds` ago. */
static void age(const char *suffix, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};

    CHECK_INT(utimensat(AT_FDCWD, path_of(suffix), times, 0), 0);
}

TEST(purging, "the purge removes idle sessions that are old by the newer of their files, and no others")
{
    struct upload *u, *held;
    struct err e;

    open_uploads();
    CHECK_INT(uploads_purge(uploads, 0, 10, false), 0);
    held = create(DIGEST_SHA256);
    append(held, "abc", 3);
    age("", 7000);
    age(".state", 7000);
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    upload_release(&u);
    CHECK_INT(uploads_purge(uploads, 3600, 10, false), 0);
    age(".state", 7000);
    CHECK_INT(uploads_purge(uploads, 3600, 10, false), 0);
    age("", -7000); /* the clock was set back */
    CHECK_INT(uploads_purge(uploads, 3600, 10, false), 0);
    age("", 7000);
    CHECK_INT(uploads_purge(uploads, 7100, 10, false), 0);
    CHECK_INT(uploads_purge(uploads, 3600, 10, false), 1);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), -1);
    CHECK_INT(files_in_uploads(), 2);
    check_finish(held, DIGEST_SHA256, "abc", 3);
    close_uploads();
}

TEST(purging_orphans, "the purge removes data without a record, and leaves files alone that are not its own")
{
    struct upload *u;
    struct stat st;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    upload_release(&u);
    CHECK_INT(unlink(path_of(".state")), 0);
    CHECK_INT(file_replace(path_of(".other"), "x", 1, 0600, NULL), 0);
    CHECK_INT(uploads_purge(uploads, 3600, 10, false), 0);
    CHECK_INT(uploads_purge(uploads, 0, 10, false), 1);
    CHECK_INT(files_in_uploads(), 1);
    CHECK_INT(stat(path_of(".other"), &st), 0);
    close_uploads();
}

TEST(purging_limit, "the purge stops at its limit")
{
    open_uploads();
    for (int i = 0; i < 5; i++) {
        struct upload *u = create(DIGEST_SHA256);

        append(u, "abc", 3);
        upload_release(&u);
    }
    CHECK_INT(uploads_purge(uploads, 0, 0, false), 0);
    CHECK_INT(uploads_purge(uploads, 0, 2, false), 2);
    CHECK_INT(files_in_uploads(), 6);
    CHECK_INT(uploads_purge(uploads, 0, 100, false), 3);
    CHECK_INT(files_in_uploads(), 0);
    close_uploads();
}
