/*
 * Modes that push. Content is a mebibyte of noise, repeated with a number stamped into it, already cut into the chunks
 * of 32 KiB that Docker sends; its digest is computed before the clock starts, so that the client costs little while
 * the server is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/str.h"
#include "storage/digest.h"
#include "tests/bench/load.h"

enum {
    CHUNK = 32 * 1024,
    CHUNK_HEAD = 6, /* hexadecimal CHUNK, CR LF */
    CHUNK_FRAMED = CHUNK_HEAD + CHUNK + 2,
    CHUNKS = 32, /* in a mebibyte */
};

struct content {
    char digest[DIGEST_TEXT_MAX];
    unsigned char framed[CHUNKS * CHUNK_FRAMED];
};

/* ---- content ---- */

/* xorshift64*: quick, and nothing compresses it. */
static void fill_noise(unsigned char *out, size_t n, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15U + 1;

    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t word;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        word = x * 0x2545f4914f6cdd1dU;
        memcpy(out + i, &word, 8);
    }
}

static uint64_t seed_of(const struct worker *worker, uint64_t n)
{
    return (worker->options->seed << 40) + ((uint64_t)worker->index << 24) + n + 1;
}

static void stamp(struct content *content, uint64_t mebibyte)
{
    memcpy(content->framed + CHUNK_HEAD, &mebibyte, sizeof(mebibyte));
}

int push_prepare(struct worker *worker, struct err *e)
{
    struct content *content = worker->state = xmalloc(sizeof(*content));
    struct hasher hasher;
    struct digest digest;

    (void)e;
    for (size_t i = 0; i < CHUNKS; i++) {
        unsigned char *chunk = content->framed + i * CHUNK_FRAMED;

        snprintf((char *)chunk, CHUNK_HEAD + 1, "%x\r\n", CHUNK); /* the noise overwrites its terminator */
        fill_noise(chunk + CHUNK_HEAD, CHUNK, seed_of(worker, i));
        chunk[CHUNK_HEAD + CHUNK] = '\r';
        chunk[CHUNK_HEAD + CHUNK + 1] = '\n';
    }
    hasher_init(&hasher, DIGEST_SHA256);
    for (uint64_t n = 0; n < worker->options->mebibytes; n++) {
        stamp(content, n);
        for (size_t i = 0; i < CHUNKS; i++)
            hasher_update(&hasher, content->framed + i * CHUNK_FRAMED + CHUNK_HEAD, CHUNK);
    }
    hasher_digest(&hasher, &digest);
    digest_format(&digest, content->digest);
    return 0;
}

/* ---- one large layer ---- */

static int start_upload(struct client *c, const char *repository, struct answer *answer, struct err *e)
{
    char path[1024];

    snprintf(path, sizeof(path), "/v2/%s/blobs/uploads/", repository);
    return client_ask(c, "POST", path, "", 0, 202, answer, e);
}

/* PUT to a Location, which may or may not have a query, with the digest added. */
static int finish_upload(struct client *c, const char *location, const char *digest, struct answer *answer,
                         struct err *e)
{
    char path[ANSWER_LOCATION_MAX + 160];

    snprintf(path, sizeof(path), "%s%cdigest=%s", location, strchr(location, '?') != NULL ? '&' : '?', digest);
    return client_ask(c, "PUT", path, "", 0, 201, answer, e);
}

static int send_content(struct worker *worker, const char *location, struct err *e)
{
    struct client *c = worker->clients[0];
    struct content *content = worker->state;

    if (client_send_head(c, "PATCH", location,
                         "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n", e) != 0)
        return -1;
    for (uint64_t n = 0; n < worker->options->mebibytes; n++) {
        stamp(content, n);
        if (client_send(c, content->framed, sizeof(content->framed), e) != 0)
            return err_wrap(e, "PATCH: after %llu MiB", (unsigned long long)n);
        worker->bytes += (uint64_t)CHUNKS * CHUNK;
    }
    return 0;
}

int push_run(struct worker *worker, struct err *e)
{
    struct client *c = worker->clients[0];
    const struct content *content = worker->state;
    uint64_t began = load_clock();
    struct answer answer;

    if (start_upload(c, worker->options->arguments[0], &answer, e) != 0 ||
        send_content(worker, answer.location, e) != 0 || client_send(c, "0\r\n\r\n", 5, e) != 0 ||
        client_read_answer(c, false, &answer, e) != 0)
        return -1;
    if (answer.status != 202)
        return err_set(e, ERR_INVALID, "PATCH: status %d instead of 202", answer.status);
    if (finish_upload(c, answer.location, content->digest, &answer, e) != 0)
        return -1;
    worker_finish(worker, began);
    return 0;
}

/* All of the content but not its end: what a server holds for an upload that is under way. */
int uploads_run(struct worker *worker, struct err *e)
{
    uint64_t began = load_clock();
    struct answer answer;

    if (start_upload(worker->clients[0], worker->options->arguments[0], &answer, e) != 0 ||
        send_content(worker, answer.location, e) != 0)
        return -1;
    worker_finish(worker, began);
    return 0;
}

/* ---- small images ---- */

enum { SMALL = 1024, SMALL_BLOBS = 3 };

/* As Docker does it: is it there? then POST, PATCH, PUT. */
static int push_small(struct client *c, const char *repository, const unsigned char *bytes, const char *digest,
                      struct err *e)
{
    char path[1024];
    struct answer answer;

    snprintf(path, sizeof(path), "/v2/%s/blobs/%s", repository, digest);
    if (client_ask(c, "HEAD", path, "", 0, 404, &answer, e) != 0 || start_upload(c, repository, &answer, e) != 0 ||
        client_ask(c, "PATCH", answer.location, bytes, SMALL, 202, &answer, e) != 0)
        return -1;
    return finish_upload(c, answer.location, digest, &answer, e);
}

static int push_manifest(struct client *c, const char *repository, uint64_t tag,
                         char digests[SMALL_BLOBS][DIGEST_TEXT_MAX], struct err *e)
{
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    struct sbuf manifest = {0};
    char headers[160], path[1024];
    struct answer answer;
    int rc = -1;

    sbuf_printf(&manifest, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":", type);
    for (int i = 0; i < SMALL_BLOBS; i++)
        sbuf_printf(&manifest, "%s{\"mediaType\":\"application/vnd.oci.image.%s\",\"digest\":\"%s\",\"size\":%d}",
                    i == 0   ? ""
                    : i == 1 ? ",\"layers\":["
                             : ",",
                    i == 0 ? "config.v1+json" : "layer.v1.tar+gzip", digests[i], (int)SMALL);
    sbuf_printf(&manifest, "]}");
    snprintf(path, sizeof(path), "/v2/%s/manifests/%llu", repository, (unsigned long long)tag);
    snprintf(headers, sizeof(headers), "Content-Type: %s\r\nContent-Length: %zu\r\n", type, manifest.n);
    if (client_send_head(c, "PUT", path, headers, e) == 0 && client_send(c, manifest.p, manifest.n, e) == 0 &&
        client_read_answer(c, false, &answer, e) == 0)
        rc = answer.status == 201 ? 0 : err_set(e, ERR_INVALID, "%s: status %d instead of 201", path, answer.status);
    sbuf_free(&manifest);
    return rc;
}

int images_run(struct worker *worker, struct err *e)
{
    struct client *c = worker->clients[0];
    char digests[SMALL_BLOBS][DIGEST_TEXT_MAX];
    unsigned char bytes[SMALL];
    char repository[256];
    struct digest digest;

    snprintf(repository, sizeof(repository), "%s-%u", worker->options->arguments[0], worker->index);
    for (uint64_t n = 0; n < worker->options->count; n++) {
        uint64_t began = load_clock();

        for (unsigned i = 0; i < SMALL_BLOBS; i++) {
            fill_noise(bytes, sizeof(bytes), seed_of(worker, n * SMALL_BLOBS + i));
            digest_of(DIGEST_SHA256, bytes, sizeof(bytes), &digest);
            digest_format(&digest, digests[i]);
            if (push_small(c, repository, bytes, digests[i], e) != 0)
                return -1;
        }
        if (push_manifest(c, repository, n, digests, e) != 0)
            return -1;
        worker_finish(worker, began);
    }
    return 0;
}
