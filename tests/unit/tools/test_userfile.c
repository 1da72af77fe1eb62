#include "tools/user/userfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

#define HASH  "$2y$05$pHl/ithogHpYWtHz/ovaRe4j4J38tEmFz9DEIkqF0O5bPI4TqBibC"
#define OTHER "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static char path[400];

static void begin(const char *text)
{
    snprintf(path, sizeof(path), "%s/htpasswd", test_dir());
    if (text != NULL && file_replace(path, text, strlen(text), 0640, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
}

static const char *content(void)
{
    static char text[4096];
    struct sbuf read = {0};

    if (file_read(path, sizeof(text) - 1, &read, NULL) != 0)
        return NULL;
    memcpy(text, read.p, read.n + 1);
    sbuf_free(&read);
    return text;
}

static struct userfile *must_open(enum userfile_access access)
{
    struct err e;
    struct userfile *file = userfile_open(path, access, &e);

    if (file == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return file;
}

static void set(const char *name, const char *hash)
{
    struct userfile *file = must_open(USERFILE_CREATE);
    struct err e;

    if (userfile_set(file, str_of(name), str_of(hash), &e) != 0 || userfile_save(file, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    userfile_close(&file);
}

TEST(create, "the first user makes the file, readable by its owner only")
{
    struct stat st;

    begin(NULL);
    set("alice", HASH);
    CHECK_TEXT(content(), "alice:" HASH "\n");
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
}

TEST(edit, "only the edited line changes, and mode and comments stay")
{
    struct stat st;

    begin("# people\n\nzoe:" HASH "\r\n alice:" HASH "\nold:$apr1$x");
    set("alice", OTHER);
    CHECK_TEXT(content(), "# people\n\nzoe:" HASH "\r\nalice:" OTHER "\nold:$apr1$x\n");
    set("bob", HASH);
    CHECK_TEXT(content(), "# people\n\nzoe:" HASH "\r\nalice:" OTHER "\nold:$apr1$x\nbob:" HASH "\n");
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
}

TEST(mend, "a weak entry is mended by setting it anew, and until then the file is reported as refused")
{
    struct userfile *file;
    struct err e;

    begin("old:secret\nold:$apr1$x\n");
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_check(file, &e), -1);
    CHECK(strstr(e.text, "htpasswd:1: user old: plain text and unknown hashes are not accepted") != NULL);
    CHECK_INT(userfile_set(file, STR("old"), STR(HASH), &e), 0);
    CHECK_INT(userfile_check(file, &e), 0);
    CHECK_INT(userfile_save(file, &e), 0);
    userfile_close(&file);
    CHECK(file == NULL);
    CHECK_TEXT(content(), "old:" HASH "\n");
}

TEST(removal, "removing takes out all lines of a user and says when there is none")
{
    struct userfile *file;
    struct err e;
    char wanted[500];

    begin("a:" HASH "\nb:" HASH "\na:" OTHER "\n");
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_remove(file, STR("a"), &e), 0);
    CHECK_INT(userfile_remove(file, STR("a"), &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: there is no user a", path);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(userfile_save(file, &e), 0);
    userfile_close(&file);
    CHECK_TEXT(content(), "b:" HASH "\n");
}

TEST(reading, "names come in the file's order, with their hashes")
{
    struct userfile *file;
    struct str name, hash;
    size_t cursor = 0;

    begin("# a:b\nzoe:" HASH "\nalice:" OTHER);
    file = must_open(USERFILE_READ);
    CHECK(userfile_next(file, &cursor, &name, &hash) && str_eq(name, STR("zoe")));
    CHECK(userfile_next(file, &cursor, &name, &hash) && str_eq(name, STR("alice")));
    CHECK(!userfile_next(file, &cursor, &name, &hash));
    CHECK(userfile_hash(file, STR("alice"), &hash) && str_eq(hash, STR(OTHER)));
    CHECK(!userfile_hash(file, STR("# a"), &hash));
    userfile_close(&file);
}

TEST(bad_name, "a name that cannot be one is refused and the file left alone")
{
    struct userfile *file;
    struct err e;

    begin("a:" HASH "\n");
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_set(file, STR("x\ny:z"), STR(HASH), &e), -1);
    CHECK_TEXT(e.text, "the user name has a colon or a control character in it");
    userfile_close(&file);
    CHECK_TEXT(content(), "a:" HASH "\n");
}

TEST(absent, "a file that is not there is not found, and no lock file is left for it")
{
    struct err e;
    char lock[420];

    begin(NULL);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    CHECK(userfile_open(path, USERFILE_READ, &e) == NULL);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(userfile_open(path, USERFILE_EDIT, &e) == NULL);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(access(lock, F_OK) != 0);
    snprintf(path, sizeof(path), "%s/none/htpasswd", test_dir());
    CHECK(userfile_open(path, USERFILE_CREATE, &e) == NULL);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(strstr(e.text, "/none/htpasswd: its directory does not exist; make that first") != NULL);
}

TEST(symbolic_link, "a symbolic link stays one, and what it points to is replaced")
{
    char target[420];
    struct stat st;

    begin("a:" HASH "\n");
    snprintf(target, sizeof(target), "%s.real", path);
    CHECK(rename(path, target) == 0 && symlink(target, path) == 0);
    set("b", OTHER);
    CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
    CHECK_TEXT(content(), "a:" HASH "\nb:" OTHER "\n");
}

TEST(concurrent, "editors at the same time lose none of each other's users")
{
    enum { EDITORS = 8, EACH = 5 };
    struct userfile *file;
    struct str hash;

    begin("");
    for (int i = 0; i < EDITORS; i++) {
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0) {
            for (int k = 0; k < EACH; k++) {
                char name[32];

                snprintf(name, sizeof(name), "user-%d-%d", i, k);
                set(name, HASH);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < EDITORS; i++) {
        int status;

        CHECK(wait(&status) > 0 && status == 0);
    }
    file = must_open(USERFILE_READ);
    for (int i = 0; i < EDITORS * EACH; i++) {
        char name[32];

        snprintf(name, sizeof(name), "user-%d-%d", i / EACH, i % EACH);
        CHECK(userfile_hash(file, str_of(name), &hash));
    }
    userfile_close(&file);
}

TEST(renaming, "a renamed user keeps the hash and the place")
{
    struct userfile *file;
    struct err e;
    char wanted[500];

    begin("# x\na:" HASH "\nb:" OTHER "\n");
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_rename(file, STR("a"), STR("b"), &e), -1);
    CHECK_INT(e.code, ERR_EXISTS);
    snprintf(wanted, sizeof(wanted), "%s: there is a user b already", path);
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(userfile_rename(file, STR("c"), STR("d"), &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK_INT(userfile_rename(file, STR("a"), STR("x:y"), &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK_INT(userfile_rename(file, STR("a"), STR("c"), &e), 0);
    CHECK_INT(userfile_save(file, &e), 0);
    userfile_close(&file);
    CHECK_TEXT(content(), "# x\nc:" HASH "\nb:" OTHER "\n");
}

TEST(many, "many users are set in one pass: those there in place, the others at the end in their order")
{
    const struct userfile_user users[] = {
        {STR("new2"), STR("H2")}, {STR("a"), STR("HA")}, {STR("new1"), STR("H1")}, {STR("b"), STR("HB")}};
    struct userfile *file;
    struct err e;

    begin("a:1\nkept:2\nb:3\na:4\n");
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_set_all(file, users, 4, &e), 0);
    CHECK_INT(userfile_save(file, &e), 0);
    userfile_close(&file);
    CHECK_TEXT(content(), "a:HA\nkept:2\nb:HB\nnew2:H2\nnew1:H1\n");
}

TEST(stray, "the first line that is no entry is found")
{
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {{"", 0}, {"# a\n \n\r\na:b\n", 0}, {"a:b\njunk\n", 2}, {"\n\n  junk", 3}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct userfile *file;

        begin(cases[i].text);
        file = must_open(USERFILE_READ);
        CHECK_INT(userfile_stray_line(file), cases[i].line);
        userfile_close(&file);
    }
}

TEST(no_file, "what is not a file is refused, and a symbolic link to nothing, too")
{
    char wanted[500];
    struct err e;

    begin(NULL);
    CHECK(userfile_open("/dev/null", USERFILE_CREATE, &e) == NULL);
    CHECK_TEXT(e.text, "/dev/null: not a regular file");
    unlink(path);
    CHECK(symlink("nowhere", path) == 0);
    CHECK(userfile_open(path, USERFILE_CREATE, &e) == NULL);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    snprintf(wanted, sizeof(wanted), "%s: a symbolic link to nothing; make its target or remove it", path);
    CHECK_TEXT(e.text, wanted);
    unlink(path);
}

TEST(too_large, "a file that a server would not read is not written")
{
    struct userfile *file;
    struct sbuf huge = {0};
    struct err e;

    begin("a:" HASH "\n");
    while (huge.n <= 16 << 20)
        sbuf_printf(&huge, "%01000d", 0);
    file = must_open(USERFILE_EDIT);
    CHECK_INT(userfile_set(file, STR("b"), (struct str){huge.p, huge.n}, &e), 0);
    CHECK_INT(userfile_save(file, &e), -1);
    CHECK_INT(e.code, ERR_TOO_LARGE);
    CHECK(strstr(e.text, "htpasswd: would be over 16 MiB, more than a server reads") != NULL);
    sbuf_free(&huge);
    userfile_close(&file);
    CHECK_TEXT(content(), "a:" HASH "\n");
}
