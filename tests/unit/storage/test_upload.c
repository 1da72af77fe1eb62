/* The life of a session, alone and undisturbed. Restarts, threads, faults and the purge have files of their own. */
#include "tests/unit/storage/upload_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

static char bytes[100000];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 + i / 251);
}

TEST(ids, "a new session has a version 4 UUID of its own and no bytes")
{
    struct upload *a, *b;
    char first[UPLOAD_ID_LENGTH + 1];

    open_uploads();
    a = create(DIGEST_SHA256);
    memcpy(first, last_id, sizeof(first));
    b = create(DIGEST_SHA256);
    CHECK(strcmp(first, last_id) != 0);
    CHECK_INT(strlen(last_id), 36);
    CHECK_INT(last_id[14], '4');
    CHECK(strchr("89ab", last_id[19]) != NULL);
    CHECK_INT(strspn(last_id, "0123456789abcdef-"), 36);
    CHECK(last_id[8] == '-' && last_id[13] == '-' && last_id[18] == '-' && last_id[23] == '-');
    CHECK_INT(upload_offset(a), 0);
    upload_release(&a);
    upload_release(&b);
    CHECK(a == NULL && b == NULL);
    upload_release(&a);
    close_uploads();
}

TEST(private_files, "the files of a session and their folder are private, and an empty session has one file")
{
    struct upload *u;
    struct stat st;

    open_uploads();
    u = create(DIGEST_SHA256);
    CHECK_INT(files_in_uploads(), 1);
    append(u, "abc", 3);
    CHECK_INT(files_in_uploads(), 2);
    CHECK_INT(stat(path_of(""), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(stat(path_of(".state"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    upload_release(&u);
    close_uploads();
}

TEST(whole_life, "bytes appended in many spans and calls become the blob")
{
    static const enum digest_alg algs[] = {DIGEST_SHA256, DIGEST_SHA512};

    fill();
    for (size_t a = 0; a < 2; a++) {
        struct iovec spans[40];
        struct upload *u;
        size_t at = 0;
        struct err e = {0};

        open_uploads();
        u = create(algs[a]);
        append(u, bytes, 1000);
        for (int i = 0; i < 40; i++) {
            spans[i] = (struct iovec){.iov_base = bytes + 1000 + at, .iov_len = (size_t)i * 7};
            at += spans[i].iov_len;
        }
        CHECK_INT(upload_append(u, spans, 40, &e), 0);
        CHECK_INT(upload_offset(u), 1000 + at);
        append(u, bytes + 1000 + at, sizeof(bytes) - 1000 - at);
        check_finish(u, algs[a], bytes, sizeof(bytes));
        CHECK_INT(files_in_uploads(), 0);
        close_uploads();
    }
}

TEST(large, "write-back started during a large upload does not harm it")
{
    size_t n = 20 * 1024 * 1024 + 1;
    char *large = xcalloc(1, n);
    struct upload *u;

    open_uploads();
    u = create(DIGEST_SHA256);
    for (size_t at = 0; at < n; at += 1024 * 1024)
        append(u, large + at, n - at < 1024 * 1024 ? n - at : 1024 * 1024);
    check_finish(u, DIGEST_SHA256, large, n);
    close_uploads();
    free(large);
}

TEST(other_algorithm, "a session may be finished with another algorithm than the one it began with")
{
    struct upload *u;

    fill();
    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, bytes, sizeof(bytes));
    check_finish(u, DIGEST_SHA512, bytes, sizeof(bytes));
    u = create(DIGEST_SHA512);
    append(u, bytes, sizeof(bytes));
    check_finish(u, DIGEST_SHA256, bytes, sizeof(bytes));
    u = create(DIGEST_SHA512);
    check_finish(u, DIGEST_SHA256, "", 0);
    close_uploads();
}

TEST(zero_bytes, "a blob of no bytes can be uploaded, at once and after a pause")
{
    struct upload *u;

    open_uploads();
    check_finish(create(DIGEST_SHA256), DIGEST_SHA256, "", 0);
    u = create(DIGEST_SHA512);
    upload_release(&u);
    check_finish(acquire(), DIGEST_SHA512, "", 0);
    u = create(DIGEST_SHA256);
    append(u, "", 0);
    upload_release(&u);
    check_finish(acquire(), DIGEST_SHA256, "", 0);
    CHECK_INT(files_in_uploads(), 0);
    close_uploads();
}

TEST(wrong_digest, "bytes with another digest are refused with both digests named, and nothing is kept")
{
    static const enum digest_alg algs[] = {DIGEST_SHA256, DIGEST_SHA512};

    for (size_t a = 0; a < 2; a++) {
        struct upload *u;
        struct digest d, actual;
        char got[DIGEST_TEXT_MAX], announced[DIGEST_TEXT_MAX], wanted[600];
        struct err e;
        uint64_t size;
        int fd;

        open_uploads();
        u = create(DIGEST_SHA256);
        append(u, "abd", 3);
        digest_of(algs[a], "abc", 3, &d);
        digest_of(algs[a], "abd", 3, &actual);
        digest_format(&d, announced);
        digest_format(&actual, got);
        CHECK_INT(upload_finish(&u, &d, &size, &e), -1);
        CHECK(u == NULL);
        CHECK_INT(e.code, ERR_DIGEST);
        snprintf(wanted, sizeof(wanted), "the uploaded bytes have digest %s, not %s as announced; upload them again",
                 got, announced);
        CHECK_TEXT(e.text, wanted);
        CHECK_INT(files_in_uploads(), 0);
        CHECK_INT(blob_open(blobs, &d, &fd, &size, NULL), -1);
        CHECK_INT(blob_open(blobs, &actual, &fd, &size, NULL), -1);
        CHECK_INT(offset_of(REPOSITORY, OWNER, &e), -1);
        close_uploads();
    }
}

TEST(cancelling, "a cancelled session is gone with its files")
{
    struct upload *u;
    struct err e;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    upload_release(&u);
    u = acquire();
    CHECK_INT(upload_cancel(&u, &e), 0);
    CHECK(u == NULL);
    CHECK_INT(files_in_uploads(), 0);
    CHECK_INT(upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &u, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    u = create(DIGEST_SHA256);
    CHECK_INT(upload_cancel(&u, &e), 0);
    CHECK_INT(files_in_uploads(), 0);
    close_uploads();
}

TEST(finished_is_gone, "a finished session cannot be used again")
{
    struct upload *u;
    char wanted[200];
    struct err e;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    check_finish(u, DIGEST_SHA256, "abc", 3);
    snprintf(wanted, sizeof(wanted), "there is no upload \"%s\" in this repository; start a new one", last_id);
    CHECK_INT(upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &u, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), -1);
    CHECK_TEXT(e.text, wanted);
    close_uploads();
}

TEST(busy, "a held session is busy for its owner, and its offset can be asked for")
{
    struct upload *u, *second = NULL;
    char wanted[200];
    struct err e;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    CHECK_INT(upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &second, &e), -1);
    CHECK(second == NULL);
    CHECK_INT(e.code, ERR_BUSY);
    snprintf(wanted, sizeof(wanted),
             "upload %s is in use by another request; ask for its offset, then go on from there", last_id);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 3);
    append(u, "d", 1);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 4);
    upload_release(&u);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 4);
    u = acquire();
    CHECK_INT(upload_offset(u), 4);
    upload_release(&u);
    close_uploads();
}

static void check_unknown_to(struct str repository, struct str owner)
{
    struct upload *u = NULL;
    struct err e;

    CHECK_INT(upload_acquire(uploads, str_of(last_id), repository, owner, &u, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(strstr(e.text, "there is no upload") != NULL);
    CHECK_INT(offset_of(repository, owner, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
}

TEST(not_yours, "another owner or repository does not learn of a session, held or idle")
{
    static const struct {
        struct str repository, owner;
    } others[] = {
        {STR("team/app"), STR("bob")},     {STR("team/app"), STR("")},
        {STR("team/app"), STR("alice2")},  {STR("team/app"), STR("alic")},
        {STR("team/ap"), STR("alice")},    {STR("team/app2"), STR("alice")},
        {STR("other"), STR("alice")},      {STR(""), STR("")},
        {STR("team/app"), STR("alice\0")},
    };
    struct upload *u;

    open_uploads();
    u = create(DIGEST_SHA256);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        check_unknown_to(others[i].repository, others[i].owner);
    upload_release(&u);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        check_unknown_to(others[i].repository, others[i].owner);
    close_uploads();
}

TEST(names_limits, "names of 255 bytes fit, longer ones and those with a NUL are refused")
{
    char name[256];
    struct upload *u = NULL;
    struct err e;

    memset(name, 'n', sizeof(name));
    open_uploads();
    CHECK_INT(upload_create(uploads, (struct str){name, 255}, (struct str){name, 255}, DIGEST_SHA512, &u, &e), 0);
    memcpy(last_id, upload_id(u), sizeof(last_id));
    upload_release(&u);
    CHECK_INT(offset_of((struct str){name, 255}, (struct str){name, 255}, &e), 0);
    CHECK_INT(offset_of((struct str){name, 254}, (struct str){name, 255}, &e), -1);
    CHECK_INT(upload_create(uploads, (struct str){name, 256}, OWNER, DIGEST_SHA256, &u, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK_INT(upload_create(uploads, REPOSITORY, (struct str){name, 256}, DIGEST_SHA256, &u, &e), -1);
    CHECK_INT(upload_create(uploads, REPOSITORY, STR("a\0b"), DIGEST_SHA256, &u, &e), -1);
    CHECK_TEXT(e.text, "upload: name of repository or owner is over 255 bytes or holds a NUL");
    close_uploads();
}

TEST(no_owner, "a session may have no owner")
{
    struct upload *u;
    struct err e;

    open_uploads();
    CHECK_INT(upload_create(uploads, REPOSITORY, (struct str){NULL, 0}, DIGEST_SHA256, &u, &e), 0);
    memcpy(last_id, upload_id(u), sizeof(last_id));
    upload_release(&u);
    CHECK_INT(offset_of(REPOSITORY, STR(""), &e), 0);
    close_uploads();
}

TEST(bad_ids, "an id that is none of ours names no session and no file")
{
    static const struct str ids[] = {
        STR(""),
        STR("x"),
        STR("../../../etc/passwd"),
        STR("00000000-0000-4000-8000-00000000000"),
        STR("00000000-0000-4000-8000-0000000000000"),
        STR("00000000-0000-4000-8000-00000000000G"),
        STR("00000000-0000-4000-8000-00000000000A"),
        STR("00000000-0000-1000-8000-000000000000"),
        STR("00000000-0000-4000-7000-000000000000"),
        STR("00000000-0000-4000-c000-000000000000"),
        STR("00000000-0000-4000-8000/000000000000"),
        STR("000000000000040000800000000000000000"),
        STR("00000000-0000-4000-8000-00000000000\0"),
        STR("00000000-0000-4000-8000-000000000000"),
    };

    open_uploads();
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct upload *u;
        uint64_t offset;
        struct err e;

        CHECK_INT(upload_acquire(uploads, ids[i], REPOSITORY, OWNER, &u, &e), -1);
        CHECK_INT(e.code, ERR_NOT_FOUND);
        CHECK_INT(upload_status(uploads, ids[i], REPOSITORY, OWNER, &offset, &e), -1);
        CHECK_INT(e.code, ERR_NOT_FOUND);
    }
    close_uploads();
}
