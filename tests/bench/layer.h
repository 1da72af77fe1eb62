/*
 * Layers for the load program: noise whose digest is known before the clock starts, and the requests that push one.
 *
 * A layer is one mebibyte of noise again and again, with the layer's number and the mebibyte's stamped into each, cut
 * into the chunks of 32 KiB that Docker sends. So the client costs little while a server is measured, layers of
 * different numbers share no mebibyte, and nothing compresses.
 *
 * Thread: a noise belongs to one thread.
 */
#ifndef BERTH_TESTS_BENCH_LAYER_H
#define BERTH_TESTS_BENCH_LAYER_H

#include <stdint.h>

#include "registry/base/err.h"
#include "storage/digest.h"
#include "tests/bench/client.h"

struct noise;

struct layer {
    uint64_t number;
    uint64_t mebibytes;
    char digest[DIGEST_TEXT_MAX]; /* by layer_make() */
};

/* The same for all, so that equal layers of two threads have equal digests. Free with free(). */
struct noise *noise_new(void);
/* Hashes what the layer consists of. */
void layer_make(struct layer *layer, uint64_t number, uint64_t mebibytes, struct noise *noise);

/* POST, PATCH in chunks, PUT. *sent grows by what was sent of the layer. */
int layer_push(struct client *c, const char *repository, const struct layer *layer, struct noise *noise, uint64_t *sent,
               struct err *e);
/* The same without the end of the PATCH and without PUT. */
int layer_begin(struct client *c, const char *repository, const struct layer *layer, struct noise *noise,
                uint64_t *sent, struct err *e);
/* GET, all of it hashed. ERR_DIGEST when it is not the layer. */
int layer_pull(struct client *c, const char *repository, const struct layer *layer, struct err *e);

/* `n` bytes, a multiple of 8, that nothing compresses; another seed, other bytes. */
void fill_noise(unsigned char *out, size_t n, uint64_t seed);

/* POST for an upload; answer->location is where it goes on. */
int upload_start(struct client *c, const char *repository, struct answer *answer, struct err *e);
/* PUT to a Location, which may or may not have a query, with the digest added. */
int upload_finish(struct client *c, const char *location, const char *digest, struct answer *answer, struct err *e);

#endif
