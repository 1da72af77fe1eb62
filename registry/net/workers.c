#include "registry/net/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/base/clock.h"

/* Behind the loops, which answer the many in microseconds; hashing passwords behind the disk. */
enum { DISK_NICE = 5, HASH_NICE = 10 };

/* Jobs in the order they came. */
struct queue {
    struct job *first;
    struct job **last;
    atomic_size_t waiting; /* written under the crew's lock, like the rest */
    struct buckets waits;
};

/* Threads that serve one queue, or a few in order of preference. */
struct crew {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct queue *queues;
    unsigned queue_count;
    bool closing; /* under lock */
    int nice;     /* more than who starts it */
    pthread_t *threads;
    unsigned thread_count;
};

struct workers {
    struct queue lanes[LANE_COUNT];
    struct crew disk;
    struct crew hash; /* of LANE_HASH, then LANE_SUSPECT */
    struct crew report;
};

enum { REPORT_THREADS = 1, HASH_LANES = LANE_SUSPECT + 1 - LANE_HASH };

static struct crew *crew_of(struct workers *workers, enum lane lane)
{
    switch (lane) {
    case LANE_DISK:
        return &workers->disk;
    case LANE_REPORT:
        return &workers->report;
    default:
        return &workers->hash;
    }
}

static void come_home(struct message *message)
{
    struct job *job = H2O_STRUCT_FROM_MEMBER(struct job, message, message);

    job->loop->jobs--;
    job->done(job);
}

static void send_home(struct job *job)
{
    job->message.run = come_home;
    loop_post(job->loop, &job->message);
}

static struct job *take_first(struct crew *crew)
{
    for (unsigned i = 0; i < crew->queue_count; i++) {
        struct queue *queue = &crew->queues[i];
        struct job *job = queue->first;

        if (job == NULL)
            continue;
        queue->first = job->next;
        if (queue->first == NULL)
            queue->last = &queue->first;
        atomic_fetch_sub_explicit(&queue->waiting, 1, memory_order_relaxed);
        buckets_note(&queue->waits, &scale_durations, clock_monotonic_us() - job->queued_us);
        return job;
    }
    return NULL;
}

/* The next job, or NULL when the crew is closing and has none. */
static struct job *take(struct crew *crew)
{
    struct job *job;

    pthread_mutex_lock(&crew->lock);
    while ((job = take_first(crew)) == NULL && !crew->closing)
        pthread_cond_wait(&crew->filled, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
    return job;
}

static void *worker_main(void *argument)
{
    struct crew *crew = argument;
    struct job *job;

    /* On Linux a nice value belongs to the thread. Being refused one costs nothing but the preference. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), getpriority(PRIO_PROCESS, 0) + crew->nice);
    while ((job = take(crew)) != NULL) {
        job->run(job);
        send_home(job);
    }
    return NULL;
}

static void close_crew(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->closing = true;
    pthread_cond_broadcast(&crew->filled);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->thread_count; i++)
        pthread_join(crew->threads[i], NULL);
    free(crew->threads);
    pthread_cond_destroy(&crew->filled);
    pthread_mutex_destroy(&crew->lock);
}

static int open_crew(struct crew *crew, struct queue *queues, unsigned queue_count, unsigned threads, struct err *e)
{
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->filled, NULL);
    crew->queues = queues;
    crew->queue_count = queue_count;
    for (unsigned i = 0; i < queue_count; i++)
        queues[i].last = &queues[i].first;
    crew->threads = xcalloc(threads, sizeof(*crew->threads));
    while (crew->thread_count < threads) {
        int rc = pthread_create(&crew->threads[crew->thread_count], NULL, worker_main, crew);

        if (rc != 0) {
            errno = rc;
            return err_errno(e, "start worker thread");
        }
        crew->thread_count++;
    }
    return 0;
}

struct workers *workers_start(unsigned disk_threads, unsigned hash_threads, struct err *e)
{
    struct workers *workers = xcalloc(1, sizeof(*workers));
    int disk, hash, report;

    workers->disk.nice = workers->report.nice = DISK_NICE;
    workers->hash.nice = HASH_NICE;
    disk = open_crew(&workers->disk, &workers->lanes[LANE_DISK], 1, disk_threads, e);
    hash = open_crew(&workers->hash, &workers->lanes[LANE_HASH], HASH_LANES, hash_threads, e);
    report = open_crew(&workers->report, &workers->lanes[LANE_REPORT], 1, REPORT_THREADS, e);
    if (disk != 0 || hash != 0 || report != 0)
        workers_stop(&workers);
    return workers;
}

void workers_stop(struct workers **workers)
{
    if (*workers == NULL)
        return;
    close_crew(&(*workers)->disk);
    close_crew(&(*workers)->hash);
    close_crew(&(*workers)->report);
    free(*workers);
    *workers = NULL;
}

void workers_submit(struct workers *workers, enum lane lane, struct job *job)
{
    struct crew *crew = crew_of(workers, lane);
    struct queue *queue = &workers->lanes[lane];

    job->loop->jobs++;
    job->next = NULL;
    job->queued_us = clock_monotonic_us();
    pthread_mutex_lock(&crew->lock);
    *queue->last = job;
    queue->last = &job->next;
    atomic_fetch_add_explicit(&queue->waiting, 1, memory_order_relaxed);
    pthread_cond_signal(&crew->filled);
    pthread_mutex_unlock(&crew->lock);
}

size_t workers_waiting(struct workers *workers, enum lane lane)
{
    return atomic_load_explicit(&workers->lanes[lane].waiting, memory_order_relaxed);
}

const struct buckets *workers_waits(const struct workers *workers, enum lane lane)
{
    return &workers->lanes[lane].waits;
}

struct closing {
    struct job job;
    int fd;
};

static void run_close(struct job *job)
{
    close(H2O_STRUCT_FROM_MEMBER(struct closing, job, job)->fd);
}

static void close_done(struct job *job)
{
    free(H2O_STRUCT_FROM_MEMBER(struct closing, job, job));
}

void workers_close(struct workers *workers, struct loop *loop, int fd)
{
    struct closing *closing;
    struct stat file;

    if (fstat(fd, &file) == 0 && file.st_nlink > 0) {
        close(fd);
        return;
    }
    closing = xcalloc(1, sizeof(*closing));
    closing->job = (struct job){.run = run_close, .done = close_done, .loop = loop};
    closing->fd = fd;
    workers_submit(workers, LANE_DISK, &closing->job);
}

static void committed(struct meta_change *change)
{
    send_home(&H2O_STRUCT_FROM_MEMBER(struct commit, change, change)->job);
}

void commit_submit(struct meta *meta, struct commit *commit)
{
    commit->job.loop->jobs++;
    commit->change.done = committed;
    meta_submit(meta, &commit->change);
}
