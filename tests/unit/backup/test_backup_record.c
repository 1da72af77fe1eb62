#include "storage/backup/backup_record.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/file.h"
#include "storage/backup/backup_list.h"
#include "storage/blob.h"
#include "tests/unit/test.h"

#define FILE_OF(size) \
    "{\"size\": " size ", \"digest\": \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}"
#define RECORD(version, created, schema, metadata, count, complete, lost)                                      \
    "{\"version\": " version ", \"created\": \"" created "\", \"schema\": " schema ", \"metadata\": " metadata \
    ", \"list\": " FILE_OF("2") ", \"blobs\": {\"count\": " count ", \"size\": 5}, \"complete\": " complete    \
                                ", \"lost\": {\"count\": " lost "}, \"more\": [1]}"

static const char *write_record(const char *text)
{
    static char directory[PATH_MAX / 2];
    char path[PATH_MAX];
    struct err e;

    snprintf(directory, sizeof(directory), "%s", test_dir());
    snprintf(path, sizeof(path), "%s/backup.json", directory);
    if (file_replace(path, text, strlen(text), 0600, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return directory;
}

TEST(round_trip, "a record is read as it was written, with the blobs that were lost")
{
    struct snapshot out = {.stamp = "2026-11-22T101530Z"}, s = {.created = "2026-11-22T10:15:30Z",
                                                                .schema = 2,
                                                                .metadata = {.size = 40960},
                                                                .list = {.size = 123},
                                                                .blobs = 7,
                                                                .bytes = UINT64_C(1) << 40,
                                                                .lost = 2};
    struct lost_list lost = {0};
    struct sbuf bytes = {0}, json = {0};
    char directory[PATH_MAX / 2], path[PATH_MAX];
    struct digest d;
    struct err e;

    digest_of(DIGEST_SHA256, "m", 1, &s.metadata.digest);
    digest_of(DIGEST_SHA256, "l", 1, &s.list.digest);
    digest_of(DIGEST_SHA512, "b", 1, &d);
    lost_add(&lost, &d, "a \"reason\"");
    lost_add(&lost, &d, "another");
    snprintf(directory, sizeof(directory), "%s", test_dir());
    CHECK_INT(snapshot_save(directory, &s, &lost, &e), 0);
    CHECK_INT(snapshot_load(directory, &out, &e), 0);
    CHECK_TEXT(out.stamp, "2026-11-22T101530Z");
    CHECK_TEXT(out.created, s.created);
    CHECK_INT(out.schema, 2);
    CHECK_INT(out.metadata.size, 40960);
    CHECK(digest_equal(&out.metadata.digest, &s.metadata.digest));
    CHECK_INT(out.list.size, 123);
    CHECK(digest_equal(&out.list.digest, &s.list.digest));
    CHECK_INT(out.blobs, 7);
    CHECK(out.bytes == s.bytes);
    CHECK_INT(out.lost, 2);
    snprintf(path, sizeof(path), "%s/backup.json", directory);
    CHECK_INT(file_read(path, 10000, &bytes, &e), 0);
    CHECK(strstr(bytes.p, "\"reason\": \"a \\\"reason\\\"\"},\n") != NULL);
    CHECK(strstr(bytes.p, "\"complete\": false") != NULL);
    snapshot_json(&out, &json);
    CHECK_TEXT(sbuf_text(&json),
               "{\"snapshot\": \"2026-11-22T101530Z\", \"created\": \"2026-11-22T10:15:30Z\", \"schema\": 2, "
               "\"blobs\": {\"count\": 7, \"size\": 1099511627776}, \"complete\": false, \"lost\": 2, "
               "\"metadata\": 40960}");
    sbuf_free(&json);
    sbuf_free(&bytes);
    lost_free(&lost);
}

TEST(many_lost, "however many blobs are lost, a record stays small enough to be read")
{
    struct snapshot s = {.created = "2026-11-22T10:15:30Z", .lost = 5000}, out = {0};
    char directory[PATH_MAX / 2], reason[ERR_TEXT_MAX];
    struct lost_list lost = {0};
    struct digest d;
    struct err e;

    digest_of(DIGEST_SHA256, "", 0, &s.metadata.digest);
    s.list.digest = s.metadata.digest;
    digest_of(DIGEST_SHA512, "b", 1, &d);
    memset(reason, '\1', sizeof(reason)); /* six bytes each, once they are escaped */
    reason[sizeof(reason) - 1] = '\0';
    for (int i = 0; i < 5000; i++)
        lost_add(&lost, &d, reason);
    snprintf(directory, sizeof(directory), "%s", test_dir());
    CHECK_INT(snapshot_save(directory, &s, &lost, &e), 0);
    if (snapshot_load(directory, &out, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    CHECK_INT(out.lost, 5000);
    lost_free(&lost);
}

TEST(hostile, "a record that is not exactly one is refused, and the text says why")
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {RECORD("1", "2026-11-22T10:15:30Z", "2", FILE_OF("1"), "3", "true", "0"), NULL},
        {"", "backup.json: line 1:"},
        {"[]", "\"version\" is missing or not what it should be"},
        {"{\"version\": 1, \"version\": 1}", "duplicate"},
        {RECORD("2", "x", "2", FILE_OF("1"), "3", "true", "0"),
         "it has version 2 and this program knows version 1; take a newer release"},
        {RECORD("\"1\"", "x", "2", FILE_OF("1"), "3", "true", "0"), "\"version\" is missing"},
        {RECORD("1", "\\u001b[31m", "2", FILE_OF("1"), "3", "true", "0"), "\"created\" is missing"},
        {RECORD("1", "2026-11-22T10:15:30Z-2026-11-22T10:15:30Z", "2", FILE_OF("1"), "3", "true", "0"), "\"created\""},
        {RECORD("1", "x", "4294967296", FILE_OF("1"), "3", "true", "0"), "\"schema\""},
        {RECORD("1", "x", "2", FILE_OF("-1"), "3", "true", "0"), "\"metadata\""},
        {RECORD("1", "x", "2", "{\"size\": 1, \"digest\": \"sha256:00\"}", "3", "true", "0"), "\"metadata\""},
        {RECORD("1", "x", "2", "7", "3", "true", "0"), "\"metadata\""},
        {RECORD("1", "x", "2", FILE_OF("1"), "3.5", "true", "0"), "\"count\""},
        {RECORD("1", "x", "2", FILE_OF("1"), "3", "true", "1"), "\"complete\""},
        {RECORD("1", "x", "2", FILE_OF("1"), "3", "false", "0"), "\"complete\""},
        {RECORD("1", "x", "2", FILE_OF("1"), "3", "1", "0"), "\"complete\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct snapshot s = {0};
        struct err e = {0};
        int rc = snapshot_load(write_record(cases[i].text), &s, &e);

        if (cases[i].why == NULL ? rc != 0 : rc == 0 || strstr(e.text, cases[i].why) == NULL)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, e.text);
    }
}

/* ---- lists ---- */

#define A "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define B "sha256:00ff000000000000000000000000000000000000000000000000000000000000"
#define C "sha256:ff00000000000000000000000000000000000000000000000000000000000000"

/* Does a list of that text, whose digest is right, open and read to its end? */
static int read_list(const char *text, size_t *blobs, struct err *e)
{
    struct snapshot s = {.stamp = "2026-11-22T101530Z"};
    const struct interrupt never = {0};
    char base[PATH_MAX / 2], path[PATH_MAX];
    struct backup_dir dir = {.path = base};
    struct lists *lists;
    int rc = 0;

    snprintf(base, sizeof(base), "%s", test_dir());
    CHECK_INT(snapshot_path(&dir, s.stamp, "", NULL, path, e), 0);
    CHECK_INT(file_mkdirs(path, 0700, e), 0);
    CHECK_INT(snapshot_path(&dir, s.stamp, "", "blobs", path, e), 0);
    CHECK_INT(file_replace(path, text, strlen(text), 0600, e), 0);
    CHECK_INT(digest_of_path(path, &never, &s.list.digest, &s.list.size, e), 0);
    *blobs = 0;
    lists = lists_open(&dir, &s, 1, &never, e);
    if (lists == NULL)
        return -1;
    for (unsigned folder = 0; folder < BLOB_FOLDERS && rc == 0; folder++) {
        const struct list_entry *entries;
        size_t count;

        rc = lists_folder(lists, &entries, &count, e);
        *blobs += rc == 0 ? count : 0;
    }
    lists_close(&lists);
    return rc;
}

TEST(lists, "a list that is out of order, repeats itself or has anything else in it is none")
{
    static const struct {
        const char *text;
        size_t blobs;
        bool good;
    } cases[] = {
        {"", 0, true},
        {A " 1\n" B " 2\n" C " 18446744073709551615\n", 3, true},
        {B " 1\n" A " 2\n", 0, false},
        {A " 1\n" A " 1\n", 0, false},
        {A " 1", 0, false},
        {A " \n", 0, false},
        {A " -1\n", 0, false},
        {A " 18446744073709551616\n", 0, false},
        {A "1\n", 0, false},
        {"sha256:00 1\n", 0, false},
        {"\n", 0, false},
        {A " 1\n" C " 1 " A A A A A A A "\n", 0, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = {0};
        size_t blobs;
        int rc = read_list(cases[i].text, &blobs, &e);

        if (cases[i].good ? rc != 0 || blobs != cases[i].blobs
                          : rc == 0 || strstr(e.text, "is no list of blobs") == NULL)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, e.text);
    }
}
