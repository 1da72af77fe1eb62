/* Passes of users whose file changes. */
#include "auth/users.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/password.h"
#include "registry/base/file.h"
#include "tests/unit/test.h"

enum { NOW = 1700000000, LIFETIME = 300 };

static char path[400];

static void put_user(struct sbuf *text, const char *name, const char *password)
{
    char hash[PASSWORD_HASH_MAX];

    if (password_hash(PASSWORD_BCRYPT, 4, str_of(password), hash, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot hash");
    sbuf_printf(text, "%s:%s\n", name, hash);
}

static void write_users(struct sbuf *text)
{
    if (file_replace(path, text->p, text->n, 0600, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
    text->n = 0;
}

static struct users *open_with_alice(void)
{
    struct sbuf text = {0};
    struct users *users;
    struct err e;

    snprintf(path, sizeof(path), "%s/htpasswd", test_dir());
    put_user(&text, "alice", "secret");
    put_user(&text, "bob", "builder");
    write_users(&text);
    sbuf_free(&text);
    users = users_open(path, &e);
    if (users == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return users;
}

static struct str issue(struct users *users, struct str name, struct sbuf *out)
{
    struct err e;

    if (users_issue(users, name, NOW, LIFETIME, out, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return (struct str){out->p, out->n};
}

TEST(admits, "a pass stands for its user until it expires, an anonymous pass for nobody, without a hash")
{
    struct users *users = open_with_alice();
    struct sbuf alice = {0}, nobody = {0};
    struct str pass = issue(users, STR("alice"), &alice), anonymous = issue(users, STR(""), &nobody);
    uint64_t before = password_hashes_computed();
    char name[HTPASSWD_NAME_MAX + 1] = "x";

    CHECK(users_admit(users, pass, NOW, name));
    CHECK_TEXT(name, "alice");
    CHECK(users_admit(users, anonymous, NOW, name));
    CHECK_TEXT(name, "");
    strcpy(name, "x");
    CHECK(!users_admit(users, pass, NOW + LIFETIME, name));
    CHECK_TEXT(name, "");
    CHECK(!users_admit(users, anonymous, NOW + LIFETIME, name));
    CHECK(!users_admit(users, STR("alice"), NOW, name));
    CHECK_INT(password_hashes_computed() - before, 0);
    sbuf_free(&alice);
    sbuf_free(&nobody);
    users_close(&users);
}

TEST(changed, "a pass dies with a changed or removed entry, at once, and others live on")
{
    struct users *users = open_with_alice();
    struct sbuf alice = {0}, bob = {0}, nobody = {0}, text = {0}, out = {0};
    struct str pass = issue(users, STR("alice"), &alice), other = issue(users, STR("bob"), &bob);
    struct str anonymous = issue(users, STR(""), &nobody);
    char name[HTPASSWD_NAME_MAX + 1], wanted[600];
    struct err e;

    CHECK(file_read(path, HTPASSWD_FILE_MAX, &text, NULL) == 0);
    text.n = str_find((struct str){text.p, text.n}, '\n') + 1; /* alice as she was */
    put_user(&text, "bob", "changed");
    write_users(&text);
    CHECK(users_admit(users, other, NOW, name));
    CHECK(users_refresh(users, false));
    CHECK(users_admit(users, pass, NOW, name));
    CHECK(!users_admit(users, other, NOW, name));
    CHECK_TEXT(name, "");
    put_user(&text, "bob", "changed");
    write_users(&text);
    CHECK(users_refresh(users, false));
    CHECK(!users_admit(users, pass, NOW, name));
    CHECK_INT(users_issue(users, STR("alice"), NOW, LIFETIME, &out, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: there is no such user any more; log in again", path);
    CHECK_TEXT(e.text, wanted);
    write_users(&text);
    CHECK(users_refresh(users, true)); /* nobody is left */
    CHECK(!users_admit(users, pass, NOW, name));
    CHECK(users_admit(users, anonymous, NOW, name));
    sbuf_free(&alice);
    sbuf_free(&bob);
    sbuf_free(&nobody);
    sbuf_free(&text);
    sbuf_free(&out);
    users_close(&users);
}

TEST(strangers, "a pass that another server made, of the same file, opens nothing")
{
    struct users *users = open_with_alice(), *other = users_open(path, NULL);
    struct sbuf alice = {0};
    struct str pass = issue(users, STR("alice"), &alice);
    char name[HTPASSWD_NAME_MAX + 1];

    CHECK(other != NULL);
    CHECK(users_admit(users, pass, NOW, name));
    CHECK(!users_admit(other, pass, NOW, name));
    sbuf_free(&alice);
    users_close(&other);
    users_close(&users);
}

static atomic_bool stop;

static void *admit_on(void *argument)
{
    struct users *users = argument;
    struct sbuf out = {0};
    char name[HTPASSWD_NAME_MAX + 1];
    bool sane = true;

    while (!atomic_load(&stop)) {
        out.n = 0;
        sane &= users_issue(users, STR("alice"), NOW, LIFETIME, &out, NULL) == 0;
        if (users_admit(users, (struct str){out.p, out.n}, NOW, name))
            sane &= strcmp(name, "alice") == 0;
    }
    sbuf_free(&out);
    return sane ? users : NULL;
}

TEST(at_once, "loops issue and admit passes while the file is replaced under them")
{
    struct users *users = open_with_alice();
    struct sbuf text = {0};
    pthread_t threads[2];
    void *sane;

    atomic_store(&stop, false);
    for (size_t i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, admit_on, users), 0);
    for (int i = 0; i < 50; i++) {
        put_user(&text, "alice", "secret");
        write_users(&text);
        CHECK(users_refresh(users, false));
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], &sane), 0);
        CHECK(sane == users);
    }
    sbuf_free(&text);
    users_close(&users);
}
