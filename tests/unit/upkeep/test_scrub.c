/* Scrubbing: what is taken for damage and what is not, and where damaged files go. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/unit/upkeep/scrub_fixture.h"

/* ---- a disk that fails ---- */

static unsigned reads;
static unsigned read_fails; /* so many reads from now on */
static int read_errno;
static bool flips; /* the bytes of the next failing read are wrong instead */

/* In place of libc's. Nothing is ever in the page cache. */
ssize_t preadv2(int fp, const struct iovec *iovec, int count, off_t offset, int flags)
{
    (void)fp, (void)iovec, (void)count, (void)offset, (void)flags;
    errno = EAGAIN;
    return -1;
}

ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)
{
    ssize_t got = syscall(SYS_pread64, fd, buf, nbytes, offset);

    reads++;
    if (read_fails == 0)
        return got;
    read_fails--;
    if (flips) {
        if (got > 0)
            ((char *)buf)[0] ^= 1;
        return got;
    }
    errno = read_errno;
    return -1;
}

static void fail_reads(unsigned n, int number)
{
    read_fails = n;
    read_errno = number;
    flips = number == 0;
}

/* ---- scrubbing ---- */

static void scrub_all(struct yard *y, bool dry_run)
{
    struct scrub *scrub = new_scrub(y, dry_run);
    struct err e = {0};
    bool more = true;

    while (more)
        if (scrub_step(scrub, &done, &more, &e) != 0)
            test_fail(__FILE__, __LINE__, "%s", e.text);
    scrub_free(&scrub);
}

static const char *path_of(const struct yard *y, unsigned number)
{
    static char path[600];
    char name[BLOB_NAME_MAX];
    struct digest d = blob_digest(number);

    blob_file_name(&d, name);
    snprintf(path, sizeof(path), "%s/blobs/%s", y->store->root, name);
    return path;
}

static void flip(const char *path)
{
    write_file(path, "!!!!", 4);
}

static void shorten(const char *path)
{
    CHECK_INT(truncate(path, 1), 0);
}

static void lengthen(const char *path)
{
    CHECK_INT(truncate(path, 9), 0);
}

static void take_away(const char *path)
{
    CHECK_INT(unlink(path), 0);
}

static void put_directory(const char *path)
{
    take_away(path);
    CHECK_INT(mkdir(path, 0700), 0);
}

static void put_pipe(const char *path)
{
    take_away(path);
    CHECK_INT(mkfifo(path, 0600), 0);
}

static void put_link(const char *path)
{
    take_away(path);
    CHECK_INT(symlink("/etc/passwd", path), 0);
}

static void fail_disk(const char *path)
{
    (void)path;
    fail_reads(2, EIO);
}

static const struct {
    const char *name;
    void (*damage)(const char *path);
    enum scrub_flaw flaw;
} kinds[] = {
    {"flipped", flip, SCRUB_CONTENT},
    {"shortened", shorten, SCRUB_LENGTH},
    {"lengthened", lengthen, SCRUB_LENGTH},
    {"missing", take_away, SCRUB_MISSING},
    {"directory", put_directory, SCRUB_UNREADABLE},
    {"pipe", put_pipe, SCRUB_UNREADABLE},
    {"link", put_link, SCRUB_UNREADABLE},
    {"unreadable", fail_disk, SCRUB_UNREADABLE},
};

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

TEST(damage, "each kind of damage is found, moved to quarantine, and repaired by the next push")
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool missing = kinds[i].flaw == SCRUB_MISSING;
        struct digest d = blob_digest(2);
        char moved[600];
        struct yard y;

        yard_open(&y);
        for (unsigned n = 1; n <= 3; n++)
            push(&y, "a", n);
        kinds[i].damage(path_of(&y, 2));
        if (kinds[i].damage == fail_disk)
            d = (struct digest){0};
        scrub_all(&y, false);
        if (last_finding.flaw != kinds[i].flaw || done.blobs != 3)
            test_fail(__FILE__, __LINE__, "%s: %s", kinds[i].name, scrub_flaw_text(last_finding.flaw));
        CHECK_INT(done.missing, missing);
        CHECK_INT(done.damaged, !missing);
        CHECK_INT(last_finding.size, blob_size());
        CHECK_INT(last_finding.problem.code, ERR_NONE);
        CHECK(d.alg == 0 || digest_equal(&last_finding.digest, &d));
        snprintf(moved, sizeof(moved), "%s/%s", y.store->root, last_finding.where);
        CHECK(missing ? last_finding.where[0] == '\0' : exists(moved));
        for (unsigned n = 1; n <= 3; n++) {
            d = blob_digest(n);
            if (digest_equal(&d, &last_finding.digest)) {
                CHECK(!exists(path_of(&y, n)));
                push(&y, "a", n);
            }
        }
        scrub_all(&y, false);
        CHECK_INT(done.missing + done.damaged, 0);
        CHECK_INT(done.blobs, 3);
        CHECK_INT(done.bytes, 3 * blob_size());
        yard_close(&y);
    }
}

TEST(owner, "quarantine belongs to whom the data directory belongs to, also when root is the first to need it")
{
    char path[512];
    struct stat st;
    struct yard y;

    if (geteuid() != 0)
        return;
    yard_open(&y);
    push(&y, "a", 1);
    CHECK_INT(chown(y.store->root, 1234, 5678), 0);
    flip(path_of(&y, 1));
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 1);
    snprintf(path, sizeof(path), "%s/quarantine", y.store->root);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_uid, 1234);
    CHECK_INT(st.st_gid, 5678);
    yard_close(&y);
}

TEST(dry_run, "a dry run finds the same and moves nothing")
{
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    flip(path_of(&y, 1));
    scrub_all(&y, true);
    CHECK_INT(done.damaged, 1);
    CHECK_TEXT(last_finding.where, "");
    CHECK(exists(path_of(&y, 1)));
    yard_close(&y);
}

TEST(again, "a blob that is damaged again and again gets a new name in quarantine each time")
{
    struct yard y;
    char text[DIGEST_TEXT_MAX], wanted[BLOB_QUARANTINE_MAX + 8];
    struct digest d = blob_digest(1);

    yard_open(&y);
    digest_format(&d, text);
    text[6] = '-';
    for (int n = 1; n <= 3; n++) {
        push(&y, "a", 1);
        flip(path_of(&y, 1));
        scrub_all(&y, false);
        snprintf(wanted, sizeof(wanted), n == 1 ? "quarantine/%s%.0d" : "quarantine/%s.%d", text, n == 1 ? 0 : n);
        CHECK_TEXT(last_finding.where, wanted);
    }
    yard_close(&y);
}

TEST(second_reading, "bytes that differ once and not when they are read again are no damage")
{
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    fail_reads(1, 0);
    reads = 0;
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 0);
    CHECK_INT(reads, 4); /* twice the bytes and the end */
    fail_reads(4, 0);
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 1);
    fail_reads(0, 0);
    yard_close(&y);
}

TEST(read_error, "a blob that could not be read once and then can is no damage")
{
    struct yard y;

    yard_open(&y);
    push(&y, "a", 1);
    fail_reads(1, EIO);
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 0);
    fail_reads(2, EIO);
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 1);
    CHECK_INT(last_finding.flaw, SCRUB_UNREADABLE);
    fail_reads(0, 0);
    yard_close(&y);
}

TEST(transient, "a lack of memory or descriptors fails the step, and the next one begins with the same blob")
{
    static const int numbers[] = {ENOMEM, EMFILE, ENFILE, EAGAIN, EACCES};
    struct rlimit few = {3, 0}, all;
    struct scrub *scrub;
    struct err e;
    struct yard y;
    bool more;

    yard_open(&y);
    push(&y, "a", 1);
    scrub = new_scrub(&y, false);
    CHECK_INT(scrub_step(scrub, &done, &more, &e), 0); /* to the end: nothing is kept */
    memset(&done, 0, sizeof(done));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        fail_reads(1, numbers[i]);
        CHECK_INT(scrub_step(scrub, &done, &more, &e), -1);
        CHECK(strstr(e.text, "scrub: blob sha256:") != NULL && strstr(e.text, strerror(numbers[i])) != NULL);
    }
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &all), 0);
    few.rlim_max = all.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_INT(scrub_step(scrub, &done, &more, &e), -1);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &all), 0);
    CHECK(strstr(e.text, "Too many open files") != NULL);
    CHECK_INT(done.blobs, 0);
    while (more)
        CHECK_INT(scrub_step(scrub, &done, &more, &e), 0);
    CHECK_INT(done.blobs, 1);
    CHECK_INT(done.damaged + done.missing, 0);
    scrub_free(&scrub);
    yard_close(&y);
}

TEST(pinned, "a blob that is being pushed just now is left to the push that repairs it")
{
    struct pin pin = {0};
    struct yard y;
    struct digest d = blob_digest(1);

    yard_open(&y);
    push(&y, "a", 1);
    flip(path_of(&y, 1));
    pin_hold(y.store->pins, &pin, &d);
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 0);
    CHECK(exists(path_of(&y, 1)));
    pin_drop(y.store->pins, &pin);
    scrub_all(&y, false);
    CHECK_INT(done.damaged, 1);
    yard_close(&y);
}
