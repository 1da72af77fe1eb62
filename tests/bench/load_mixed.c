/*
 * Modes in which clients do several things at once.
 *
 * mixed: a plan says of which operations how much. All connections together carry it out, with its kinds spread evenly
 * over time and connections, so that every run, on every side, does the same in the same order. Pushed layers differ
 * from each other and from other runs'; pulled ones are the same in every run, pushed before the clock starts by
 * whoever is connection 0, and verified by their digest.
 *
 * tail: even connections ask for a small thing while odd ones push until the time is over.
 */
#include <stdlib.h>

#include "registry/base/str.h"
#include "tests/bench/layer.h"
#include "tests/bench/load.h"

enum { KINDS_MAX = 8, LAYER_MAX = 1 << 20, SHARE_MAX = 1000 };

struct kind {
    bool push;
    uint64_t mebibytes;
    uint64_t share;
    struct layer pulled; /* of kinds that pull */
};

struct mixed {
    struct noise *noise;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
    unsigned *order;      /* operation of this connection -> kind */
    struct layer *pushed; /* operation of this connection -> what it pushes */
};

/* ---- the plan ---- */

/* Takes what stands before `end`, or all of the rest. */
static struct str take_word(struct str *rest, char end)
{
    struct str word = {rest->p, str_find(*rest, end)};

    *rest = str_from(*rest, word.n + 1);
    return word;
}

/* "push:10:25" */
static bool parse_kind(struct str text, struct kind *kind)
{
    struct str word = take_word(&text, ':'), mebibytes = take_word(&text, ':');

    kind->push = str_eq(word, STR("push"));
    return (kind->push || str_eq(word, STR("pull"))) && str_to_u64(mebibytes, &kind->mebibytes) &&
           kind->mebibytes <= LAYER_MAX && str_to_u64(text, &kind->share) && kind->share <= SHARE_MAX;
}

static int parse_plan(struct mixed *mixed, struct str plan, struct err *e)
{
    while (plan.n > 0) {
        struct str text = take_word(&plan, ',');

        if (mixed->kind_count == KINDS_MAX || !parse_kind(text, &mixed->kinds[mixed->kind_count]))
            return err_set(e, ERR_INVALID, "%.*s: not part of a plan like pull:10:75,push:10:25", (int)text.n, text.p);
        mixed->kind_count++;
    }
    return 0;
}

/* Of `count` operations one after the other, each time the kind that is furthest behind its share. Connections take
 * turns, beginning one further in every round, so that no kind falls to the same connection again and again. */
static void spread_kinds(const struct mixed *mixed, unsigned *order, uint64_t count, uint64_t stride, unsigned index)
{
    int64_t behind[KINDS_MAX] = {0}, total = 0;

    for (size_t i = 0; i < mixed->kind_count; i++)
        total += (int64_t)mixed->kinds[i].share;
    for (uint64_t k = 0; k < count; k++) {
        unsigned next = 0;

        for (unsigned i = 0; i < mixed->kind_count; i++) {
            behind[i] += (int64_t)mixed->kinds[i].share;
            if (behind[i] > behind[next])
                next = i;
        }
        behind[next] -= total;
        if ((k + k / stride) % stride == index)
            order[k / stride] = next;
    }
}

/* ---- mixed ---- */

static int make_pulled(struct worker *worker, struct mixed *mixed, struct err *e)
{
    const char *repository = worker->options->arguments[0];
    uint64_t sent = 0;

    for (size_t i = 0; i < mixed->kind_count; i++) {
        struct kind *kind = &mixed->kinds[i];

        if (kind->push)
            continue;
        layer_make(&kind->pulled, kind->mebibytes, kind->mebibytes, mixed->noise);
        if (worker->index == 0 &&
            layer_push(worker->clients[0], repository, &kind->pulled, mixed->noise, &sent, e) != 0)
            return err_wrap(e, "before the clock starts");
    }
    return 0;
}

int mixed_prepare(struct worker *worker, struct err *e)
{
    struct mixed *mixed = worker->state = xcalloc(1, sizeof(*mixed));
    uint64_t count = worker->options->count, connections = worker->options->connections;

    mixed->noise = noise_new();
    mixed->order = xcalloc(count + 1, sizeof(*mixed->order));
    mixed->pushed = xcalloc(count + 1, sizeof(*mixed->pushed));
    if (parse_plan(mixed, str_of(worker->options->arguments[1]), e) != 0)
        return -1;
    spread_kinds(mixed, mixed->order, count * connections, connections, worker->index);
    for (uint64_t i = 0; i < count; i++)
        if (mixed->kinds[mixed->order[i]].push)
            layer_make(&mixed->pushed[i], worker_number(worker, i), mixed->kinds[mixed->order[i]].mebibytes,
                       mixed->noise);
    return make_pulled(worker, mixed, e);
}

static int push_one(struct worker *worker, const struct layer *layer, struct err *e)
{
    struct mixed *mixed = worker->state;
    uint64_t began = load_clock();

    if (layer_push(worker->clients[0], worker->options->arguments[0], layer, mixed->noise, &worker->pushed.bytes, e) !=
        0)
        return -1;
    tally_finish(&worker->pushed, began);
    return 0;
}

static int pull_one(struct worker *worker, const struct layer *layer, struct err *e)
{
    uint64_t began = load_clock();

    if (layer_pull(worker->clients[0], worker->options->arguments[0], layer, e) != 0)
        return -1;
    worker_finish(worker, began);
    worker->done.bytes += layer->mebibytes << 20;
    return 0;
}

int mixed_run(struct worker *worker, struct err *e)
{
    const struct mixed *mixed = worker->state;

    for (uint64_t i = 0; i < worker->options->count; i++) {
        const struct kind *kind = &mixed->kinds[mixed->order[i]];

        if ((kind->push ? push_one(worker, &mixed->pushed[i], e) : pull_one(worker, &kind->pulled, e)) != 0)
            return -1;
    }
    return 0;
}

void mixed_free(struct worker *worker)
{
    struct mixed *mixed = worker->state;

    free(mixed->noise);
    free(mixed->order);
    free(mixed->pushed);
    free(mixed);
}

/* ---- tail ---- */

static bool pushes(const struct worker *worker)
{
    return worker->index % 2 == 1;
}

/* --count layers for each that pushes: when the time is not over with the last, it begins anew. */
int tail_prepare(struct worker *worker, struct err *e)
{
    struct mixed *mixed = worker->state = xcalloc(1, sizeof(*mixed));

    (void)e;
    mixed->noise = noise_new();
    mixed->pushed = xcalloc(worker->options->count + 1, sizeof(*mixed->pushed));
    for (uint64_t i = 0; pushes(worker) && i < worker->options->count; i++)
        layer_make(&mixed->pushed[i], worker_number(worker, i), worker->options->mebibytes, mixed->noise);
    return 0;
}

static int get_one(struct worker *worker, struct err *e)
{
    uint64_t began = load_clock();
    struct answer answer;

    if (client_ask(worker->clients[0], "GET", worker->options->arguments[1], "", 0, 200, &answer, e) != 0)
        return -1;
    worker_finish(worker, began);
    worker->done.bytes += answer.length;
    return 0;
}

int tail_run(struct worker *worker, struct err *e)
{
    const struct mixed *mixed = worker->state;
    uint64_t until = load_deadline(worker->options);

    for (uint64_t i = 0; load_clock() < until; i++) {
        const struct layer *layer = &mixed->pushed[i % worker->options->count];

        if ((pushes(worker) ? push_one(worker, layer, e) : get_one(worker, e)) != 0)
            return -1;
    }
    return 0;
}
