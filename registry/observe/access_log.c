#include "registry/observe/access_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/base/log.h"

enum { WAITING_MAX = 4 * 1024 * 1024, STOP_PATIENCE_S = 2 };

struct access_log {
    struct log_file *file; /* NULL: stdout */
    size_t lost;           /* lines that the file had no room for, since it had some; of the writing thread */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct sbuf waiting; /* under lock, like the two below */
    size_t dropped;
    bool closing;
};

/* Swap the waiting lines for the emptied buffer. False when the log is closing and nothing is left. */
static bool take_lines(struct access_log *log, struct sbuf *lines, size_t *dropped)
{
    struct sbuf empty = *lines;

    empty.n = 0;
    pthread_mutex_lock(&log->lock);
    while (log->waiting.n == 0 && !log->closing)
        pthread_cond_wait(&log->filled, &log->lock);
    *lines = log->waiting;
    log->waiting = empty;
    *dropped = log->dropped;
    log->dropped = 0;
    pthread_mutex_unlock(&log->lock);
    return lines->n > 0;
}

/* Told when it begins and when it is over. */
static void append(struct access_log *log, struct str lines)
{
    struct err e;
    size_t lost = log_file_append(log->file, lines, &e);

    if (lost > 0 && log->lost == 0)
        log_error("access log: %s; lines are dropped until there is room", e.text);
    if (lost == 0 && log->lost > 0)
        log_warn("access log: there is room again; %zu lines were dropped", log->lost);
    log->lost = lost == 0 ? 0 : log->lost + lost;
}

static void write_out(struct access_log *log, struct str lines)
{
    struct err e;

    if (log->file != NULL)
        append(log, lines);
    else if (file_write(STDOUT_FILENO, lines.p, lines.n, &e) != 0)
        log_error("access log: %s", e.text);
}

static void *writer_main(void *argument)
{
    struct access_log *log = argument;
    struct sbuf lines = {0};
    size_t dropped;

    while (take_lines(log, &lines, &dropped)) {
        write_out(log, (struct str){lines.p, lines.n});
        if (dropped > 0)
            log_warn("access log: %zu lines dropped, %s fast enough", dropped,
                     log->file == NULL ? "stdout is not read" : "its file is not written");
    }
    if (log->lost > 0)
        log_warn("access log: %zu lines were dropped", log->lost);
    sbuf_free(&lines);
    return NULL;
}

struct access_log *access_log_start(struct log_file *file, struct err *e)
{
    struct access_log *log = xcalloc(1, sizeof(*log));
    int rc;

    log->file = file;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->filled, NULL);
    rc = pthread_create(&log->thread, NULL, writer_main, log);
    if (rc != 0) {
        errno = rc;
        err_errno(e, "start access log");
        free(log);
        return NULL;
    }
    return log;
}

void access_log_stop(struct access_log **log)
{
    struct access_log *l = *log;
    struct timespec patience;

    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->lock);
    clock_gettime(CLOCK_REALTIME, &patience);
    patience.tv_sec += STOP_PATIENCE_S;
    if (pthread_timedjoin_np(l->thread, NULL, &patience) != 0) {
        log_warn("access log: %s; its last lines are lost", l->file == NULL ? "stdout is not read" : "its file hangs");
        *log = NULL; /* the thread still has it, and ends with the process */
        return;
    }
    pthread_cond_destroy(&l->filled);
    pthread_mutex_destroy(&l->lock);
    sbuf_free(&l->waiting);
    free(l);
    *log = NULL;
}

static size_t count_lines(struct str lines)
{
    size_t n = 0;

    for (; lines.n > 0; lines = str_from(lines, str_find(lines, '\n') + 1))
        n++;
    return n;
}

void access_log_add(struct access_log *log, struct str lines)
{
    pthread_mutex_lock(&log->lock);
    if (log->waiting.n + lines.n > WAITING_MAX)
        log->dropped += count_lines(lines);
    else
        sbuf_str(&log->waiting, lines);
    if (log->waiting.n == lines.n)
        pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->lock);
}
