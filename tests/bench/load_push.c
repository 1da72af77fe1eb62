/* Modes that push one layer on each connection. */
#include <stdlib.h>

#include "registry/base/str.h"
#include "tests/bench/layer.h"
#include "tests/bench/load.h"

struct push {
    struct noise *noise;
    struct layer layer;
};

int push_prepare(struct worker *worker, struct err *e)
{
    struct push *push = worker->state = xmalloc(sizeof(*push));

    (void)e;
    push->noise = noise_new();
    layer_make(&push->layer, worker_number(worker, 0), worker->options->mebibytes, push->noise);
    return 0;
}

void push_free(struct worker *worker)
{
    struct push *push = worker->state;

    free(push->noise);
    free(push);
}

int push_run(struct worker *worker, struct err *e)
{
    const struct push *push = worker->state;
    uint64_t began = load_clock();

    if (layer_push(worker->clients[0], worker->options->arguments[0], &push->layer, push->noise, &worker->done.bytes,
                   e) != 0)
        return -1;
    worker_finish(worker, began);
    return 0;
}

/* All of the content but not its end: what a server holds for an upload that is under way. */
int uploads_run(struct worker *worker, struct err *e)
{
    const struct push *push = worker->state;
    uint64_t began = load_clock();

    if (layer_begin(worker->clients[0], worker->options->arguments[0], &push->layer, push->noise, &worker->done.bytes,
                    e) != 0)
        return -1;
    worker_finish(worker, began);
    return 0;
}
