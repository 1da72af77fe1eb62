/*
 * load: puts a registry under load and says how long it took, as one line of JSON on standard output:
 *   {"seconds": 1.234567, "operations": 10, "bytes": 1073741824, "latency_us": {"p50": 1.2, …, "max": 3.4}}
 * with "pushed": {…} where pushes are counted apart from other operations. With --wait it says "ready" when all
 * connections are open and all content is made, and starts the clock when it reads a line.
 * Any answer that is not the expected one ends it with a message and exit status 1: a measurement with errors in it is
 * none.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* base */
#include "registry/base/str.h"
/* here */
#include "tests/bench/load.h"

enum { SHARED_THREADS = 2, CONNECTIONS_MAX = 60000, SECONDS_MAX = 3600 };

static const struct mode modes[] = {
    {"requests", "METHOD PATH", "one request again and again; {} in PATH becomes a new number each time", 2, true,
     false, NULL, requests_run, NULL},
    {"handshakes", "VERSION", "connect, shake hands in full by TLS 1.2 or 1.3, close", 1, false, false,
     handshakes_prepare, handshakes_run, handshakes_free},
    {"handshakes-resumed", "VERSION", "the same, resuming a session by its ticket", 1, false, false, handshakes_prepare,
     handshakes_resumed_run, handshakes_free},
    {"pull", "PATH[,PATH]...", "--count GETs on each connection, which take the paths in turn", 1, false, false, NULL,
     pull_run, NULL},
    {"push", "REPOSITORY", "one layer of --mebibytes on each connection", 1, false, false, push_prepare, push_run,
     push_free},
    {"images", "REPOSITORY", "--count images of three small blobs on each connection", 1, false, false, NULL,
     images_run, NULL},
    {"mixed", "REPOSITORY PLAN",
     "--count pulls and pushes on each connection, as PLAN says: pull:10:75,push:10:25\n"
     "                                     is 75 % pulls and 25 % pushes of layers of 10 MiB; what is pulled is "
     "verified",
     2, false, false, mixed_prepare, mixed_run, mixed_free},
    {"tail", "REPOSITORY PATH", "GET on every second connection while the others push layers of --mebibytes", 2, false,
     false, tail_prepare, tail_run, mixed_free},
    {"idle", "PATH", "one GET on each connection, then silence until standard input ends", 1, true, true, NULL,
     idle_run, NULL},
    {"uploads", "REPOSITORY", "--mebibytes on each connection, unfinished until standard input ends", 1, false, true,
     push_prepare, uploads_run, push_free},
};

static const struct option long_options[] = {
    {"ca", required_argument, NULL, 'a'},
    {"user", required_argument, NULL, 'u'},
    {"connections", required_argument, NULL, 'c'},
    {"seconds", required_argument, NULL, 's'},
    {"count", required_argument, NULL, 'n'},
    {"mebibytes", required_argument, NULL, 'm'},
    {"seed", required_argument, NULL, 'r'},
    {"expect", required_argument, NULL, 'e'},
    {"header", required_argument, NULL, 'h'},
    {"threads", required_argument, NULL, 't'},
    {"wait", no_argument, NULL, 'w'},
    {0},
};

struct run {
    struct options options;
    const struct mode *mode;
    struct target target;
    pthread_barrier_t start; /* passed twice: when all are prepared, and when the clock starts */
};

struct thread {
    struct run *run;
    pthread_t id;
    struct worker worker;
    uint64_t ended; /* of load_clock() */
};

uint64_t load_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t load_deadline(const struct options *options)
{
    return load_clock() + (uint64_t)(options->seconds * 1e9);
}

void tally_finish(struct tally *tally, uint64_t began)
{
    tally->operations++;
    histogram_add(&tally->latency, load_clock() - began);
}

void worker_finish(struct worker *worker, uint64_t began)
{
    tally_finish(&worker->done, began);
}

uint64_t worker_number(const struct worker *worker, uint64_t n)
{
    return (worker->options->seed << 40) + ((uint64_t)worker->index << 24) + n + 1;
}

static void die(const struct err *e)
{
    fprintf(stderr, "load: %s\n", e->text);
    /* Not exit(): other threads are in the middle of using what it would take down. */
    _exit(1);
}

static int usage(void)
{
    fputs("usage: load [--ca FILE] [--user NAME:PASSWORD] [--header LINE] [--connections N] [--seconds N] [--count N]\n"
          "            [--mebibytes N] [--seed N] [--expect STATUS] [--threads N] [--wait]\n"
          "            http[s]://ADDRESS:PORT MODE "
          "[ARGUMENT...]\n",
          stderr);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        fprintf(stderr, "  %-18s %-15s %s\n", modes[i].name, modes[i].arguments, modes[i].purpose);
    return 2;
}

/* ---- threads ---- */

static void connect_all(struct thread *thread)
{
    struct worker *worker = &thread->worker;
    struct err e;

    for (size_t i = 0; i < worker->client_count; i++) {
        worker->clients[i] = client_open(worker->target, &e);
        if (worker->clients[i] == NULL)
            die(&e);
    }
    if (thread->run->mode->prepare != NULL && thread->run->mode->prepare(worker, &e) != 0)
        die(&e);
}

static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct err e;

    connect_all(thread);
    pthread_barrier_wait(&thread->run->start);
    pthread_barrier_wait(&thread->run->start);
    if (thread->run->mode->run(&thread->worker, &e) != 0)
        die(&e);
    thread->ended = load_clock();
    return NULL;
}

static struct thread *start_threads(struct run *run, unsigned n)
{
    struct thread *threads = xcalloc(n, sizeof(*threads));
    struct err e;

    for (unsigned i = 0; i < n; i++) {
        struct worker *worker = &threads[i].worker;

        threads[i].run = run;
        worker->options = &run->options;
        worker->target = &run->target;
        worker->index = i;
        worker->client_count = (size_t)(run->options.connections / n + (i < run->options.connections % n));
        worker->clients = xcalloc(worker->client_count, sizeof(struct client *));
        if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]) != 0) {
            err_set(&e, ERR_IO, "cannot start thread %u", i);
            die(&e);
        }
    }
    return threads;
}

static void tally_merge(struct tally *into, const struct tally *from)
{
    into->operations += from->operations;
    into->bytes += from->bytes;
    histogram_merge(&into->latency, &from->latency);
}

/* What stands between the braces of its object. */
static void print_tally(const struct tally *tally)
{
    const struct histogram *latency = &tally->latency;

    printf("\"operations\": %llu, \"bytes\": %llu, \"latency_us\": ", (unsigned long long)tally->operations,
           (unsigned long long)tally->bytes);
    printf("{\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f, \"max\": %.1f}",
           (double)histogram_within(latency, 0.5) / 1e3, (double)histogram_within(latency, 0.99) / 1e3,
           (double)histogram_within(latency, 0.999) / 1e3, (double)latency->max / 1e3);
}

static void join_and_report(struct thread *threads, unsigned n, uint64_t began)
{
    struct worker *all = &threads[0].worker;
    uint64_t ended = began;

    for (unsigned i = 0; i < n; i++) {
        pthread_join(threads[i].id, NULL);
        if (threads[i].ended > ended)
            ended = threads[i].ended;
        if (i == 0)
            continue;
        tally_merge(&all->done, &threads[i].worker.done);
        tally_merge(&all->pushed, &threads[i].worker.pushed);
    }
    printf("{\"seconds\": %.6f, ", (double)(ended - began) / 1e9);
    print_tally(&all->done);
    if (all->pushed.operations > 0) {
        printf(", \"pushed\": {");
        print_tally(&all->pushed);
        printf("}");
    }
    puts("}");
    fflush(stdout);
}

static void free_threads(const struct mode *mode, struct thread *threads, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (size_t j = 0; j < threads[i].worker.client_count; j++)
            client_close(&threads[i].worker.clients[j]);
        free(threads[i].worker.clients);
        if (mode->free_state != NULL)
            mode->free_state(&threads[i].worker);
    }
    free(threads);
}

/* Until `end`, or the end of the input when that comes first. */
static void wait_for_input(char end)
{
    char byte = '\0';

    while (read(STDIN_FILENO, &byte, 1) > 0 && (end == '\0' || byte != end))
        ;
}

/* Whoever measures the server wants to know when it is done with what was only preparation. */
static void wait_until_wanted(void)
{
    puts("ready");
    fflush(stdout);
    wait_for_input('\n');
}

static void measure(struct run *run)
{
    uint64_t most = run->options.threads != 0 ? run->options.threads : SHARED_THREADS;
    uint64_t wanted = run->options.connections;
    unsigned n = (unsigned)(run->mode->shared && wanted > most ? most : wanted);
    struct thread *threads;

    pthread_barrier_init(&run->start, NULL, n + 1);
    threads = start_threads(run, n);
    pthread_barrier_wait(&run->start);
    if (run->options.wait)
        wait_until_wanted();
    pthread_barrier_wait(&run->start);
    join_and_report(threads, n, load_clock());
    if (run->mode->hold)
        wait_for_input('\0');
    free_threads(run->mode, threads, n);
    pthread_barrier_destroy(&run->start);
}

/* ---- the command line ---- */

struct arguments {
    const char *ca;
    const char *user;
    const char *header;
};

static bool take_option(int option, struct options *options, struct arguments *arguments)
{
    char *end;

    switch (option) {
    case 'a':
        arguments->ca = optarg;
        return true;
    case 'u':
        arguments->user = optarg;
        return true;
    case 'h':
        arguments->header = optarg;
        return true;
    case 'c':
        return str_to_u64(str_of(optarg), &options->connections) && options->connections > 0 &&
               options->connections <= CONNECTIONS_MAX;
    case 'w':
        options->wait = true;
        return true;
    case 't':
        return str_to_u64(str_of(optarg), &options->threads);
    case 's':
        options->seconds = strtod(optarg, &end);
        return end != optarg && *end == '\0' && options->seconds > 0 && options->seconds < SECONDS_MAX;
    case 'n':
        return str_to_u64(str_of(optarg), &options->count) && options->count > 0;
    case 'm':
        return str_to_u64(str_of(optarg), &options->mebibytes);
    case 'r':
        return str_to_u64(str_of(optarg), &options->seed);
    case 'e':
        return str_to_u64(str_of(optarg), &options->expect);
    default:
        return false;
    }
}

static const struct mode *find_mode(const char *name, int argument_count)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, name) == 0 && modes[i].argument_count == argument_count)
            return &modes[i];
    return NULL;
}

static void allow_many_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct run run = {
        .options = {.connections = 1, .seconds = 5, .count = 1, .mebibytes = 1, .seed = 1, .expect = 200}};
    struct arguments arguments = {0};
    struct err e;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!take_option(option, &run.options, &arguments))
            return usage();
    if (argc - optind < 2)
        return usage();
    run.mode = find_mode(argv[optind + 1], argc - optind - 2);
    if (run.mode == NULL)
        return usage();
    run.options.arguments = (const char *const *)argv + optind + 2;
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    if (target_init(&run.target, argv[optind], arguments.ca, arguments.user, arguments.header, &e) != 0)
        die(&e);
    measure(&run);
    target_free(&run.target);
    return 0;
}
