#include "auth/users.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/password.h"
#include "registry/base/file.h"
#include "tests/unit/test.h"

static char path[400];

/* "name:<bcrypt of password at that cost>\n" */
static void put_user_at(unsigned cost, struct sbuf *text, const char *name, const char *password)
{
    char hash[PASSWORD_HASH_MAX];

    if (password_hash(PASSWORD_BCRYPT, cost, str_of(password), hash, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot hash");
    sbuf_printf(text, "%s:%s\n", name, hash);
}

static void put_user(struct sbuf *text, const char *name, const char *password)
{
    put_user_at(4, text, name, password);
}

/* Write in place, as a shell's ">" does. The file's time is put into the past unless `fresh`: such a file is settled.
 */
static void write_file(const char *bytes, size_t n, bool fresh)
{
    static time_t past = 1000000000;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct timespec times[2] = {{.tv_sec = past}, {.tv_sec = past}};

    past++;
    if (fd < 0 || file_write(fd, bytes, n, NULL) != 0 || (!fresh && futimens(fd, times) != 0))
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
    close(fd);
}

static struct users *open_with(struct sbuf *text)
{
    struct users *users;
    struct err e;

    snprintf(path, sizeof(path), "%s/htpasswd", test_dir());
    write_file(text->p, text->n, false);
    users = users_open(path, &e);
    if (users == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return users;
}

static struct users *open_with_alice(void)
{
    struct sbuf text = {0};
    struct users *users;

    put_user(&text, "alice", "secret");
    users = open_with(&text);
    sbuf_free(&text);
    return users;
}

/* What goes to the log from here on is kept; logged_end() gives it back. */
static int real_stderr = -1;

static void logged_begin(void)
{
    char name[420];
    int fd;

    fflush(stderr);
    real_stderr = dup(2);
    snprintf(name, sizeof(name), "%s.log", path);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, 2) < 0)
        test_fail(__FILE__, __LINE__, "cannot redirect stderr");
    close(fd);
}

static const char *logged_end(void)
{
    static char text[8192];
    ssize_t n = pread(2, text, sizeof(text) - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    dup2(real_stderr, 2);
    close(real_stderr);
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

TEST(first_time, "a pair is unknown until a worker has verified it, then remembered")
{
    struct users *users = open_with_alice();
    uint64_t before = password_hashes_computed();

    CHECK_INT(users_recall(users, STR("alice"), STR("secret")), VERDICT_UNKNOWN);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    CHECK_INT(users_recall(users, STR("alice"), STR("secret")), VERDICT_YES);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    CHECK_INT(password_hashes_computed() - before, 1);
    CHECK_INT(users_recall(users, STR("alice"), STR("Secret")), VERDICT_UNKNOWN);
    CHECK_INT(users_verify(users, STR("alice"), STR("Secret")), VERDICT_NO);
    CHECK_INT(users_recall(users, STR("alice"), STR("Secret")), VERDICT_UNKNOWN);
    users_close(&users);
    CHECK(users == NULL);
}

TEST(unknown_user,
     "an unknown user is answered like a wrong password: same verdicts, same number of hashes, every time")
{
    struct users *users = open_with_alice();
    static const char *const names[] = {"alice", "mallory"};

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2; i++) {
            uint64_t before = password_hashes_computed();

            CHECK_INT(users_recall(users, str_of(names[i]), STR("wrong")), VERDICT_UNKNOWN);
            CHECK_INT(users_verify(users, str_of(names[i]), STR("wrong")), VERDICT_NO);
            CHECK_INT(password_hashes_computed() - before, 1);
        }
    }
    /* the stand-in's own password opens nothing */
    CHECK_INT(users_verify(users, STR("mallory"), STR("secret")), VERDICT_NO);
    CHECK_INT(users_recall(users, STR("mallory"), STR("secret")), VERDICT_UNKNOWN);
    users_close(&users);
}

/* Of this thread's own time, so that other work on the machine does not count. */
static double seconds_to_refuse(struct users *users, const char *name)
{
    struct timespec from, to;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    CHECK_INT(users_verify(users, str_of(name), STR("wrong")), VERDICT_NO);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

TEST(mixed_costs,
     "where costs differ, unknown names cost what one or another known user costs, each the same every time")
{
    enum { NAMES = 40 };
    struct sbuf text = {0};
    struct users *users;
    double between;
    int dear = 0;

    put_user_at(4, &text, "cheap", "secret");
    put_user_at(9, &text, "dear", "secret");
    users = open_with(&text);
    between = seconds_to_refuse(users, "dear") / 4;
    CHECK(seconds_to_refuse(users, "cheap") < between);
    for (int i = 0; i < NAMES; i++) {
        char name[16];
        bool first;

        snprintf(name, sizeof(name), "nobody%d", i);
        first = seconds_to_refuse(users, name) > between;
        CHECK_INT(seconds_to_refuse(users, name) > between, first);
        dear += first;
    }
    CHECK(dear > 0 && dear < NAMES);
    sbuf_free(&text);
    users_close(&users);
}

TEST(hopeless, "what cannot be right for any user is refused without a hash")
{
    struct users *users = open_with_alice();
    uint64_t before = password_hashes_computed();
    char name[256];

    memset(name, 'a', sizeof(name));
    CHECK_INT(users_recall(users, STR("alice"), STR("secret\0x")), VERDICT_NO);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret\0x")), VERDICT_NO);
    CHECK_INT(users_recall(users, STR(""), STR("secret")), VERDICT_NO);
    CHECK_INT(users_verify(users, (struct str){name, sizeof(name)}, STR("secret")), VERDICT_NO);
    CHECK_INT(password_hashes_computed() - before, 0);
    users_close(&users);
}

TEST(reload, "users are added, changed and removed without a restart, and what was remembered goes at once")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};

    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    CHECK(!users_refresh(users, false));
    put_user(&text, "alice", "changed");
    put_user(&text, "bob", "builder");
    write_file(text.p, text.n, false);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_recall(users, STR("alice"), STR("secret")), VERDICT_UNKNOWN);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_NO);
    CHECK_INT(users_verify(users, STR("alice"), STR("changed")), VERDICT_YES);
    CHECK_INT(users_verify(users, STR("bob"), STR("builder")), VERDICT_YES);
    text.n = 0;
    put_user(&text, "alice", "changed");
    write_file(text.p, text.n, false);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_recall(users, STR("bob"), STR("builder")), VERDICT_UNKNOWN);
    CHECK_INT(users_verify(users, STR("bob"), STR("builder")), VERDICT_NO);
    sbuf_free(&text);
    users_close(&users);
}

TEST(untouched_entry, "a change elsewhere in the file does not cost the others a new hash")
{
    struct sbuf text = {0};
    struct users *users;

    put_user(&text, "alice", "secret");
    users = open_with(&text);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    put_user(&text, "bob", "builder");
    write_file(text.p, text.n, false);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_recall(users, STR("alice"), STR("secret")), VERDICT_YES);
    sbuf_free(&text);
    users_close(&users);
}

TEST(same_tick, "a second change within one tick of the clock, of equal size, is found")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};
    struct stat st;
    struct timespec times[2];

    put_user(&text, "alice", "first");
    write_file(text.p, text.n, true);
    CHECK(stat(path, &st) == 0);
    CHECK(users_refresh(users, false));
    text.n = 0;
    put_user(&text, "alice", "other");
    write_file(text.p, text.n, true);
    times[0] = times[1] = st.st_mtim;
    CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_verify(users, STR("alice"), STR("other")), VERDICT_YES);
    sbuf_free(&text);
    users_close(&users);
}

TEST(malformed, "a malformed file keeps the users known before and is logged once for each version")
{
    struct users *users = open_with_alice();
    const char *log;

    logged_begin();
    write_file("alice:secret\n", 13, false);
    CHECK(!users_refresh(users, false));
    CHECK(!users_refresh(users, false));
    write_file("bob:secret\n", 11, true);
    CHECK(!users_refresh(users, false));
    CHECK(!users_refresh(users, false));
    log = logged_end();
    CHECK_INT(count(log, "the users known before stay in force"), 2);
    CHECK_INT(count(log, "htpasswd:1: user alice: plain text and unknown hashes are not accepted"), 1);
    CHECK_INT(count(log, "user bob"), 1);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    users_close(&users);
}

TEST(half_written, "a file met half-way through being written changes nothing and is not complained about")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};

    put_user(&text, "bob", "builder");
    logged_begin();
    for (size_t n = 0; n < text.n; n++) {
        write_file(text.p, n, true);
        CHECK(!users_refresh(users, false));
    }
    CHECK_TEXT(logged_end(), "");
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    write_file(text.p, text.n, true);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_verify(users, STR("bob"), STR("builder")), VERDICT_YES);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_NO);
    sbuf_free(&text);
    users_close(&users);
}

TEST(no_newline, "a file that ends without a newline is taken when the next look finds it the same, or when forced")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};

    put_user(&text, "bob", "builder");
    write_file(text.p, text.n - 1, false);
    CHECK(!users_refresh(users, false));
    CHECK(users_refresh(users, false));
    CHECK_INT(users_verify(users, STR("bob"), STR("builder")), VERDICT_YES);
    write_file("", 0, false);
    CHECK(users_refresh(users, true));
    CHECK_INT(users_recall(users, STR("bob"), STR("builder")), VERDICT_NO);
    sbuf_free(&text);
    users_close(&users);
}

TEST(vanished, "a file that is gone keeps the users known before, is logged once, and is read when it is back")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};
    const char *log;

    logged_begin();
    CHECK(unlink(path) == 0);
    CHECK(!users_refresh(users, false));
    CHECK(!users_refresh(users, true));
    log = logged_end();
    CHECK_INT(count(log, "No such file or directory; the users known before stay in force"), 1);
    CHECK_INT(users_verify(users, STR("alice"), STR("secret")), VERDICT_YES);
    put_user(&text, "bob", "builder");
    write_file(text.p, text.n, false);
    CHECK(users_refresh(users, false));
    CHECK_INT(users_verify(users, STR("bob"), STR("builder")), VERDICT_YES);
    sbuf_free(&text);
    users_close(&users);
}

TEST(start_malformed, "a server does not start with a weak entry, and says what to do")
{
    char wanted[600];
    struct err e;

    snprintf(path, sizeof(path), "%s/htpasswd", test_dir());
    write_file("# people\nold:udTRkYHkRPx8.\n", 27, false);
    CHECK(users_open(path, &e) == NULL);
    snprintf(wanted, sizeof(wanted),
             "%s:2: user old: DES crypt hashes are not accepted; set the password again with \"berth-user passwd\" or "
             "\"htpasswd -B\"",
             path);
    CHECK_TEXT(e.text, wanted);
    CHECK(users_open(test_dir(), &e) == NULL);
    CHECK(strstr(e.text, ": not a regular file") != NULL);
}

TEST(missing, "a missing file is made with user docker, directory 0700, file 0600, and its password logged once")
{
    struct users *users;
    struct stat st;
    struct err e;
    char password[64];
    char directory[300];
    const char *log, *at;

    snprintf(path, sizeof(path), "%s/log", test_dir());
    logged_begin();
    snprintf(directory, sizeof(directory), "%.*s/auth", (int)(strrchr(path, '/') - path), path);
    snprintf(path, sizeof(path), "%s/htpasswd", directory);
    users = users_open(path, &e);
    log = logged_end();
    CHECK(users != NULL);
    CHECK(stat(directory, &st) == 0 && (st.st_mode & 07777) == 0700);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    at = strstr(log, "password=");
    CHECK(at != NULL && sscanf(at, "password=%63[0-9A-Za-z]", password) == 1);
    CHECK_INT(strlen(password), 24);
    CHECK_INT(count(log, password), 1);
    CHECK_INT(users_verify(users, STR("docker"), str_of(password)), VERDICT_YES);
    users_close(&users);
    logged_begin();
    users = users_open(path, &e);
    log = logged_end();
    CHECK(users != NULL);
    CHECK_TEXT(log, "");
    users_close(&users);
}

struct crowd {
    struct users *users;
    struct str password;
    atomic_int yes;
};

static void *ask(void *argument)
{
    struct crowd *crowd = argument;

    if (users_verify(crowd->users, STR("alice"), crowd->password) == VERDICT_YES)
        atomic_fetch_add(&crowd->yes, 1);
    return NULL;
}

TEST(crowd, "sixteen workers with one right pair cost one hash")
{
    struct crowd crowd = {.users = open_with_alice(), .password = STR("secret")};
    uint64_t before = password_hashes_computed();
    pthread_t threads[16];

    for (size_t i = 0; i < 16; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, ask, &crowd), 0);
    for (size_t i = 0; i < 16; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(crowd.yes, 16);
    CHECK_INT(password_hashes_computed() - before, 1);
    users_close(&crowd.users);
}

static atomic_bool stop;

static void *recall_on(void *argument)
{
    struct users *users = argument;
    bool sane = true;

    while (!atomic_load(&stop))
        sane &= users_recall(users, STR("alice"), STR("secret")) != VERDICT_NO;
    return sane ? users : NULL;
}

TEST(at_once, "loops go on asking while the file is replaced under them")
{
    struct users *users = open_with_alice();
    struct sbuf text[2] = {{0}, {0}};
    pthread_t thread;
    void *sane;

    put_user(&text[0], "alice", "secret");
    put_user(&text[1], "alice", "other");
    put_user(&text[1], "bob", "builder");
    atomic_store(&stop, false);
    CHECK_INT(pthread_create(&thread, NULL, recall_on, users), 0);
    for (int i = 0; i < 200; i++) {
        write_file(text[i % 2].p, text[i % 2].n, false);
        CHECK(users_refresh(users, false));
    }
    atomic_store(&stop, true);
    CHECK_INT(pthread_join(thread, &sane), 0);
    CHECK(sane == users);
    sbuf_free(&text[0]);
    sbuf_free(&text[1]);
    users_close(&users);
}
