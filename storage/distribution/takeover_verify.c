/* Reading blobs before they are linked, on several threads. The one that started them looks whether it is to end. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "storage/digest_file.h"
#include "storage/distribution/takeover_blobs.h"

enum { THREADS_MOST = 64, LOOK_MS = 200 };

struct crew {
    const struct layout *layout;
    struct taking *items;
    size_t count;
    bool copied; /* whoever carries them compares */
    atomic_size_t next;
    atomic_bool stops;
    atomic_uint_fast64_t read;
    struct err failure; /* of the first whose fault it is not: guarded by `lock` */
    pthread_mutex_t lock;
};

static bool is_stopped(void *arg)
{
    struct crew *crew = arg;

    return atomic_load(&crew->stops);
}

/* Nobody can go on. */
static void give_up(struct crew *crew, const struct err *why)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->failure.code == ERR_NONE)
        crew->failure = *why;
    pthread_mutex_unlock(&crew->lock);
    atomic_store(&crew->stops, true);
}

static void read_one(struct crew *crew, struct taking *item)
{
    const struct interrupt interrupt = {.wanted = is_stopped, .arg = crew};
    struct digest found;
    struct err why;
    uint64_t size;
    int fd, rc;

    if (layout_blob_open(crew->layout, &item->source, &fd, &item->st, &why) != 0) {
        if (why.code == ERR_NOT_FOUND || why.code == ERR_DAMAGED)
            taking_fail(item, &why);
        else
            give_up(crew, &why);
        return;
    }
    rc = digest_of_fd(fd, item->digest.alg, &interrupt, &found, &size, &why);
    close(fd);
    if (rc != 0 && is_stopped(crew))
        return;
    if (rc == 0 && !digest_equal(&found, &item->digest))
        rc = err_set(&why, ERR_DIGEST, "its content has another digest");
    if (rc != 0)
        taking_fail(item, &why);
    else
        item->state = TAKING_VERIFIED;
    atomic_fetch_add(&crew->read, (uint64_t)item->st.st_size);
}

static bool wants(const struct crew *crew, size_t i)
{
    const struct taking *item = &crew->items[i];

    return item->same == i && item->state == TAKING_NEW && item->verify && !crew->copied;
}

static void *work(void *arg)
{
    struct crew *crew = arg;
    size_t i;

    while (!is_stopped(crew) && (i = atomic_fetch_add(&crew->next, 1)) < crew->count)
        if (wants(crew, i))
            read_one(crew, &crew->items[i]);
    return NULL;
}

static void show(struct takeover *t, struct crew *crew)
{
    t->result->read += atomic_exchange(&crew->read, 0);
    if (t->options->progress != NULL)
        t->options->progress(t->result, t->options->arg);
}

/* Until the thread ends; now and then it is asked whether it should. */
static void wait_for(struct takeover *t, struct crew *crew, pthread_t thread)
{
    struct timespec until;

    do {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        show(t, crew);
        if (interrupt_wanted(&t->options->interrupt))
            atomic_store(&crew->stops, true);
    } while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

/* Signals are for others. */
static unsigned start(struct crew *crew, pthread_t threads[THREADS_MOST], unsigned wanted)
{
    sigset_t all, before;
    unsigned n = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (n < wanted && n < THREADS_MOST && pthread_create(&threads[n], NULL, work, crew) == 0)
        n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

int taking_verify(struct takeover *t, struct taking *items, size_t count, struct err *e)
{
    struct crew crew = {.layout = &t->layout,
                        .items = items,
                        .count = count,
                        .copied = !t->options->dry_run && (t->options->copies || t->carrier.elsewhere),
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS_MOST];
    unsigned work_left = 0, n;

    for (size_t i = 0; i < count; i++)
        work_left += wants(&crew, i);
    if (work_left == 0)
        return 0;
    n = start(&crew, threads, work_left < t->options->threads ? work_left : t->options->threads);
    if (n == 0)
        work(&crew); /* no thread is to be had: this one reads */
    for (unsigned i = 0; i < n; i++)
        wait_for(t, &crew, threads[i]);
    show(t, &crew);
    if (crew.failure.code != ERR_NONE) {
        *e = crew.failure;
        return -1;
    }
    return interrupt_check(&t->options->interrupt, INTERRUPT_RESUMES, e);
}
