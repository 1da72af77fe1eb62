/*
 * Sending a file: read from the page cache on the loop, from a worker when that would wait for the disk.
 *
 * Two buffers would let the disk and the socket overlap; the kernel's read-ahead does the same for us with one. A file
 * that turns out shorter than announced (damaged, truncated) ends the connection in the middle of the body: the client
 * sees the missing bytes, never wrong ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "registry/blob_file.h"
#include "registry/reply.h"
#include "registry/server.h"

enum { CHUNK_BYTES = 256 * 1024 };

/* Owns the descriptor and the buffer. Lives from the first byte until the reply is over and no job reads into it. */
struct file_reply {
    h2o_generator_t generator;
    struct job job;
    h2o_req_t *h2o; /* NULL: the client is gone */
    int fd;
    struct digest digest; /* of the blob, for the log */
    uint64_t offset;
    uint64_t left;
    bool reading; /* a worker has the buffer */
    ssize_t got;
    int number; /* errno when got < 0 */
    char *buffer;
};

static void file_reply_free(struct file_reply *f)
{
    workers_close(f->job.loop->server->workers, f->job.loop, f->fd);
    free(f->buffer);
    free(f);
}

static size_t wanted(const struct file_reply *f)
{
    return f->left < CHUNK_BYTES ? (size_t)f->left : CHUNK_BYTES;
}

static void cut_short(const struct file_reply *f)
{
    char what[128];

    snprintf(what, sizeof(what), "%s at byte %llu; the reply was cut short",
             f->got == 0 ? "it ends" : strerrordesc_np(f->number), (unsigned long long)f->offset);
    blob_file_damaged(f->job.loop->server->store, &f->digest, what);
}

static void send_chunk(struct file_reply *f)
{
    h2o_iovec_t chunk = h2o_iovec_init(f->buffer, f->got > 0 ? (size_t)f->got : 0);
    h2o_req_t *h2o = f->h2o;

    if (f->got <= 0) {
        cut_short(f);
        h2o_send(h2o, NULL, 0, H2O_SEND_STATE_ERROR);
        return;
    }
    f->offset += (uint64_t)f->got;
    f->left -= (uint64_t)f->got;
    h2o_send(h2o, &chunk, 1, f->left == 0 ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void read_on_worker(struct job *job)
{
    struct file_reply *f = H2O_STRUCT_FROM_MEMBER(struct file_reply, job, job);

    do {
        f->got = pread(f->fd, f->buffer, wanted(f), (off_t)f->offset);
        f->number = errno;
    } while (f->got < 0 && f->number == EINTR);
}

static void read_done(struct job *job)
{
    struct file_reply *f = H2O_STRUCT_FROM_MEMBER(struct file_reply, job, job);

    f->reading = false;
    if (f->h2o == NULL)
        file_reply_free(f);
    else
        send_chunk(f);
}

static void proceed(h2o_generator_t *generator, h2o_req_t *h2o)
{
    struct file_reply *f = H2O_STRUCT_FROM_MEMBER(struct file_reply, generator, generator);
    struct iovec span = {f->buffer, wanted(f)};

    (void)h2o;
    f->got = preadv2(f->fd, &span, 1, (off_t)f->offset, RWF_NOWAIT);
    if (f->got > 0) {
        send_chunk(f);
        return;
    }
    f->reading =
        true; /* not cached, or a file system without RWF_NOWAIT: a worker will tell what is wrong, if anything is */
    workers_submit(f->job.loop->server->workers, LANE_DISK, &f->job);
}

/* The memory pool of the h2o request goes: sent, or the client vanished. */
static void on_dispose(void *slot)
{
    struct file_reply *f = *(struct file_reply **)slot;

    f->h2o = NULL;
    if (!f->reading)
        file_reply_free(f);
}

void reply_file(struct request *rq, int status, int fd, const struct digest *d, uint64_t offset, uint64_t length)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the slot is a pointer */
    struct file_reply **slot = h2o_mem_alloc_shared(&rq->h2o->pool, sizeof(*slot), on_dispose);
    struct file_reply *f = xcalloc(1, sizeof(*f));

    *slot = f;
    f->generator.proceed = proceed;
    f->job = (struct job){.run = read_on_worker, .done = read_done, .loop = rq->loop};
    f->h2o = rq->h2o;
    f->fd = fd;
    f->digest = *d;
    f->offset = offset;
    f->left = length;
    reply_start(rq, status, length);
    if (length == 0 || rq->method == METHOD_HEAD) {
        h2o_start_response(rq->h2o, &f->generator);
        h2o_send(rq->h2o, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    f->buffer = xmalloc(CHUNK_BYTES);
    posix_fadvise(fd, (off_t)offset, (off_t)length, POSIX_FADV_SEQUENTIAL);
    h2o_start_response(rq->h2o, &f->generator);
    proceed(&f->generator, rq->h2o);
}
