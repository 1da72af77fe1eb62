/* The user file changes while the server runs, well or badly; and how it is read at the start. */
#include "tests/unit/auth/users_fixture.h"

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

TEST(generation, "each version of the file that is put in force has a number of its own, a broken one has none")
{
    struct users *users = open_with_alice();
    uint64_t first = users_generation(users);
    struct sbuf text = {0};

    CHECK(!users_refresh(users, false));
    CHECK_INT(users_generation(users), first);
    write_file("broken\n", strlen("broken\n"), false);
    CHECK(!users_refresh(users, false));
    CHECK_INT(users_generation(users), first);
    put_user(&text, "bob", "builder");
    write_file(text.p, text.n, false);
    CHECK(users_refresh(users, false));
    CHECK(users_generation(users) != first);
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
