/* Files that lines are appended to while somebody moves them away, removes them or fills their disk. */
#include "registry/base/log_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/base/log.h"
#include "tests/unit/test.h"

static const char *folder; /* of the test that runs */

static const char *named(const char *name, char out[400])
{
    snprintf(out, 400, "%s/%s", folder, name);
    return out;
}

/* A new file of that name in a new folder. */
static struct log_file *open_new(const char *name, char path[400])
{
    struct log_file *file;
    struct err e = {0};

    folder = test_dir();
    file = log_file_open("log.file", named(name, path), &e);
    if (file == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return file;
}

static void holds(const char *path, const char *wanted)
{
    struct sbuf text = {0};
    struct err e = {0};

    CHECK_INT(file_read(path, 1 << 20, &text, &e), 0);
    CHECK_TEXT(sbuf_text(&text), wanted);
    sbuf_free(&text);
}

TEST(appends, "lines are appended to what is there, and a new file is for its owner and group")
{
    char path[400];
    struct log_file *file;
    struct stat st;
    mode_t before = umask(077);

    file = open_new("log", path);
    umask(before);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    CHECK_INT(log_file_append(file, STR("one\n"), NULL), 0);
    log_file_close(&file);
    CHECK(file == NULL);
    file = log_file_open("log.file", path, NULL);
    CHECK_INT(log_file_append(file, STR("two\nthree\n"), NULL), 0);
    holds(path, "one\ntwo\nthree\n");
    log_file_close(&file);
}

TEST(refused, "what is no file that could be followed is refused, with what to do")
{
    char path[400], other[400];
    struct err e;

    folder = test_dir();
    CHECK_INT(symlink("/dev/null", named("link", path)), 0);
    CHECK(log_file_open("log.file", path, &e) == NULL);
    CHECK(strstr(e.text, "it is a link; name the file itself, or leave the key out") != NULL);
    CHECK_INT(mkfifo(named("pipe", path), 0600), 0);
    CHECK(log_file_open("log.file", path, &e) == NULL);
    CHECK(log_file_open("log.accesslog.file", "/dev/null", &e) == NULL);
    CHECK_TEXT(e.text, "log.accesslog.file: /dev/null: not a regular file; name one, or leave the key out");
    CHECK(log_file_open("log.file", folder, &e) == NULL);
    CHECK(log_file_open("log.file", named("none/log", other), &e) == NULL);
    CHECK(strstr(e.text, ": No such file or directory; make its directory") != NULL);
}

TEST(moved, "one that was moved or removed is opened again under its name, and until then lines go on into the old one")
{
    char path[400], old[400];
    struct log_file *file = open_new("moving", path);
    struct err e;

    log_file_append(file, STR("one\n"), NULL);
    CHECK_INT(log_file_follow(file, false, &e), 0);
    CHECK_INT(rename(path, named("moving.1", old)), 0);
    log_file_append(file, STR("two\n"), NULL);
    CHECK_INT(log_file_follow(file, false, &e), 1);
    log_file_append(file, STR("three\n"), NULL);
    holds(old, "one\ntwo\n");
    holds(path, "three\n");
    unlink(path);
    CHECK_INT(log_file_follow(file, false, &e), 1);
    log_file_append(file, STR("four\n"), NULL);
    holds(path, "four\n");
    CHECK_INT(log_file_follow(file, true, &e), 1);
    log_file_append(file, STR("five\n"), NULL);
    holds(path, "four\nfive\n");
    log_file_close(&file);
}

TEST(kept, "one whose name cannot be opened any more is written to all the same")
{
    char path[400], old[400];
    struct log_file *file = open_new("keeping", path);
    struct err e;

    CHECK_INT(rename(path, named("keeping.1", old)), 0);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    CHECK_INT(log_file_follow(file, false, &e), -1);
    CHECK(strstr(e.text, "it is a link") != NULL);
    CHECK_INT(log_file_append(file, STR("one\n"), NULL), 0);
    holds(old, "one\n");
    log_file_close(&file);
}

TEST(full, "of lines that do not fit all is there or nothing, and the others are counted")
{
    char path[400];
    struct log_file *file = open_new("full", path);
    struct rlimit before, little;
    struct err e;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    little = (struct rlimit){10, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &little);
    CHECK_INT(log_file_append(file, STR("one\ntwo\nthree\nfour\n"), &e), 2);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(strstr(e.text, "log.file: ") != NULL && strstr(e.text, "File too large") != NULL);
    holds(path, "one\ntwo\n");
    CHECK_INT(log_file_append(file, STR("five\n"), &e), 0);
    holds(path, "one\ntwo\nfive\n");
    log_file_close(&file);
}

enum { LINES = 3000, WRITERS = 2 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_file_append(arg, STR("a line\n"), NULL);
    return NULL;
}

static size_t lines_in(const char *path)
{
    struct sbuf text = {0};
    size_t n;

    CHECK_INT(file_read(path, 1 << 20, &text, NULL), 0);
    n = text.n / 7;
    CHECK_INT(n * 7, text.n);
    sbuf_free(&text);
    return n;
}

TEST(rotated, "no line is lost by threads that write while the file is moved away again and again")
{
    char path[400], old[400], name[32];
    struct log_file *file = open_new("rotating", path);
    pthread_t writers[WRITERS];
    size_t n = 0;

    for (int i = 0; i < WRITERS; i++)
        CHECK_INT(pthread_create(&writers[i], NULL, write_lines, file), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "rotating.%d", i);
        CHECK_INT(rename(path, named(name, old)), 0);
        CHECK_INT(log_file_follow(file, i % 2 == 0, NULL), 1);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "rotating.%d", i);
        n += lines_in(named(name, old));
    }
    CHECK_INT(n + lines_in(path), LINES * WRITERS);
    log_file_close(&file);
}

TEST(the_log, "the log goes into a file when it is told to, tells what was dropped there, and comes back")
{
    char path[400];
    struct log_file *file = open_new("thelog", path);
    struct rlimit before, little = {0, RLIM_INFINITY};
    struct sbuf text = {0}, heard = {0};

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, NULL, 0);
    log_to(file);
    log_echo(&heard);
    log_info("first");
    log_warn("odd");
    log_echo(NULL);
    getrlimit(RLIMIT_FSIZE, &before);
    little.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &little);
    log_info("second");
    log_info("third");
    setrlimit(RLIMIT_FSIZE, &before);
    log_info("fourth");
    log_to(NULL);
    CHECK_TEXT(sbuf_text(&heard), "warn: odd\n");
    CHECK_INT(file_read(path, 1 << 20, &text, NULL), 0);
    CHECK(strstr(sbuf_text(&text), "msg=\"first\"\n") != NULL && strstr(text.p, "second") == NULL);
    CHECK(strstr(text.p, "msg=\"fourth\"\nlevel=warn msg=\"2 log lines dropped\"\n") != NULL);
    sbuf_free(&heard);
    sbuf_free(&text);
    log_file_close(&file);
}

TEST(levels, "levels have names, and only those")
{
    enum log_level level = LOG_LEVEL_INFO;

    CHECK(log_level_parse(STR("debug"), &level));
    CHECK_INT(level, LOG_LEVEL_DEBUG);
    CHECK_TEXT(log_level_name(LOG_LEVEL_WARN), "warn");
    CHECK(!log_level_parse(STR("loud"), &level) && !log_level_parse(STR(""), &level));
    log_set_level(LOG_LEVEL_ERROR);
    CHECK_INT(log_level(), LOG_LEVEL_ERROR);
}
