#include "storage/meta/meta_outbox.h"
#include "tests/unit/backup/backup_fixture.h"

/* A backup of blobs 1 to 5, and a place beside it to restore to. */
struct scene {
    struct yard yard;
    char to[PATH_MAX / 4];
    struct restore_options options;
    struct restore_result result;
};

static void begin(struct scene *s)
{
    yard_open(&s->yard);
    for (unsigned i = 1; i <= 5; i++)
        push(&s->yard, i);
    backup_well(&s->yard);
    snprintf(s->to, sizeof(s->to), "%.900s/restored", s->yard.base);
    s->options = (struct restore_options){.backup = s->yard.directory,
                                          .to = s->to,
                                          .lost = note_lost,
                                          .arg = &s->yard,
                                          .interrupt = {.wanted = stop_now, .arg = &s->yard}};
}

static int restore(struct scene *s)
{
    s->yard.asked = s->yard.lost = 0;
    return restore_run(&s->options, &s->result, &s->yard.err);
}

static void restore_well(struct scene *s)
{
    if (restore(s) != 0)
        test_fail(__FILE__, __LINE__, "%s", s->yard.err.text);
}

/* Is the restored directory one like that of the backup? */
static void check_restored(struct scene *s, unsigned blobs)
{
    struct yard *y = &s->yard;
    struct blob_info info;

    yard_close_store(y);
    yard_open_store(y, s->to);
    for (unsigned i = 1; i <= blobs; i++) {
        struct digest d = blob_digest(i);

        CHECK(blob_there(s->to, i));
        CHECK_INT(meta_blob_get(look(&y->world), STR("a"), &d, &info, &y->err), 0);
        meta_done(y->world.reader);
        CHECK_INT(info.size, BLOB_SIZE);
    }
    push(y, 100); /* it works on */
    yard_close(y);
}

static void check_says(struct scene *s, const char *text)
{
    CHECK_INT(restore(s), -1);
    if (strstr(s->yard.err.text, text) == NULL)
        test_fail(__FILE__, __LINE__, "%s", s->yard.err.text);
}

TEST(whole, "what was saved comes back, into a directory that is not there")
{
    struct scene s;
    struct stat st;

    begin(&s);
    restore_well(&s);
    CHECK_INT(s.result.blobs, 5);
    CHECK_INT(s.result.bytes, 5 * BLOB_SIZE);
    CHECK_TEXT(s.result.snapshot.stamp, s.yard.result.stamp);
    st = blob_stat_of(s.to, 1);
    CHECK(st.st_ino != blob_stat_of(s.yard.directory, 1).st_ino);
    CHECK_INT(st.st_mode & 0777, 0600);
    check_restored(&s, 5);
}

static int put_notice(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    (void)change, (void)e;
    outbox_put(txn, 1, STR("what happened"));
    return 0;
}

TEST(notices, "what was to be told others when the backup was made is not told after the restore")
{
    struct meta_change notice = {.apply = put_notice};
    struct scene s;
    struct yard *y = &s.yard;

    begin(&s);
    CHECK_INT(meta_write(y->world.meta, &notice), 0);
    CHECK(meta_outbox_used(look(&y->world)));
    meta_done(y->world.reader);
    backup_well(y);
    restore_well(&s);
    yard_close_store(y);
    yard_open_store(y, s.to);
    CHECK(!meta_outbox_used(look(&y->world)));
    meta_done(y->world.reader);
    yard_close(y);
}

TEST(linked, "with links the restored blobs are the backup's files")
{
    struct scene s;

    begin(&s);
    s.options.link = true;
    restore_well(&s);
    CHECK_INT(blob_stat_of(s.to, 3).st_ino, blob_stat_of(s.yard.directory, 3).st_ino);
    check_restored(&s, 5);
}

TEST(chosen, "a snapshot is chosen by its name, and the newest without")
{
    char first[CLOCK_TEXT_ROOM];
    struct scene s;

    begin(&s);
    memcpy(first, s.yard.result.stamp, sizeof(first));
    push(&s.yard, 6);
    backup_well(&s.yard);
    s.options.stamp = "2020-01-01T000000Z";
    check_says(&s, "there is no snapshot 2020-01-01T000000Z; 'berth backup list");
    CHECK_INT(s.yard.err.code, ERR_NOT_FOUND);
    CHECK(access(s.to, F_OK) != 0);
    s.options.stamp = first;
    restore_well(&s);
    CHECK_INT(s.result.blobs, 5);
    CHECK(!blob_there(s.to, 6));
    s.options.stamp = NULL;
    snprintf(s.to, sizeof(s.to), "%.900s/again", s.yard.base);
    restore_well(&s);
    CHECK_INT(s.result.blobs, 6);
    check_restored(&s, 6);
}

TEST(not_empty, "nothing is restored over something, nor from nothing")
{
    struct scene s;

    begin(&s);
    s.options.to = s.yard.root;
    check_says(&s, "is not empty; restore into an empty directory, then put it in the place of this one");
    CHECK_INT(s.yard.err.code, ERR_EXISTS);
    s.options.to = s.yard.directory;
    check_says(&s, "is not empty");
    s.options.to = s.to;
    s.options.backup = s.yard.root;
    check_says(&s, "is no directory of backups: there is no berth-backup in it");
    CHECK(access(s.to, F_OK) != 0);
    yard_close(&s.yard);
}

TEST(empty_places, "an empty directory will do, with a lost+found or the lock of one that came to nothing")
{
    char path[PATH_MAX];
    struct scene s;

    begin(&s);
    CHECK_INT(mkdir(s.to, 0700), 0);
    snprintf(path, sizeof(path), "%s/lost+found", s.to);
    CHECK_INT(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/berth.lock", s.to);
    spoil(path, 0);
    restore_well(&s);
    check_restored(&s, 5);
}

TEST(held, "one restore at a time works on a directory")
{
    struct scene s;
    int lock_fd;

    begin(&s);
    CHECK_INT(store_lock(s.to, &lock_fd, &s.yard.err), 0);
    check_says(&s, "is in use by process");
    CHECK_INT(s.yard.err.code, ERR_BUSY);
    close(lock_fd);
    restore_well(&s);
    yard_close(&s.yard);
}

TEST(interrupted, "a restore that is interrupted anywhere can be run again, and nobody serves what it has left")
{
    unsigned refused = 0;
    struct scene s;
    struct err e;

    begin(&s);
    for (s.yard.stop_at = 1; restore(&s) != 0; s.yard.stop_at += 3) {
        CHECK(strstr(s.yard.err.text, "interrupted; run it again to go on") != NULL);
        CHECK(store_open(s.to, &e) == NULL);
        CHECK(strstr(e.text, "a restore into it has not come to its end; run the same 'berth restore' again") != NULL);
        refused++;
    }
    CHECK(refused >= 4);
    s.yard.stop_at = UINT_MAX;
    check_restored(&s, 5);
}

TEST(damaged_blob, "without a blob that is damaged in the backup it comes to no end, unless that is wanted")
{
    struct scene s;

    begin(&s);
    unlink(blob_path(s.yard.directory, 2));
    spoil(blob_path(s.yard.directory, 4), BLOB_SIZE);
    for (int link = 0; link <= 1; link++) {
        s.options.link = link == 1;
        check_says(&s, "2 blobs are missing or damaged in the backup: repair it from another copy");
        CHECK_INT(s.yard.lost, 2);
        CHECK(!blob_there(s.to, 4));
        CHECK(!blob_there(s.to, 2));
        CHECK(store_open(s.to, &s.yard.err) == NULL);
    }
    spoil(blob_path(s.yard.directory, 2), BLOB_SIZE); /* another kind of damage */
    s.options.incomplete = true;
    restore_well(&s);
    CHECK_INT(s.result.lost, 2);
    CHECK(!blob_there(s.to, 4));
    yard_close_store(&s.yard);
    yard_open_store(&s.yard, s.to);
    yard_close(&s.yard);
}

TEST(repaired, "once the backup is repaired the same restore ends well")
{
    unsigned number = 4;
    struct scene s;
    FILE *file;

    begin(&s);
    spoil(blob_path(s.yard.directory, 4), BLOB_SIZE);
    check_says(&s, "1 blobs are missing or damaged");
    CHECK_TEXT(s.yard.reason, "its content has another digest");
    file = fopen(blob_path(s.yard.directory, 4), "w");
    CHECK(file != NULL);
    CHECK_INT(fwrite(&number, sizeof(number), 1, file), 1);
    fclose(file);
    restore_well(&s);
    check_restored(&s, 5);
}

TEST(damaged_metadata, "metadata that is damaged is not opened")
{
    struct scene s;

    begin(&s);
    spoil(snapshot_file(&s.yard, "data.mdb"), s.yard.result.metadata_bytes);
    check_says(&s, "it is damaged: choose another snapshot, or another copy of the backup");
    spoil(snapshot_file(&s.yard, "data.mdb"), 0);
    check_says(&s, "it is damaged: choose another snapshot, or another copy of the backup");
    CHECK(store_open(s.to, &s.yard.err) == NULL);
    yard_close(&s.yard);
}

TEST(incomplete, "a snapshot that is not complete is restored only when that is wanted")
{
    struct scene s;

    begin(&s);
    push(&s.yard, 6);
    unlink(blob_path(s.yard.root, 6));
    backup_well(&s.yard);
    restore_well(&s); /* the one before it */
    CHECK_INT(s.result.blobs, 5);
    snprintf(s.to, sizeof(s.to), "%.900s/again", s.yard.base);
    s.options.stamp = s.yard.result.stamp;
    check_says(&s,
               "is not complete: 1 blobs were missing or damaged when it was made; take another, or add --incomplete");
    CHECK(access(s.to, F_OK) != 0);
    s.options.incomplete = true;
    restore_well(&s);
    CHECK_INT(s.result.lost, 1);
    CHECK_TEXT(s.yard.reason, "it is not in the backup");
    check_restored(&s, 5);
}

/* Take from the live tables what schema 2 has and 1 had not. */
static int become_schema_1(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    static const enum kv_table added[] = {KV_IDLE, KV_LOOSE, KV_USAGE};
    char name[KV_KEY_MAX];
    struct kv_walk walk;
    size_t n = 1;

    (void)change;
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++, n = 1)
        while (n > 0) {
            kv_walk_begin(&walk, txn, added[i], (struct str){0}, (struct str){0});
            n = kv_walk_next(&walk) ? walk.key.n : 0;
            if (n > 0)
                memcpy(name, walk.key.p, n);
            kv_walk_end(&walk);
            if (n > 0)
                kv_del(txn, added[i], (struct str){name, n});
        }
    kv_del(txn, KV_INFO, STR("stored"));
    kv_put(txn, KV_INFO, STR("schema"), STR("\0\0\0\1"));
    return kv_status(txn, e);
}

TEST(upgraded, "metadata of an older schema is brought up to date on its way")
{
    struct meta_change change = {.apply = become_schema_1};
    struct scene s;
    struct findings f;

    begin(&s);
    if (meta_write(s.yard.store->meta, &change) != 0)
        test_fail(__FILE__, __LINE__, "%s", change.err.text);
    backup_well(&s.yard);
    f = verify(&s.yard);
    CHECK_INT(f.result.problems, 1); /* its record says 2: the one thing that is pretended here */
    CHECK(strstr(f.text, "data.mdb has schema version 1 instead of 2") != NULL);
    restore_well(&s);
    CHECK_INT(s.result.blobs, 5);
    check_restored(&s, 5);
}
