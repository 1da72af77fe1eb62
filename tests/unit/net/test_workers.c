#include "registry/net/workers.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/unit/net/loop_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- a job that remembers ---- */

struct task {
    struct job job;
    sem_t *gate; /* run() waits for it; NULL: does not */
    pthread_t ran_on, done_on;
    int ran, done;
    int order; /* of run() among all tasks */
    int nice;
    struct task *then; /* submitted by done() */
    struct workers *workers;
};

static atomic_int sequence;

static void run_task(struct job *job)
{
    struct task *task = H2O_STRUCT_FROM_MEMBER(struct task, job, job);

    if (task->gate != NULL)
        sem_wait(task->gate);
    task->ran++;
    task->ran_on = pthread_self();
    task->order = atomic_fetch_add(&sequence, 1);
    task->nice = getpriority(PRIO_PROCESS, 0);
}

static void task_done(struct job *job)
{
    struct task *task = H2O_STRUCT_FROM_MEMBER(struct task, job, job);

    task->done++;
    task->done_on = pthread_self();
    if (task->then != NULL)
        workers_submit(task->workers, LANE_DISK, &task->then->job);
}

static void submit_task(struct world *w, enum lane lane, struct task *task)
{
    task->job.run = run_task;
    task->job.done = task_done;
    task->job.loop = &w->loop;
    task->workers = w->server.workers;
    workers_submit(w->server.workers, lane, &task->job);
}

TEST(home, "every job runs once on a worker and is done once on its loop")
{
    static struct task tasks[500];
    struct world w;

    memset(tasks, 0, sizeof(tasks));
    open_world(&w, 4, 2);
    for (size_t i = 0; i < COUNT(tasks); i++)
        submit_task(&w, i % 3 == 0 ? LANE_HASH : LANE_DISK, &tasks[i]);
    CHECK_INT(w.loop.jobs, COUNT(tasks));
    CHECK(all_home(&w));
    for (size_t i = 0; i < COUNT(tasks); i++) {
        CHECK_INT(tasks[i].ran, 1);
        CHECK_INT(tasks[i].done, 1);
        CHECK(!pthread_equal(tasks[i].ran_on, pthread_self()));
        CHECK(pthread_equal(tasks[i].done_on, pthread_self()));
    }
    close_world(&w);
}

TEST(in_order, "jobs of a lane are taken in the order of their submission")
{
    static struct task tasks[50];
    struct world w;

    memset(tasks, 0, sizeof(tasks));
    open_world(&w, 1, 1);
    for (size_t i = 0; i < COUNT(tasks); i++)
        submit_task(&w, LANE_DISK, &tasks[i]);
    CHECK(all_home(&w));
    for (size_t i = 1; i < COUNT(tasks); i++)
        CHECK(tasks[i].order > tasks[i - 1].order);
    close_world(&w);
}

TEST(lanes, "hashing that keeps all its threads busy holds up no file operation")
{
    struct task hashing = {0}, waiting = {0}, reading = {0};
    struct world w;
    sem_t gate;

    sem_init(&gate, 0, 0);
    hashing.gate = &gate;
    open_world(&w, 1, 1);
    submit_task(&w, LANE_HASH, &hashing);
    submit_task(&w, LANE_HASH, &waiting);
    submit_task(&w, LANE_DISK, &reading);
    for (int i = 0; i < 1000 && reading.done == 0; i++)
        h2o_evloop_run(w.loop.events, 10);
    sem_post(&gate);
    CHECK_INT(reading.done, 1);
    CHECK_INT(hashing.done + waiting.done, 0);
    CHECK(all_home(&w));
    CHECK_INT(hashing.done + waiting.done, 2);
    close_world(&w);
    sem_destroy(&gate);
}

TEST(reports, "a report is made though every other thread waits")
{
    struct task reading = {0}, hashing = {0}, report = {0};
    struct world w;
    sem_t gate;

    sem_init(&gate, 0, 0);
    reading.gate = hashing.gate = &gate;
    open_world(&w, 1, 1);
    submit_task(&w, LANE_DISK, &reading);
    submit_task(&w, LANE_HASH, &hashing);
    submit_task(&w, LANE_REPORT, &report);
    for (int i = 0; i < 1000 && report.done == 0; i++)
        h2o_evloop_run(w.loop.events, 10);
    sem_post(&gate);
    sem_post(&gate);
    CHECK_INT(report.done, 1);
    CHECK_INT(reading.done + hashing.done, 0);
    CHECK(all_home(&w));
    close_world(&w);
    sem_destroy(&gate);
}

TEST(waits, "how long jobs waited for a thread is noted of each lane")
{
    struct task first = {0}, second = {0};
    struct bucket_counts disk = {0}, hash = {0};
    const struct timespec wait = {0, 20 * 1000000};
    struct world w;
    sem_t gate;

    sem_init(&gate, 0, 0);
    first.gate = &gate;
    open_world(&w, 1, 1);
    submit_task(&w, LANE_DISK, &first);
    submit_task(&w, LANE_DISK, &second);
    nanosleep(&wait, NULL);
    sem_post(&gate);
    CHECK(all_home(&w));
    buckets_read(workers_waits(w.server.workers, LANE_DISK), &disk);
    buckets_read(workers_waits(w.server.workers, LANE_HASH), &hash);
    CHECK_INT(disk.total, 2);
    CHECK(disk.sum >= 20000);
    CHECK_INT(hash.total + hash.sum, 0);
    close_world(&w);
    sem_destroy(&gate);
}

TEST(suspects, "hashes for suspects wait until no other hash does, though they came first")
{
    static struct task busy, suspects[3], others[3];
    struct world w;
    sem_t gate;

    sem_init(&gate, 0, 0);
    busy.gate = &gate;
    open_world(&w, 1, 1);
    submit_task(&w, LANE_HASH, &busy);
    for (size_t i = 0; i < COUNT(suspects); i++)
        submit_task(&w, LANE_SUSPECT, &suspects[i]);
    for (size_t i = 0; i < COUNT(others); i++)
        submit_task(&w, LANE_HASH, &others[i]);
    CHECK_INT(workers_waiting(w.server.workers, LANE_SUSPECT), COUNT(suspects));
    CHECK_INT(workers_waiting(w.server.workers, LANE_DISK), 0);
    sem_post(&gate);
    CHECK(all_home(&w));
    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(others[i].order < suspects[0].order);
    CHECK(suspects[0].order < suspects[1].order && suspects[1].order < suspects[2].order);
    CHECK_INT(workers_waiting(w.server.workers, LANE_HASH) + workers_waiting(w.server.workers, LANE_SUSPECT), 0);
    close_world(&w);
    sem_destroy(&gate);
}

TEST(priority, "work for the disk has a lower priority than the caller, hashing the lowest")
{
    struct task hashing = {0}, reading = {0};
    int before = getpriority(PRIO_PROCESS, 0);
    struct world w;

    open_world(&w, 1, 1);
    submit_task(&w, LANE_HASH, &hashing);
    submit_task(&w, LANE_DISK, &reading);
    CHECK(all_home(&w));
    CHECK(reading.nice > before);
    CHECK(hashing.nice > reading.nice);
    CHECK_INT(getpriority(PRIO_PROCESS, 0), before);
    close_world(&w);
}

TEST(again, "a job that is done may start another")
{
    struct task first = {0}, second = {0};
    struct world w;

    open_world(&w, 1, 1);
    second.job = (struct job){.run = run_task, .done = task_done, .loop = &w.loop};
    first.then = &second;
    submit_task(&w, LANE_DISK, &first);
    CHECK(all_home(&w));
    CHECK(first.done == 1 && second.done == 1);
    close_world(&w);
}

TEST(stop, "stopping waits until every queued job has run, and they still come home")
{
    static struct task tasks[100];
    struct world w;
    sem_t gate;

    sem_init(&gate, 0, 0);
    memset(tasks, 0, sizeof(tasks));
    open_world(&w, 1, 1);
    for (size_t i = 0; i < COUNT(tasks); i++) {
        tasks[i].gate = &gate;
        submit_task(&w, i % 2 == 0 ? LANE_DISK : LANE_HASH, &tasks[i]);
    }
    for (size_t i = 0; i < COUNT(tasks); i++)
        sem_post(&gate);
    workers_stop(&w.server.workers);
    CHECK(w.server.workers == NULL);
    for (size_t i = 0; i < COUNT(tasks); i++)
        CHECK_INT(tasks[i].ran, 1);
    CHECK(all_home(&w));
    for (size_t i = 0; i < COUNT(tasks); i++)
        CHECK_INT(tasks[i].done, 1);
    close_world(&w);
    sem_destroy(&gate);
}

/* ---- a loop with a thread of its own ---- */

struct order {
    struct message message;
    struct world *world;
    struct task *task;
    sem_t *taken;
};

static void run_order(struct message *message)
{
    struct order *order = H2O_STRUCT_FROM_MEMBER(struct order, message, message);

    submit_task(order->world, LANE_DISK, order->task);
    sem_post(order->taken);
}

static void *open_gate_late(void *gate)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    sem_post(gate);
    return NULL;
}

TEST(loop_waits, "a loop that is stopped waits for the jobs that are under way")
{
    struct task task = {0};
    struct order order = {.message.run = run_order, .task = &task};
    pthread_t opener;
    struct err e = {0};
    struct world w;
    sem_t gate, taken;

    sem_init(&gate, 0, 0);
    sem_init(&taken, 0, 0);
    open_server(&w, 1, 1);
    task.gate = &gate;
    order.world = &w;
    order.taken = &taken;
    CHECK_INT(loop_start(&w.loop, &w.server, 0, &e), 0);
    loop_post(&w.loop, &order.message);
    sem_wait(&taken);
    CHECK(pthread_create(&opener, NULL, open_gate_late, &gate) == 0);
    loop_stop(&w.loop);
    CHECK_INT(task.done, 1);
    CHECK_INT(w.loop.jobs, 0);
    CHECK(!pthread_equal(task.done_on, pthread_self()));
    pthread_join(opener, NULL);
    close_server(&w);
    sem_destroy(&gate);
    sem_destroy(&taken);
}
