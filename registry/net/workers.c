#include "registry/net/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HASH_NICE = 10 };

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first; /* under lock, like the two below */
    struct job **last;
    atomic_size_t waiting; /* written under lock */
    bool closing;
    bool low_priority;
    pthread_t *threads;
    unsigned thread_count;
};

struct workers {
    struct queue lanes[LANE_COUNT];
};

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

/* The next job, or NULL when the queue is closing and empty. */
static struct job *take(struct queue *queue)
{
    struct job *job;

    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->closing)
        pthread_cond_wait(&queue->filled, &queue->lock);
    job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        atomic_fetch_sub_explicit(&queue->waiting, 1, memory_order_relaxed);
        if (queue->first == NULL)
            queue->last = &queue->first;
    }
    pthread_mutex_unlock(&queue->lock);
    return job;
}

static void *worker_main(void *argument)
{
    struct queue *queue = argument;
    struct job *job;

    /* On Linux a nice value belongs to the thread. Being refused one costs nothing but the preference. */
    if (queue->low_priority)
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), HASH_NICE);
    while ((job = take(queue)) != NULL) {
        job->run(job);
        send_home(job);
    }
    return NULL;
}

static void close_queue(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    for (unsigned i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    free(queue->threads);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

static int open_queue(struct queue *queue, unsigned threads, bool low_priority, struct err *e)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->last = &queue->first;
    queue->low_priority = low_priority;
    queue->threads = xcalloc(threads, sizeof(*queue->threads));
    while (queue->thread_count < threads) {
        int rc = pthread_create(&queue->threads[queue->thread_count], NULL, worker_main, queue);

        if (rc != 0) {
            errno = rc;
            return err_errno(e, "start worker thread");
        }
        queue->thread_count++;
    }
    return 0;
}

struct workers *workers_start(unsigned disk_threads, unsigned hash_threads, struct err *e)
{
    struct workers *workers = xcalloc(1, sizeof(*workers));
    int disk = open_queue(&workers->lanes[LANE_DISK], disk_threads, false, e);
    int hash = open_queue(&workers->lanes[LANE_HASH], hash_threads, true, e);

    if (disk != 0 || hash != 0)
        workers_stop(&workers);
    return workers;
}

void workers_stop(struct workers **workers)
{
    if (*workers == NULL)
        return;
    for (int lane = 0; lane < LANE_COUNT; lane++)
        close_queue(&(*workers)->lanes[lane]);
    free(*workers);
    *workers = NULL;
}

void workers_submit(struct workers *workers, enum lane lane, struct job *job)
{
    struct queue *queue = &workers->lanes[lane];

    job->loop->jobs++;
    job->next = NULL;
    pthread_mutex_lock(&queue->lock);
    *queue->last = job;
    queue->last = &job->next;
    atomic_fetch_add_explicit(&queue->waiting, 1, memory_order_relaxed);
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

size_t workers_waiting(struct workers *workers, enum lane lane)
{
    return atomic_load_explicit(&workers->lanes[lane].waiting, memory_order_relaxed);
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
