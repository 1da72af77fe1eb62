#include "registry/observe/access_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/log.h"
#include "tests/unit/test.h"

/* ---- a pipe in place of stdout or stderr ---- */

struct caught {
    int descriptor; /* that is replaced */
    int kept;
    int end; /* to read from */
};

static void catch_output(struct caught *c, int descriptor)
{
    int fds[2];

    fflush(stdout);
    c->descriptor = descriptor;
    c->kept = dup(descriptor);
    if (c->kept < 0 || pipe2(fds, O_CLOEXEC) != 0 || dup2(fds[1], descriptor) < 0)
        abort();
    close(fds[1]);
    c->end = fds[0];
}

/* The descriptor is itself again, and the pipe's other end closed. */
static void give_back(struct caught *c)
{
    dup2(c->kept, c->descriptor);
    close(c->kept);
}

static void read_rest(struct caught *c, struct sbuf *out)
{
    char buf[65536];
    ssize_t got;

    while ((got = read(c->end, buf, sizeof(buf))) > 0)
        sbuf_put(out, buf, (size_t)got);
    close(c->end);
    sbuf_text(out);
}

static struct access_log *start(void)
{
    struct err e = {0};
    struct access_log *log = access_log_start(NULL, &e);

    if (log == NULL)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    return log;
}

TEST(order, "lines are on stdout, in order and whole, when the log has stopped")
{
    struct sbuf got = {0}, wanted = {0};
    struct caught out;
    struct access_log *log;

    catch_output(&out, STDOUT_FILENO);
    log = start();
    for (int i = 0; i < 500; i++) {
        char line[32];
        int n = snprintf(line, sizeof(line), "request %d\n", i);

        access_log_add(log, (struct str){line, (size_t)n});
        sbuf_put(&wanted, line, (size_t)n);
    }
    access_log_stop(&log);
    give_back(&out);
    read_rest(&out, &got);
    CHECK(log == NULL);
    CHECK_TEXT(got.p, sbuf_text(&wanted));
    access_log_stop(&log); /* nothing to stop */
    sbuf_free(&got);
    sbuf_free(&wanted);
}

TEST(prompt, "a line is written without waiting for the next")
{
    struct caught out;
    struct access_log *log;
    char buf[100] = {0};

    catch_output(&out, STDOUT_FILENO);
    log = start();
    for (int i = 0; i < 3; i++) {
        access_log_add(log, STR("line\n"));
        if (read(out.end, buf, sizeof(buf)) != 5) /* hangs if it is not written */
            break;
    }
    access_log_stop(&log);
    give_back(&out);
    close(out.end);
    CHECK_TEXT(buf, "line\n");
}

enum { THREADS = 4, LINES = 2000 };

static void *add_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        access_log_add(argument, STR("0123456789012345678901234567890123456789\n"));
    return NULL;
}

static void *read_all(void *argument)
{
    struct sbuf *got = xcalloc(1, sizeof(*got));

    read_rest(argument, got);
    return got;
}

TEST(threads, "lines of many threads do not mix")
{
    pthread_t threads[THREADS], reader;
    struct access_log *log;
    struct caught out;
    struct sbuf *got;
    void *result;

    catch_output(&out, STDOUT_FILENO);
    if (pthread_create(&reader, NULL, read_all, &out) != 0)
        abort();
    log = start();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, add_lines, log) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    access_log_stop(&log);
    give_back(&out);
    pthread_join(reader, &result);
    got = result;
    CHECK_INT(got->n, THREADS * LINES * 41);
    for (size_t i = 0; i < got->n; i += 41)
        CHECK(memcmp(got->p + i, "0123456789012345678901234567890123456789\n", 41) == 0);
    sbuf_free(got);
    free(got);
}

/* The loss is told once for each time that the log's thread takes what waits. */
static size_t sum_of_told(const char *said)
{
    static const char before[] = "access log: ";
    size_t sum = 0;

    for (const char *at = said; (at = strstr(at, before)) != NULL;) {
        at += sizeof(before) - 1;
        sum += strtoul(at, NULL, 10);
    }
    return sum;
}

TEST(nobody_reads, "when nobody reads, adding never blocks, memory is bounded and the loss is logged")
{
    enum { LINE_BYTES = 64 * 1024, ADDED = 200 }; /* 12.5 MiB */
    char *line = xmalloc(LINE_BYTES);
    struct caught out, err;
    struct sbuf got = {0}, said = {0};
    struct access_log *log;
    pthread_t reader;
    void *result;
    size_t dropped;

    memset(line, 'x', LINE_BYTES);
    line[LINE_BYTES / 2] = line[LINE_BYTES - 1] = '\n'; /* two of them, as a loop gathers them */
    log_init(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, 0);
    catch_output(&out, STDOUT_FILENO);
    catch_output(&err, STDERR_FILENO);
    log = start();
    for (int i = 0; i < ADDED; i++) /* hangs if it waits for the pipe */
        access_log_add(log, (struct str){line, LINE_BYTES});
    if (pthread_create(&reader, NULL, read_all, &out) != 0)
        abort();
    access_log_stop(&log);
    give_back(&out);
    give_back(&err);
    pthread_join(reader, &result);
    got = *(struct sbuf *)result;
    free(result);
    read_rest(&err, &said);
    CHECK_INT(got.n % LINE_BYTES, 0);
    dropped = ADDED - got.n / LINE_BYTES;
    CHECK(dropped > ADDED / 4);
    CHECK(strstr(sbuf_text(&said), "lines dropped, stdout is not read fast enough") != NULL);
    CHECK_INT(sum_of_told(sbuf_text(&said)), 2 * dropped);
    sbuf_free(&got);
    sbuf_free(&said);
    free(line);
}
