/* Checks: what each kind finds, when a failure counts, and what becomes of a run that does not end. */
#include "registry/health/check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/log.h"
#include "registry/health/health.h"
#include "tests/unit/test.h"

enum { PATIENCE_MS = 20000, STEP_MS = 5 };

static void nap(void)
{
    const struct timespec pause = {0, STEP_MS * 1000000L};

    nanosleep(&pause, NULL);
}

static bool becomes(const struct health *health, bool good)
{
    for (int ms = 0; health_is_good(health) != good; ms += STEP_MS) {
        if (ms > PATIENCE_MS)
            return false;
        nap();
    }
    return true;
}

static void json_is(struct health *health, const char *wanted)
{
    struct sbuf json = {0};

    health_json(health, &json);
    CHECK_TEXT(sbuf_text(&json), wanted);
    sbuf_free(&json);
}

/* ---- one run of each kind ---- */

static int run_once(check_run *run, const char *target, struct err *e)
{
    char copy[400];
    const struct config_check wanted = {.target = copy, .timeout_ms = PATIENCE_MS};
    struct check check = {.wanted = &wanted};

    snprintf(copy, sizeof(copy), "%s", target);
    return run(&check, e);
}

TEST(file, "a file that is there is a failure, and so is one that cannot be looked for")
{
    char path[400];
    struct err e;

    snprintf(path, sizeof(path), "%s/maintenance", test_dir());
    CHECK_INT(run_once(check_run_file, path, &e), 0);
    close(open(path, O_CREAT | O_CLOEXEC, 0));
    CHECK_INT(run_once(check_run_file, path, &e), -1);
    CHECK_TEXT(e.text, "file exists");
    strcat(path, "/below");
    CHECK_INT(run_once(check_run_file, path, &e), 0);
}

TEST(tcp, "an address that takes connections is well, and one that refuses them is not")
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof(address);
    char target[40];
    struct err e;

    CHECK_INT(bind(listener, (const struct sockaddr *)&address, n), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    snprintf(target, sizeof(target), "127.0.0.1:%d", ntohs(address.sin_port));
    CHECK_INT(run_once(check_run_tcp, target, &e), -1);
    CHECK(strstr(e.text, "connect: Connection refused") != NULL);
    CHECK_INT(listen(listener, 1), 0);
    CHECK_INT(run_once(check_run_tcp, target, &e), 0);
    close(listener);
}

static int run_storage(const char *root, bool readonly, struct err *e)
{
    char copy[400];
    const struct config config = {.root_directory = copy, .readonly = readonly};
    struct live live;
    struct check check = {.config = &config, .live = &live};

    snprintf(copy, sizeof(copy), "%s", root);
    live_init(&live, &config);
    return check_run_storage(&check, e);
}

TEST(storage, "the root directory takes a few bytes again and again; without its blobs it is not the one")
{
    const char *root = test_dir();
    char blobs[400], probe[400];
    struct err e;

    snprintf(blobs, sizeof(blobs), "%s/blobs", root);
    snprintf(probe, sizeof(probe), "%s/health-check", root);
    CHECK_INT(run_storage(root, false, &e), -1);
    CHECK(strstr(e.text, "/blobs: No such file or directory") != NULL);
    CHECK_INT(mkdir(blobs, 0700), 0);
    CHECK_INT(run_storage(root, true, &e), 0);
    CHECK(access(probe, F_OK) != 0);
    CHECK_INT(run_storage(root, false, &e), 0);
    CHECK_INT(run_storage(root, false, &e), 0);
    CHECK(access(probe, F_OK) == 0);
    unlink(probe);
    CHECK_INT(symlink("/etc/passwd", probe), 0);
    CHECK_INT(run_storage(root, false, &e), -1);
    CHECK_INT(run_storage("/nowhere", false, &e), -1);
    CHECK_TEXT(e.text, "/nowhere: No such file or directory");
}

/* ---- a failure counts ---- */

TEST(changes, "a check that fails is told, with its name and reason, until it succeeds")
{
    char path[400];
    struct config_check file = {.kind = CONFIG_CHECK_FILE, .target = path, .interval_ms = 10, .threshold = 1};
    const struct config config = {.checks = &file, .check_count = 1};
    struct sbuf wanted = {0};
    struct health *health;
    struct live live;
    struct err e;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    live_init(&live, &config);
    snprintf(path, sizeof(path), "%s/maintenance", test_dir());
    health = health_start(&config, &live, &e);
    CHECK(health != NULL);
    CHECK(health_is_good(health));
    json_is(health, "{}");
    close(open(path, O_CREAT | O_CLOEXEC, 0600));
    CHECK(becomes(health, false));
    sbuf_printf(&wanted, "{\"%s\":\"file exists\"}", path);
    json_is(health, sbuf_text(&wanted));
    unlink(path);
    CHECK(becomes(health, true));
    json_is(health, "{}");
    health_stop(&health);
    CHECK(health == NULL);
    CHECK(health_is_good(health));
    json_is(health, "{}");
    sbuf_free(&wanted);
}

TEST(patient, "with a threshold beyond all bounds a check of the storage never counts as one that hangs")
{
    enum { LOOKS = 200000 };
    char root[400], blobs[410];
    struct config config = {.root_directory = root,
                            .storage_check = {.enabled = true, .interval_ms = 2, .threshold = UINT64_MAX / 2 + 1}};
    struct health *health;
    struct live live;
    struct err e;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0);
    live_init(&live, &config);
    snprintf(root, sizeof(root), "%s/patient", test_dir());
    snprintf(blobs, sizeof(blobs), "%s/blobs", root);
    CHECK_INT(mkdir(root, 0700), 0);
    CHECK_INT(mkdir(blobs, 0700), 0);
    health = health_start(&config, &live, &e);
    CHECK(health != NULL);
    for (int i = 0; i < LOOKS; i++) {
        health_watch(health);
        if (!health_is_good(health))
            break;
    }
    json_is(health, "{}");
    health_stop(&health);
}

static atomic_uint runs;
static sem_t go_on;

static int fail_always(struct check *check, struct err *e)
{
    (void)check;
    atomic_fetch_add(&runs, 1);
    sem_wait(&go_on);
    return err_set(e, ERR_IO, "run %u", atomic_load(&runs));
}

static void await_runs(unsigned n)
{
    for (int ms = 0; atomic_load(&runs) < n && ms < PATIENCE_MS; ms += STEP_MS)
        nap();
    CHECK_INT(atomic_load(&runs), n);
}

static void stop(struct check *check)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    sem_post(&go_on);
    CHECK(check_stop(check, &until));
}

TEST(threshold, "failures count when there were as many in a row as the threshold says")
{
    atomic_uint failing = 0;
    struct check check = {.name = "x",
                          .run = fail_always,
                          .interval_ms = 1,
                          .threshold = 3,
                          .limit_ms = PATIENCE_MS,
                          .failing = &failing};
    char reason[ERR_TEXT_MAX];
    struct err e;

    atomic_store(&runs, 0);
    sem_init(&go_on, 0, 2);
    CHECK_INT(check_start(&check, &e), 0);
    await_runs(3); /* two are over */
    CHECK(!check_fails(&check, reason) && atomic_load(&failing) == 0);
    sem_post(&go_on);
    await_runs(4);
    CHECK(check_fails(&check, reason) && atomic_load(&failing) == 1);
    CHECK_TEXT(reason, "run 3");
    stop(&check);
}

TEST(hangs, "a run that does not end is a failure after its time, and one that cannot be stopped is left behind")
{
    static struct check check = {.name = "disk", .run = fail_always, .interval_ms = 1, .threshold = 1, .limit_ms = 1};
    static atomic_uint failing;
    const struct timespec now = {0};
    char reason[ERR_TEXT_MAX];
    struct err e;

    check.failing = &failing;
    atomic_store(&runs, 0);
    sem_init(&go_on, 0, 0);
    CHECK_INT(check_start(&check, &e), 0);
    await_runs(1);
    for (int ms = 0; !check_fails(&check, reason) && ms < PATIENCE_MS; ms += STEP_MS) {
        nap();
        check_watch(&check);
    }
    CHECK(check_fails(&check, reason));
    CHECK_TEXT(reason, "no result for more than 0 s: it hangs");
    CHECK_INT(atomic_load(&failing), 1);
    CHECK(!check_stop(&check, &now));
    stop(&check);
}
