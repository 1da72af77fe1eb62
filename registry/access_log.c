#include "registry/access_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/base/log.h"

enum { WAITING_MAX = 4 * 1024 * 1024, STOP_PATIENCE_S = 2 };

struct access_log {
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

static void *writer_main(void *argument)
{
    struct access_log *log = argument;
    struct sbuf lines = {0};
    size_t dropped;

    while (take_lines(log, &lines, &dropped)) {
        struct err e = {0};

        if (file_write(STDOUT_FILENO, lines.p, lines.n, &e) != 0)
            log_error("access log: %s", e.text);
        if (dropped > 0)
            log_warn("access log: %zu lines dropped, stdout is not read fast enough", dropped);
    }
    sbuf_free(&lines);
    return NULL;
}

struct access_log *access_log_start(struct err *e)
{
    struct access_log *log = xcalloc(1, sizeof(*log));
    int rc;

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
        log_warn("access log: stdout is not read; its last lines are lost");
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
