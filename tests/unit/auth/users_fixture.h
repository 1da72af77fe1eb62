/* A user file for the tests of users.h, opened, rewritten, and what is logged about it. */
#ifndef BERTH_TEST_USERS_FIXTURE_H
#define BERTH_TEST_USERS_FIXTURE_H

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

__attribute__((unused)) static char path[400];

/* "name:<bcrypt of password at that cost>\n" */
static inline void put_user_at(unsigned cost, struct sbuf *text, const char *name, const char *password)
{
    char hash[PASSWORD_HASH_MAX];

    if (password_hash(PASSWORD_BCRYPT, cost, str_of(password), hash, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot hash");
    sbuf_printf(text, "%s:%s\n", name, hash);
}

static inline void put_user(struct sbuf *text, const char *name, const char *password)
{
    put_user_at(4, text, name, password);
}

/* Write in place, as a shell's ">" does. The file's time is put into the past unless `fresh`: such a file is settled.
 */
static inline void write_file(const char *bytes, size_t n, bool fresh)
{
    static time_t past = 1000000000;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct timespec times[2] = {{.tv_sec = past}, {.tv_sec = past}};

    past++;
    if (fd < 0 || file_write(fd, bytes, n, NULL) != 0 || (!fresh && futimens(fd, times) != 0))
        test_fail(__FILE__, __LINE__, "cannot write %s", path);
    close(fd);
}

static inline struct users *open_with(struct sbuf *text)
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

static inline struct users *open_with_alice(void)
{
    struct sbuf text = {0};
    struct users *users;

    put_user(&text, "alice", "secret");
    users = open_with(&text);
    sbuf_free(&text);
    return users;
}

/* What goes to the log from here on is kept; logged_end() gives it back. */
__attribute__((unused)) static int real_stderr = -1;

static inline void logged_begin(void)
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

static inline const char *logged_end(void)
{
    static char text[8192];
    ssize_t n = pread(2, text, sizeof(text) - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    dup2(real_stderr, 2);
    close(real_stderr);
    return text;
}

static inline size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

#endif
