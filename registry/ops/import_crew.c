#include "registry/ops/import_crew.h"

#include <pthread.h>
#include <time.h>

enum { WATCH_MS = 200 };

static bool is_cancelled(void *arg)
{
    return atomic_load(&((const struct crew *)arg)->cancelled);
}

int crew_open(struct crew *crew, unsigned n, const struct remote_options *options, const struct store *store,
              struct err *e)
{
    struct remote_options own = *options;

    *crew = (struct crew){.interrupt = {.wanted = is_cancelled, .arg = crew}};
    own.interrupt = &crew->interrupt;
    for (crew->n = 0; crew->n < n; crew->n++) {
        struct hand *hand = &crew->hands[crew->n];

        hand->remote = remote_open(&own, e);
        hand->reader = hand->remote == NULL ? NULL : meta_reader_new(store->meta, e);
        if (hand->reader == NULL) {
            remote_close(&hand->remote);
            crew_close(crew);
            return -1;
        }
    }
    return 0;
}

void crew_close(struct crew *crew)
{
    while (crew->n > 0) {
        struct hand *hand = &crew->hands[--crew->n];

        meta_reader_free(&hand->reader);
        remote_close(&hand->remote);
    }
}

/* ---- a run ---- */

struct run {
    struct crew *crew;
    const struct crew_work *work;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    size_t next;
    size_t done;
    unsigned running;
};

struct post {
    struct run *run;
    struct hand *hand;
    pthread_t thread;
};

static void *work_on(void *arg)
{
    const struct post *post = arg;
    struct run *run = post->run;

    pthread_mutex_lock(&run->lock);
    while (run->next < run->work->count && !atomic_load(&run->crew->cancelled)) {
        size_t i = run->next++;

        pthread_mutex_unlock(&run->lock);
        run->work->work(post->hand, i, run->work->arg);
        pthread_mutex_lock(&run->lock);
        run->done++;
    }
    run->running--;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* Until no hand works any more. */
static void watch(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    while (run->running > 0) {
        struct timespec until;
        size_t done = run->done;
        bool cancel;

        pthread_mutex_unlock(&run->lock);
        cancel = run->work->watch(done, run->work->arg);
        pthread_mutex_lock(&run->lock);
        if (cancel)
            atomic_store(&run->crew->cancelled, true);
        if (run->running == 0)
            break;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&run->changed, &run->lock, &until);
    }
    pthread_mutex_unlock(&run->lock);
}

bool crew_run(struct crew *crew, const struct crew_work *work)
{
    struct run run = {.crew = crew,
                      .work = work,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER,
                      .running = crew->n};
    struct post posts[CREW_MAX];
    unsigned started = 0;

    if (work->count < run.running)
        run.running = (unsigned)work->count;
    for (unsigned wanted = run.running; started < wanted; started++) {
        posts[started] = (struct post){.run = &run, .hand = &crew->hands[started]};
        if (pthread_create(&posts[started].thread, NULL, work_on, &posts[started]) != 0) {
            pthread_mutex_lock(&run.lock);
            run.running -= wanted - started;
            pthread_mutex_unlock(&run.lock);
            break;
        }
    }
    watch(&run);
    for (unsigned i = 0; i < started; i++)
        pthread_join(posts[i].thread, NULL);
    pthread_cond_destroy(&run.changed);
    pthread_mutex_destroy(&run.lock);
    return run.done == work->count && !atomic_load(&crew->cancelled);
}
