/*
 * Modes without a body of their own. A thread serves many connections in turn: it sends one request on each, then reads
 * the answers in the same order, which keeps them all busy without a system call more than necessary. The time that an
 * answer waits to be read counts into its latency; with as many threads as connections (--threads) none waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"
#include "tests/bench/load.h"

/* The path with "{}" replaced by a number that occurs once in a run. */
static void put_path(struct sbuf *path, const struct worker *worker, uint64_t n)
{
    const char *template = worker->options->arguments[1];
    const char *gap = strstr(template, "{}");

    path->n = 0;
    if (gap == NULL)
        sbuf_str(path, str_of(template));
    else
        sbuf_printf(path, "%.*s%llu-%u-%llu%s", (int)(gap - template), template,
                    (unsigned long long)worker->options->seed, worker->index, (unsigned long long)n, gap + 2);
}

/* began[i]: when the request on connection i was sent. */
static int send_round(struct worker *worker, const char *headers, struct sbuf *path, uint64_t *began, struct err *e)
{
    for (size_t i = 0; i < worker->client_count; i++) {
        put_path(path, worker, worker->done.operations + i);
        began[i] = load_clock();
        if (client_send_head(worker->clients[i], worker->options->arguments[0], sbuf_text(path), headers, e) != 0)
            return -1;
    }
    return 0;
}

static int read_round(struct worker *worker, bool head_only, const uint64_t *began, struct err *e)
{
    struct answer answer;

    for (size_t i = 0; i < worker->client_count; i++) {
        if (client_read_answer(worker->clients[i], head_only, &answer, e) != 0)
            return -1;
        if (answer.status != (int)worker->options->expect)
            return err_set(e, ERR_INVALID, "status %d instead of %d", answer.status, (int)worker->options->expect);
        worker->done.bytes += head_only ? 0 : answer.length;
        worker_finish(worker, began[i]);
    }
    return 0;
}

int requests_run(struct worker *worker, struct err *e)
{
    const char *method = worker->options->arguments[0];
    uint64_t until = load_deadline(worker->options);
    const char *headers = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ? "" : "Content-Length: 0\r\n";
    uint64_t *began = xcalloc(worker->client_count, sizeof(*began));
    struct sbuf path = {0};
    int rc = 0;

    while (rc == 0 && load_clock() < until) {
        rc = send_round(worker, headers, &path, began, e);
        if (rc == 0)
            rc = read_round(worker, strcmp(method, "HEAD") == 0, began, e);
    }
    sbuf_free(&path);
    free(began);
    return rc;
}

/* One request each, so that whatever a server allocates for the first one is there; then silence. */
int idle_run(struct worker *worker, struct err *e)
{
    struct answer answer;

    for (size_t i = 0; i < worker->client_count; i++) {
        uint64_t began = load_clock();

        if (client_ask(worker->clients[i], "GET", worker->options->arguments[0], "", 0, (int)worker->options->expect,
                       &answer, e) != 0)
            return -1;
        worker_finish(worker, began);
    }
    return 0;
}

/* The `n`-th of the paths between commas, beginning anew after the last. */
static struct str nth_path(const char *paths, uint64_t n)
{
    uint64_t count = 1;
    struct str rest = str_of(paths);

    for (size_t i = 0; i < rest.n; i++)
        count += rest.p[i] == ',';
    for (n %= count; n > 0; n--)
        rest = str_from(rest, str_find(rest, ',') + 1);
    return (struct str){rest.p, str_find(rest, ',')};
}

int pull_run(struct worker *worker, struct err *e)
{
    struct answer answer;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < worker->options->count; i++) {
        char *path = str_dup(nth_path(worker->options->arguments[0], worker->index + i));
        uint64_t began = load_clock();

        rc = client_ask(worker->clients[0], "GET", path, "", 0, 200, &answer, e);
        free(path);
        if (rc == 0) {
            worker_finish(worker, began);
            worker->done.bytes += answer.length;
        }
    }
    return rc;
}
