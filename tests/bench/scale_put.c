/*
 * What is made, item by item. A blob is a line of text that tells what it is, so that its digest is that of its file;
 * names have leading zeros, so that their order is that of their numbers.
 */
#include "tests/bench/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "registry/base/file.h"

#define IMAGE_TYPE  "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE  "application/vnd.oci.image.layer.v1.tar+gzip"

enum { NAME_MAX_BYTES = 64, TEAMS = 1000, SHARED_LAYERS = 50, ARTIFACT_TYPES = 4 };

/* ---- blobs ---- */

struct blob {
    struct digest digest;
    uint64_t size;
};

static int write_file(const struct scale *scale, const struct digest *d, struct str text, struct err *e)
{
    char path[PATH_MAX], name[BLOB_NAME_MAX];
    int fd, rc;

    blob_file_name(d, name);
    if ((size_t)snprintf(path, sizeof(path), "%s/blobs/%s", scale->store->root, name) >= sizeof(path))
        return err_set(e, ERR_INVALID, "the folder's name is too long");
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : err_errno(e, "make %s", path);
    rc = file_write(fd, text.p, text.n, e);
    close(fd);
    return rc;
}

/* The repository holds the blob `kind` number `i`. */
static int put_blob(const struct scale *scale, struct meta_txn *txn, const char *repository, const char *kind,
                    uint64_t i, struct blob *out, struct err *e)
{
    char text[NAME_MAX_BYTES];

    out->size = (uint64_t)snprintf(text, sizeof(text), "%s %llu of seed %llu\n", kind, (unsigned long long)i,
                                   (unsigned long long)scale->options->seed);
    digest_of(DIGEST_SHA256, text, out->size, &out->digest);
    if (scale->options->files && write_file(scale, &out->digest, (struct str){text, out->size}, e) != 0)
        return -1;
    return meta_blob_put(txn, str_of(repository), &out->digest, out->size, scale->options->needed, e);
}

/* ---- manifests ---- */

static void put_descriptor(struct sbuf *json, const char *type, const struct blob *blob)
{
    char digest[DIGEST_TEXT_MAX];

    digest_format(&blob->digest, digest);
    sbuf_printf(json, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%llu}", type, digest,
                (unsigned long long)blob->size);
}

/* An image of config and layers. `more` is more of the object's text, or "". */
static struct sbuf image_of(const struct blob *config, const struct blob *layers, size_t n, const char *more)
{
    struct sbuf json = {0};

    sbuf_printf(&json, "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_TYPE "\",\"config\":");
    put_descriptor(&json, CONFIG_TYPE, config);
    sbuf_printf(&json, ",\"layers\":[");
    for (size_t i = 0; i < n; i++) {
        sbuf_printf(&json, "%s", i > 0 ? "," : "");
        put_descriptor(&json, LAYER_TYPE, &layers[i]);
    }
    sbuf_printf(&json, "]%s}", more);
    return json;
}

/* `json` is freed. `out` may be NULL. */
static int put_manifest(const struct scale *scale, struct meta_txn *txn, const char *repository, struct sbuf *json,
                        const struct str *tags, size_t tag_count, struct blob *out, struct err *e)
{
    struct manifest_put put = {.repository = str_of(repository),
                               .bytes = {json->p, json->n},
                               .tags = tags,
                               .tag_count = tag_count,
                               .now = scale->options->needed};
    struct manifest manifest;
    int rc = manifest_parse(put.bytes, (struct str){0}, &manifest, e);

    if (rc == 0) {
        put.manifest = &manifest;
        digest_of(DIGEST_SHA256, json->p, json->n, &put.digest);
        rc = meta_manifest_put(txn, &put, e);
        manifest_free(&manifest);
    }
    if (out != NULL)
        *out = (struct blob){put.digest, json->n};
    sbuf_free(json);
    return rc;
}

/* An image of two blobs of its own, `kind` and its number, again and again the same. */
static int put_image(const struct scale *scale, struct meta_txn *txn, const char *repository, const char *kind,
                     uint64_t i, const struct str *tag, struct blob *out, struct err *e)
{
    struct blob config, layer;
    struct sbuf json;

    if (put_blob(scale, txn, repository, kind, 2 * i, &config, e) != 0 ||
        put_blob(scale, txn, repository, kind, 2 * i + 1, &layer, e) != 0)
        return -1;
    json = image_of(&config, &layer, 1, "");
    return put_manifest(scale, txn, repository, &json, tag, tag != NULL, out, e);
}

/* ---- kinds ---- */

static int put_tags(const struct scale *scale, struct meta_txn *txn, const char *repository, struct sbuf *json,
                    struct err *e)
{
    size_t n = (size_t)scale->options->share;
    char(*names)[NAME_MAX_BYTES] = xcalloc(n, NAME_MAX_BYTES);
    struct str *tags = xcalloc(n, sizeof(*tags));
    int rc;

    for (size_t k = 0; k < n; k++) {
        snprintf(names[k], NAME_MAX_BYTES, "v%07zu", k);
        tags[k] = str_of(names[k]);
    }
    rc = put_manifest(scale, txn, repository, json, tags, n, NULL, e);
    free(tags);
    free(names);
    return rc;
}

int put_repository(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    char name[NAME_MAX_BYTES];
    struct blob config, layers[2];
    struct sbuf json;

    snprintf(name, sizeof(name), "team-%03llu/app-%07llu", (unsigned long long)(i % TEAMS), (unsigned long long)i);
    if (put_blob(scale, txn, name, "base", i % SHARED_LAYERS, &layers[0], e) != 0 ||
        put_blob(scale, txn, name, "app", 2 * i, &layers[1], e) != 0 ||
        put_blob(scale, txn, name, "app", 2 * i + 1, &config, e) != 0)
        return -1;
    json = image_of(&config, layers, 2, "");
    return put_tags(scale, txn, name, &json, e);
}

int put_tag(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    char name[NAME_MAX_BYTES];
    struct str tag;

    snprintf(name, sizeof(name), "v%07llu", (unsigned long long)i);
    tag = str_of(name);
    return put_image(scale, txn, "scale/tags", "tag", i / scale->options->share, &tag, NULL, e);
}

int put_layer(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    uint64_t share = scale->options->share, first = i - i % share;
    struct blob config, *layers;
    char name[NAME_MAX_BYTES];
    struct sbuf json;
    struct str tag;
    int rc = 0;

    if (i % share != share - 1 && i + 1 != scale->end)
        return put_blob(scale, txn, "scale/blobs", "layer", i, &config, e);
    layers = xcalloc((size_t)share, sizeof(*layers));
    for (uint64_t k = first; k <= i && rc == 0; k++)
        rc = put_blob(scale, txn, "scale/blobs", "layer", k, &layers[k - first], e);
    if (rc == 0)
        rc = put_blob(scale, txn, "scale/blobs", "config", 0, &config, e);
    if (rc == 0) {
        snprintf(name, sizeof(name), "image-%07llu", (unsigned long long)(i / share));
        tag = str_of(name);
        json = image_of(&config, layers, (size_t)(i - first + 1), "");
        rc = put_manifest(scale, txn, "scale/blobs", &json, &tag, 1, NULL, e);
    }
    free(layers);
    return rc;
}

int put_idle(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    struct blob blob;

    return put_blob(scale, txn, "scale/idle", "idle", i, &blob, e);
}

int put_referrer(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    const struct str latest = STR("latest");
    struct blob subject, config;
    struct sbuf more = {0}, json;
    int rc;

    if (put_image(scale, txn, "scale/referrers", "subject", 0, &latest, &subject, e) != 0 ||
        put_blob(scale, txn, "scale/referrers", "empty", 0, &config, e) != 0)
        return -1;
    sbuf_printf(&more,
                ",\"artifactType\":\"application/vnd.example.type-%llu\",\"annotations\":{\"org.example.number\":"
                "\"%llu\"},\"subject\":",
                (unsigned long long)(i % ARTIFACT_TYPES), (unsigned long long)i);
    put_descriptor(&more, IMAGE_TYPE, &subject);
    json = image_of(&config, &config, 1, sbuf_text(&more));
    rc = put_manifest(scale, txn, "scale/referrers", &json, NULL, 0, NULL, e);
    sbuf_free(&more);
    return rc;
}

int put_untagged(const struct scale *scale, struct meta_txn *txn, uint64_t i, struct err *e)
{
    return put_image(scale, txn, "scale/untagged", "untagged", i, NULL, NULL, e);
}
