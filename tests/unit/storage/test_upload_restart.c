/* Sessions that outlive the server: restarts, crashes, checkpoints that fit their bytes and those that do not. */
#include "tests/unit/storage/upload_fixture.h"

#include <sys/stat.h>

enum {
    RECORD_SIZE = 854, /* upload_state.c */
    AT_BOOT = 20,
    AT_REPOSITORY = 56,
    AT_CHECKSUM = 822,
};

static const enum digest_alg algs[] = {DIGEST_SHA256, DIGEST_SHA512};
static char bytes[70000];

static void begin(void)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37 + i / 253);
    open_uploads();
}

TEST(resumed_hash, "a session goes on after restarts at odd offsets, with either algorithm")
{
    static const size_t cuts[] = {1, 63, 64, 65, 127, 128, 129, 4095, 4097, 65537};

    for (size_t a = 0; a < 2; a++) {
        struct upload *u;
        size_t at = 0;

        begin();
        u = create(algs[a]);
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
            append(u, bytes + at, cuts[i] - at);
            at = cuts[i];
            upload_release(&u);
            restart_uploads();
            CHECK_INT(offset_of(REPOSITORY, OWNER, NULL), at);
            u = acquire();
            CHECK_INT(upload_offset(u), at);
        }
        append(u, bytes + at, sizeof(bytes) - at);
        check_finish(u, algs[a], bytes, sizeof(bytes));
        CHECK_INT(files_in_uploads(), 0);
        close_uploads();
    }
}

TEST(held_at_close, "closing keeps what a session held then")
{
    begin();
    append(create(DIGEST_SHA256), bytes, 1000);
    restart_uploads();
    check_finish(acquire(), DIGEST_SHA256, bytes, 1000);
    close_uploads();
}

TEST(behind, "bytes written after the last checkpoint are hashed again after a crash")
{
    for (size_t a = 0; a < 2; a++) {
        struct upload *u;

        begin();
        u = create(algs[a]);
        append(u, bytes, 1001);
        upload_release(&u);
        u = acquire();
        append(u, bytes + 1001, 60000);
        crash_uploads();
        CHECK_INT(offset_of(REPOSITORY, OWNER, NULL), 61001);
        u = acquire();
        CHECK_INT(upload_offset(u), 61001);
        append(u, bytes + 61001, 1);
        check_finish(u, algs[a], bytes, 61002);
        close_uploads();
    }
}

TEST(never_checkpointed, "a session that crashed in its first request keeps its bytes")
{
    begin();
    append(create(DIGEST_SHA512), bytes, sizeof(bytes));
    crash_uploads();
    check_finish(acquire(), DIGEST_SHA512, bytes, sizeof(bytes));
    close_uploads();
}

TEST(ahead, "a checkpoint ahead of the bytes is forgotten for good, whatever bytes come next")
{
    struct upload *u;

    begin();
    u = create(DIGEST_SHA256);
    append(u, bytes, 1000);
    upload_release(&u);
    CHECK_INT(truncate(path_of(""), 500), 0);
    crash_uploads();
    u = acquire();
    CHECK_INT(upload_offset(u), 500);
    append(u, bytes, 2000); /* not what was there before */
    crash_uploads();
    u = acquire();
    CHECK_INT(upload_offset(u), 2500);
    memmove(bytes + 500, bytes, 2000);
    check_finish(u, DIGEST_SHA256, bytes, 2500);
    close_uploads();
}

TEST(data_lost, "a session whose data file is gone begins again from nothing")
{
    struct upload *u;

    begin();
    u = create(DIGEST_SHA256);
    append(u, bytes, 1000);
    upload_release(&u);
    CHECK_INT(unlink(path_of("")), 0);
    CHECK_INT(offset_of(REPOSITORY, OWNER, NULL), 0);
    u = acquire();
    CHECK_INT(upload_offset(u), 0);
    append(u, bytes, 10);
    check_finish(u, DIGEST_SHA256, bytes, 10);
    close_uploads();
}

/* Change the record as `change` does, with a checksum that fits again. */
static void forge(void (*change)(uint8_t *record))
{
    struct sbuf record = {0};
    struct digest d;

    CHECK_INT(file_read(path_of(".state"), RECORD_SIZE, &record, NULL), 0);
    CHECK_INT(record.n, RECORD_SIZE);
    change((uint8_t *)record.p);
    digest_of(DIGEST_SHA256, record.p, AT_CHECKSUM, &d);
    memcpy(record.p + AT_CHECKSUM, d.raw, digest_size(d.alg));
    CHECK_INT(file_replace(path_of(".state"), record.p, record.n, 0600, NULL), 0);
    sbuf_free(&record);
}

static void other_boot(uint8_t *record)
{
    record[AT_BOOT] ^= 1;
}

TEST(other_boot_hashes_all, "a checkpoint of another boot is not believed: all bytes are hashed again")
{
    struct upload *u;

    begin();
    u = create(DIGEST_SHA256);
    append(u, bytes, 50000);
    upload_release(&u);
    damage(path_of(""), 3, '!'); /* as a power cut might */
    bytes[3] = '!';
    forge(other_boot);
    restart_uploads();
    check_finish(acquire(), DIGEST_SHA256, bytes, 50000);
    close_uploads();
}

TEST(same_boot_trusts, "a checkpoint of this boot saves hashing the bytes before it")
{
    struct upload *u;
    struct digest d;
    uint64_t size;
    struct err e;

    begin();
    u = create(DIGEST_SHA256);
    append(u, bytes, 50000);
    upload_release(&u);
    damage(path_of(""), 3, '!'); /* would be found if they were hashed */
    restart_uploads();
    u = acquire();
    digest_of(DIGEST_SHA256, bytes, 50000, &d);
    CHECK_INT(upload_finish(&u, &d, &size, &e), 0);
    close_uploads();
}

TEST(new_boot_checkpoint, "after a session of another boot was hashed again, its checkpoint counts")
{
    struct upload *u;

    begin();
    u = create(DIGEST_SHA256);
    append(u, bytes, 50000);
    upload_release(&u);
    forge(other_boot);
    u = acquire();
    upload_release(&u);
    damage(path_of(""), 3, '!');
    u = acquire();
    append(u, bytes + 50000, 1);
    damage(path_of(""), 3, bytes[3]);
    check_finish(u, DIGEST_SHA256, bytes, 50001);
    close_uploads();
}

static void bad_magic(uint8_t *record)
{
    record[0] = 'X';
}

static void bad_version(uint8_t *record)
{
    record[8] = 2;
}

static void bad_hash(uint8_t *record)
{
    record[566] = 0;
}

static void other_repository(uint8_t *record)
{
    record[AT_REPOSITORY] = 'x';
}

TEST(records_of_others, "a record of another kind, version or owner is no session of ours")
{
    static void (*const changes[])(uint8_t *) = {bad_magic, bad_version, bad_hash, other_repository};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct upload *u;
        struct err e;

        begin();
        u = create(DIGEST_SHA256);
        upload_release(&u);
        CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 0);
        forge(changes[i]);
        CHECK_INT(offset_of(REPOSITORY, OWNER, &e), -1);
        CHECK_INT(e.code, ERR_NOT_FOUND);
        close_uploads();
    }
}

TEST(damaged_record, "one damaged byte anywhere in the record, or a cut one, and the session is not found")
{
    begin();
    for (int at = 0; at < RECORD_SIZE; at += 50) {
        struct upload *u;
        struct err e;
        char wanted[200];

        u = create(DIGEST_SHA256);
        upload_release(&u);
        damage(path_of(".state"), at, 0xee);
        CHECK_INT(upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &u, &e), -1);
        CHECK_INT(e.code, ERR_NOT_FOUND);
        snprintf(wanted, sizeof(wanted), "there is no upload \"%s\" in this repository; start a new one", last_id);
        CHECK_TEXT(e.text, wanted);
        CHECK_INT(truncate(path_of(".state"), at), 0);
        CHECK_INT(offset_of(REPOSITORY, OWNER, &e), -1);
        CHECK_INT(e.code, ERR_NOT_FOUND);
    }
    close_uploads();
}
