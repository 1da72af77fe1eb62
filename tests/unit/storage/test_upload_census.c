#include "storage/upload_census.h"

#include "tests/unit/storage/upload_fixture.h"

static int begin(struct str repository, struct err *e)
{
    struct upload *u = NULL;

    if (upload_create(uploads, repository, OWNER, DIGEST_SHA256, &u, e) != 0)
        return -1;
    memcpy(last_id, upload_id(u), sizeof(last_id));
    upload_release(&u);
    return 0;
}

static void limit(size_t total, size_t per_repository)
{
    uploads_limit(uploads, &(struct upload_limits){total, per_repository}, 0);
}

TEST(repository, "a repository has so many sessions at once; others are not concerned")
{
    struct err e = {0};

    open_uploads();
    limit(100, 2);
    CHECK_INT(begin(STR("a"), &e), 0);
    CHECK_INT(begin(STR("a"), &e), 0);
    CHECK_INT(begin(STR("a"), &e), -1);
    CHECK_INT(e.code, ERR_TOO_MANY);
    CHECK_TEXT(e.text, "this repository has 2 unfinished uploads, as many as it may have; finish or cancel some "
                       "(storage.limits.uploadsperrepository)");
    CHECK_INT(begin(STR("a/b"), &e), 0);
    CHECK_INT(uploads_total(uploads), 3);
    CHECK_INT(files_in_uploads(), 3);
    close_uploads();
}

TEST(total, "the registry has so many sessions at once, whatever their repositories")
{
    struct err e = {0};

    open_uploads();
    limit(2, 100);
    CHECK_INT(begin(STR("a"), &e), 0);
    CHECK_INT(begin(STR("b"), &e), 0);
    CHECK_INT(begin(STR("c"), &e), -1);
    CHECK_INT(e.code, ERR_TOO_MANY);
    CHECK_TEXT(e.text, "the registry has 2 unfinished uploads, as many as it may have; finish or cancel some "
                       "(storage.limits.uploads)");
    close_uploads();
}

TEST(ends, "a session that ends makes room: finished, cancelled, wrong or purged")
{
    struct err e = {0};
    struct digest wrong;
    struct upload *u;
    uint64_t size;

    open_uploads();
    limit(1, 1);
    u = create(DIGEST_SHA256);
    append(u, "bytes", 5);
    check_finish(u, DIGEST_SHA256, "bytes", 5);
    CHECK_INT(uploads_total(uploads), 0);

    u = create(DIGEST_SHA256);
    CHECK_INT(upload_cancel(&u, &e), 0);
    CHECK_INT(uploads_total(uploads), 0);

    u = create(DIGEST_SHA256);
    digest_of(DIGEST_SHA256, "other", 5, &wrong);
    CHECK_INT(upload_finish(&u, &wrong, &size, &e), -1);
    CHECK_INT(uploads_total(uploads), 0);

    CHECK_INT(begin(REPOSITORY, &e), 0);
    CHECK_INT(uploads_purge(uploads, 0, 10, true), 0);
    CHECK_INT(uploads_total(uploads), 1);
    CHECK_INT(uploads_purge(uploads, 0, 10, false), 1);
    CHECK_INT(uploads_total(uploads), 0);
    CHECK_INT(begin(REPOSITORY, &e), 0);
    close_uploads();
}

TEST(failure, "a session that could not be made is not counted")
{
    struct err e = {0};
    char long_name[300];

    memset(long_name, 'a', sizeof(long_name));
    open_uploads();
    CHECK_INT(begin((struct str){long_name, sizeof(long_name)}, &e), -1);
    CHECK_INT(uploads_total(uploads), 0);
    close_uploads();
}

TEST(restart, "sessions of an earlier life are counted piece by piece, each once, and only those with a record")
{
    struct err e = {0};
    struct upload *held;
    int pieces = 1;

    open_uploads();
    for (int i = 0; i < 5; i++)
        CHECK_INT(begin(STR("a"), &e), 0);
    held = create(DIGEST_SHA256);
    append(held, "x", 1); /* a second file of the same session */
    upload_release(&held);
    restart_uploads();
    limit(7, 100);
    held = acquire();
    CHECK_INT(begin(STR("b"), &e), 0); /* counted already when its turn comes */
    CHECK_INT(uploads_total(uploads), 1);
    while (uploads_count_some(uploads, 2))
        pieces++;
    CHECK(pieces >= 4);
    CHECK_INT(uploads_total(uploads), 7);
    CHECK(!uploads_count_some(uploads, 100));
    CHECK_INT(uploads_total(uploads), 7);
    CHECK_INT(begin(STR("c"), &e), -1);
    CHECK_INT(upload_cancel(&held, &e), 0);
    CHECK_INT(begin(STR("c"), &e), 0);
    close_uploads();
}

TEST(twice, "counting one session twice, or taking out one that was not counted, changes nothing")
{
    static const char one[] = "00000000-0000-4000-8000-000000000001", two[] = "00000000-0000-4000-8000-000000000002";
    struct upload_census *census = census_new();

    census_add(census, one, STR("a"));
    census_add(census, one, STR("a"));
    census_remove(census, two);
    CHECK_INT(census_total(census), 1);
    census_remove(census, one);
    census_remove(census, one);
    CHECK_INT(census_total(census), 0);
    census_free(&census);
    CHECK(census == NULL);
}

TEST(reserve, "with only the reserve left no session begins, none grows, and one that has its bytes still ends")
{
    char more[] = "more";
    struct iovec span = {.iov_base = more, .iov_len = 4};
    struct err e = {0};
    struct upload *u, *other = NULL;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "bytes", 5);
    uploads_limit(uploads, &(struct upload_limits){10, 10}, INT64_MAX);
    CHECK_INT(upload_append(u, &span, 1, &e), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK(strstr(e.text, "no more than the reserve of 9223372036854775807 bytes is free on the disk "
                         "(storage.filesystem.reserve)") != NULL);
    CHECK_INT(upload_create(uploads, REPOSITORY, OWNER, DIGEST_SHA256, &other, &e), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK_INT(uploads_total(uploads), 1);
    CHECK_INT(upload_offset(u), 5);
    check_finish(u, DIGEST_SHA256, "bytes", 5);
    close_uploads();
}
