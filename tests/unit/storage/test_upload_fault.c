/* Disks that fail or fill up, and threads that want the same session. */
#include "tests/unit/storage/upload_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static atomic_int fsync_calls;
static atomic_int fsync_fails_at; /* the call that fails, counted from 1; 0: none */
static int fsync_errno;

/* In place of libc's: the only way to see what a failing disk does. */
int fsync(int fd)
{
    if (atomic_fetch_add(&fsync_calls, 1) + 1 == atomic_load(&fsync_fails_at)) {
        errno = fsync_errno;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void fail_fsync(int call, int number)
{
    atomic_store(&fsync_calls, 0);
    atomic_store(&fsync_fails_at, call);
    fsync_errno = number;
}

TEST(fsync_fails, "after a failed fsync the session is idle and empty: its bytes are never called durable")
{
    static const struct {
        int number;
        enum err_code code;
        const char *reason;
    } cases[] = {{EIO, ERR_IO, "fsync: Input/output error"},
                 {ENOSPC, ERR_NO_SPACE, "fsync: No space left on device"},
                 {EDQUOT, ERR_NO_SPACE, "fsync: Disk quota exceeded"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct upload *u;
        struct digest d;
        uint64_t size;
        struct err e;
        int fd;

        open_uploads();
        u = create(DIGEST_SHA256);
        append(u, "abc", 3);
        upload_release(&u);
        u = acquire();
        digest_of(DIGEST_SHA256, "abc", 3, &d);
        fail_fsync(1, cases[i].number);
        CHECK_INT(upload_finish(&u, &d, &size, &e), -1);
        fail_fsync(0, 0);
        CHECK(u == NULL);
        CHECK_INT(e.code, cases[i].code);
        CHECK(strstr(e.text, last_id) != NULL && strstr(e.text, cases[i].reason) != NULL);
        CHECK_INT(blob_open(blobs, &d, &fd, &size, NULL), -1);
        CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 0);
        u = acquire();
        append(u, "abc", 3);
        check_finish(u, DIGEST_SHA256, "abc", 3);
        close_uploads();
    }
}

TEST(folder_fsync_fails, "when the blob's name cannot be made durable, finishing fails and can be done again")
{
    struct upload *u;
    struct digest d;
    uint64_t size;
    struct err e;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    digest_of(DIGEST_SHA256, "abc", 3, &d);
    fail_fsync(2, EIO);
    CHECK_INT(upload_finish(&u, &d, &size, &e), -1);
    fail_fsync(0, 0);
    CHECK_INT(e.code, ERR_IO);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 0);
    u = acquire();
    append(u, "abc", 3);
    check_finish(u, DIGEST_SHA256, "abc", 3);
    close_uploads();
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(write_fails_half_way, "an append that fails half-way keeps what was there before it, and works again later")
{
    char block[3000];
    struct iovec spans[2] = {{.iov_base = block, .iov_len = 2000}, {.iov_base = block + 2000, .iov_len = 1000}};
    struct upload *u;
    struct stat st;
    struct err e;
    int rc;

    memset(block, 'x', sizeof(block));
    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, block, 2500);
    limit_file_size(4000);
    rc = upload_append(u, spans, 2, &e);
    limit_file_size(RLIM_INFINITY);
    CHECK_INT(rc, -1);
    CHECK_INT(e.code, ERR_IO);
    CHECK(strstr(e.text, last_id) != NULL && strstr(e.text, "write at offset 4000: File too large") != NULL);
    CHECK_INT(upload_offset(u), 2500);
    CHECK_INT(stat(path_of(""), &st), 0);
    CHECK_INT(st.st_size, 2500);
    upload_release(&u);
    u = acquire();
    append(u, block, 500);
    check_finish(u, DIGEST_SHA256, block, 3000);
    close_uploads();
}

TEST(create_fails, "a session whose record cannot be written does not begin, and leaves nothing")
{
    struct upload *u = NULL;
    struct err e;
    int rc;

    open_uploads();
    limit_file_size(100);
    rc = upload_create(uploads, REPOSITORY, OWNER, DIGEST_SHA256, &u, &e);
    limit_file_size(RLIM_INFINITY);
    CHECK_INT(rc, -1);
    CHECK(u == NULL);
    CHECK(strstr(e.text, "new upload: create ") == e.text && strstr(e.text, ": File too large") != NULL);
    CHECK_INT(files_in_uploads(), 0);
    close_uploads();
}

TEST(length_differs, "a file that is not as long as its session is never made a blob")
{
    struct upload *u;
    struct digest d;
    uint64_t size;
    struct err e;
    char wanted[300];
    int fd;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    damage(path_of(""), 3, 'd');
    digest_of(DIGEST_SHA256, "abc", 3, &d);
    CHECK_INT(upload_finish(&u, &d, &size, &e), -1);
    snprintf(wanted, sizeof(wanted),
             "upload %s: the file has 4 bytes, the session 3; ask for the session's offset and go on from there",
             last_id);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(blob_open(blobs, &d, &fd, &size, NULL), -1);
    CHECK_INT(offset_of(REPOSITORY, OWNER, &e), 4);
    check_finish(acquire(), DIGEST_SHA256, "abcd", 4);
    close_uploads();
}

/* ---- threads ---- */

enum { THREADS = 6, ROUNDS = 60 };

static pthread_barrier_t barrier;
static atomic_int won, lost, wrong;

/* Threads record; only the main thread may CHECK. */
static void *acquire_once(void *arg)
{
    struct upload *u = NULL;
    struct err e;

    (void)arg;
    pthread_barrier_wait(&barrier);
    if (upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &u, &e) == 0)
        atomic_fetch_add(&won, 1);
    else if (e.code == ERR_BUSY)
        atomic_fetch_add(&lost, 1);
    else
        atomic_fetch_add(&wrong, 1);
    pthread_barrier_wait(&barrier);
    upload_release(&u);
    return NULL;
}

static void run_threads(void *(*body)(void *), int n)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < n; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, body, NULL), 0);
    for (int i = 0; i < n; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
}

TEST(one_wins, "of threads that acquire one idle session at once, exactly one gets it")
{
    struct upload *u;

    open_uploads();
    u = create(DIGEST_SHA256);
    append(u, "abc", 3);
    upload_release(&u);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&won, 0);
        atomic_store(&lost, 0);
        atomic_store(&wrong, 0);
        run_threads(acquire_once, THREADS);
        CHECK_INT(atomic_load(&won), 1);
        CHECK_INT(atomic_load(&lost), THREADS - 1);
        CHECK_INT(atomic_load(&wrong), 0);
    }
    pthread_barrier_destroy(&barrier);
    check_finish(acquire(), DIGEST_SHA256, "abc", 3);
    close_uploads();
}

static void *push_same_blob(void *arg)
{
    static const char text[] = "the same bytes";
    struct digest d;

    (void)arg;
    digest_of(DIGEST_SHA256, text, sizeof(text), &d);
    for (int i = 0; i < 10; i++) {
        char copy[sizeof(text)];
        struct iovec span = {.iov_base = memcpy(copy, text, sizeof(text)), .iov_len = sizeof(text)};
        struct upload *u = NULL;
        uint64_t size;

        if (upload_create(uploads, REPOSITORY, OWNER, DIGEST_SHA256, &u, NULL) != 0 ||
            upload_append(u, &span, 1, NULL) != 0 || upload_finish(&u, &d, &size, NULL) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

TEST(same_blob, "threads that push one blob at once all succeed, and nothing is left over")
{
    open_uploads();
    atomic_store(&wrong, 0);
    run_threads(push_same_blob, THREADS);
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK_INT(files_in_uploads(), 0);
    close_uploads();
}

static atomic_bool finished;

/* Offsets never fall, and the session is never missing, whether it is held or idle at the moment. */
static void *watch_offset(void *arg)
{
    uint64_t last = 0;

    (void)arg;
    while (!atomic_load(&finished)) {
        uint64_t offset = 0;

        if (upload_status(uploads, str_of(last_id), REPOSITORY, OWNER, &offset, NULL) != 0 || offset < last)
            atomic_fetch_add(&wrong, 1);
        last = offset;
        uploads_purge(uploads, 3600, 10, false);
    }
    return NULL;
}

TEST(watched, "a session's offset can be watched while others append, release and acquire it")
{
    pthread_t watcher;
    struct upload *u;

    open_uploads();
    u = create(DIGEST_SHA256);
    atomic_store(&wrong, 0);
    atomic_store(&finished, false);
    CHECK_INT(pthread_create(&watcher, NULL, watch_offset, NULL), 0);
    for (int i = 0; i < 300; i++) {
        append(u, "abcdefg", 7);
        upload_release(&u);
        u = acquire();
    }
    atomic_store(&finished, true);
    CHECK_INT(pthread_join(watcher, NULL), 0);
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK_INT(upload_offset(u), 2100);
    upload_release(&u);
    close_uploads();
}
