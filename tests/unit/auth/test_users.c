#include "tests/unit/auth/users_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

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
