/* Images of three small blobs, pushed as Docker does it: what counts is a server's time for a request and a commit. */
#include <stdio.h>
#include <string.h>

#include "registry/base/str.h"
#include "tests/bench/layer.h"
#include "tests/bench/load.h"

enum { SMALL = 1024, SMALL_BLOBS = 3 };

/* Is it there? then POST, PATCH, PUT. */
static int push_small(struct client *c, const char *repository, const unsigned char *bytes, const char *digest,
                      struct err *e)
{
    char path[1024];
    struct answer answer;

    snprintf(path, sizeof(path), "/v2/%s/blobs/%s", repository, digest);
    if (client_ask(c, "HEAD", path, "", 0, 404, &answer, e) != 0 || upload_start(c, repository, &answer, e) != 0 ||
        client_ask(c, "PATCH", answer.location, bytes, SMALL, 202, &answer, e) != 0)
        return -1;
    return upload_finish(c, answer.location, digest, &answer, e);
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
            fill_noise(bytes, sizeof(bytes), worker_number(worker, n * SMALL_BLOBS + i));
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
