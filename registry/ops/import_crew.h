/*
 * Hands that fetch side by side while the operation's own thread watches: each has a connection to the other registry
 * and a reader of ours.
 *
 * Thread: all functions are for the operation's thread. crew_run() runs `work` in the hands' threads, which are its own
 * and gone when it returns; the operation's output is not for them. One lock, around which piece of work is next.
 */
#ifndef BERTH_OPS_IMPORT_CREW_H
#define BERTH_OPS_IMPORT_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "registry/base/interrupt.h"
#include "registry/client/remote_registry.h"
#include "storage/store.h"

enum { CREW_MAX = 32, CREW_DEFAULT = 4 };

struct hand {
    struct remote *remote;
    struct meta_reader *reader;
};

struct crew {
    struct hand hands[CREW_MAX];
    unsigned n;
    _Atomic bool cancelled;     /* whoever asked is gone */
    struct interrupt interrupt; /* says so to the hands */
};

/* `options->interrupt` is the crew's own matter. On failure the crew is empty. */
int crew_open(struct crew *crew, unsigned n, const struct remote_options *options, const struct store *store,
              struct err *e);
void crew_close(struct crew *crew);

struct crew_work {
    size_t count;
    /* Piece number `i`; not begun any more once the crew is cancelled. */
    void (*work)(struct hand *hand, size_t i, void *arg);
    /* A few times a second, in the operation's thread, with how many pieces are done. True: cancel. */
    bool (*watch)(size_t done, void *arg);
    void *arg;
};

/* All pieces, each once, in any order. Returns false when it was cancelled, or no thread could be started. */
bool crew_run(struct crew *crew, const struct crew_work *work);

#endif
