/*
 * What the tests of distribution's data share: a tree as that registry writes it, with whatever is odd planted in it, and
 * a data directory of ours beside it.
 */
#ifndef BERTH_TEST_OLD_FIXTURE_H
#define BERTH_TEST_OLD_FIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/distribution/takeover.h"
#include "storage/store.h"
#include "tests/unit/meta/meta_fixture.h"
#include "tests/unit/test.h"

struct old {
    char base[PATH_MAX / 8];
    char root[PATH_MAX / 4]; /* of ours */
    char tree[PATH_MAX / 4]; /* <base>/old/docker/registry/v2 */
    char source[PATH_MAX / 4];
    struct store *store;
    struct world world;

    struct takeover_options options;
    struct takeover_result result;
    struct err err;
    struct sbuf odd; /* "kind repository what: reason", a line each */
    unsigned asked, stop_at;
};

HELPER void note_odd(const struct oddity *o, void *arg)
{
    struct old *old = arg;

    sbuf_printf(&old->odd, "%s %.*s %s: %s\n", oddity_name(o->kind), (int)o->repository.n, o->repository.p, o->what,
                o->reason);
}

HELPER bool stop_now(void *arg)
{
    struct old *old = arg;

    return ++old->asked >= old->stop_at;
}

HELPER void old_open_store(struct old *old)
{
    old->store = store_open(old->root, &old->err);
    if (old->store == NULL)
        test_fail(__FILE__, __LINE__, "%s", old->err.text);
    old->world = (struct world){.meta = old->store->meta};
    old->world.reader = meta_reader_new(old->store->meta, &old->err);
    CHECK(old->world.reader != NULL);
}

HELPER void old_close_store(struct old *old)
{
    meta_reader_free(&old->world.reader);
    store_close(&old->store);
}

/* Without a store. */
HELPER void old_begin(struct old *old)
{
    *old = (struct old){.stop_at = UINT_MAX};
    snprintf(old->base, sizeof(old->base), "%s", test_dir());
    snprintf(old->root, sizeof(old->root), "%.400s/data", old->base);
    snprintf(old->source, sizeof(old->source), "%.400s/old", old->base);
    snprintf(old->tree, sizeof(old->tree), "%.400s/old/docker/registry/v2", old->base);
    old->options = (struct takeover_options){.source = old->source,
                                             .verify = true,
                                             .threads = 2,
                                             .odd = note_odd,
                                             .arg = old,
                                             .interrupt = {.wanted = stop_now, .arg = old}};
}

HELPER void old_end(struct old *old)
{
    old_close_store(old);
    sbuf_free(&old->odd);
}

/* A file below v2/, with its directories. `path` is a format. */
__attribute__((format(printf, 3, 4), unused)) static void old_write(const struct old *old, struct str bytes,
                                                                    const char *path, ...)
{
    char full[2 * PATH_MAX];
    va_list args;
    size_t n = (size_t)snprintf(full, sizeof(full), "%s/", old->tree);
    FILE *file;

    va_start(args, path);
    vsnprintf(full + n, sizeof(full) - n, path, args);
    va_end(args);
    *strrchr(full, '/') = '\0';
    CHECK_INT(file_mkdirs(full, 0755, NULL), 0);
    full[strlen(full)] = '/';
    file = fopen(full, "w");
    CHECK(file != NULL && fwrite(bytes.p, 1, bytes.n, file) == bytes.n);
    fclose(file);
}

HELPER struct digest old_blob(const struct old *old, struct str bytes)
{
    char text[DIGEST_TEXT_MAX];
    struct digest d;

    digest_of(DIGEST_SHA256, bytes.p, bytes.n, &d);
    digest_format(&d, text);
    old_write(old, bytes, "blobs/sha256/%.2s/%s/data", text + 7, text + 7);
    return d;
}

/* The link below a repository's folder: "_layers", "_manifests/revisions". */
HELPER void old_link(const struct old *old, const char *repository, const char *folder, const struct digest *path,
                     const struct digest *target)
{
    char text[DIGEST_TEXT_MAX], to[DIGEST_TEXT_MAX];

    digest_format(path, text);
    digest_format(target, to);
    old_write(old, str_of(to), "repositories/%s/%s/%s/%s/link", repository, folder, digest_alg_name(path->alg),
              strchr(text, ':') + 1);
}

HELPER struct digest old_layer(const struct old *old, const char *repository, const char *bytes)
{
    struct digest d = old_blob(old, str_of(bytes));

    old_link(old, repository, "_layers", &d, &d);
    return d;
}

/* `current` and the entry of `index`. */
HELPER void old_tag(const struct old *old, const char *repository, const char *tag, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX], folder[256];

    digest_format(d, text);
    snprintf(folder, sizeof(folder), "_manifests/tags/%s/index", tag);
    old_link(old, repository, folder, d, d);
    old_write(old, str_of(text), "repositories/%s/_manifests/tags/%s/current/link", repository, tag);
}

/* A revision of these bytes. */
HELPER struct digest old_revision(const struct old *old, const char *repository, const char *bytes)
{
    struct digest d = old_blob(old, str_of(bytes));

    old_link(old, repository, "_manifests/revisions", &d, &d);
    return d;
}

/* The text of an image of one config and no layers. `more` begins with a comma, or is empty. */
HELPER const char *image_text(const struct digest *config, size_t size, const char *more)
{
    static char text[2048];
    char digest[DIGEST_TEXT_MAX];

    digest_format(config, digest);
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
             "\"%s\",\"size\":%zu},\"layers\":[]%s}",
             digest, size, more);
    return text;
}

/* An image whose config is `content`, tagged unless `tag` is NULL. */
HELPER struct digest old_image(const struct old *old, const char *repository, const char *tag, const char *content)
{
    struct digest config = old_layer(old, repository, content);
    struct digest d = old_revision(old, repository, image_text(&config, strlen(content), ""));

    if (tag != NULL)
        old_tag(old, repository, tag, &d);
    return d;
}

/* When the link was written. */
HELPER void old_date(const struct old *old, const char *path, int64_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    char full[2 * PATH_MAX];

    snprintf(full, sizeof(full), "%s/repositories/%s", old->tree, path);
    CHECK_INT(utimensat(AT_FDCWD, full, times, 0), 0);
}

/* ---- what came of it ---- */

HELPER int take_over(struct old *old)
{
    old->asked = 0;
    old->odd.n = 0;
    return takeover_run(old->store, &old->options, &old->result, &old->err);
}

HELPER void take_over_well(struct old *old)
{
    if (take_over(old) != 0)
        test_fail(__FILE__, __LINE__, "%s", old->err.text);
}

HELPER void check_odd(struct old *old, const char *line)
{
    if (strstr(sbuf_text(&old->odd), line) == NULL)
        test_fail(__FILE__, __LINE__, "not among what is odd: %s\n%s", line, sbuf_text(&old->odd));
}

HELPER bool has_tag(struct old *old, const char *repository, const char *tag, struct digest *out)
{
    struct manifest_view view;
    bool there = meta_tag_get(look(&old->world), str_of(repository), str_of(tag), &view, NULL) == 0;

    if (there)
        *out = view.digest;
    meta_done(old->world.reader);
    return there;
}

HELPER bool has_manifest(struct old *old, const char *repository, const struct digest *d)
{
    struct manifest_view view;
    bool there = meta_manifest_get(look(&old->world), str_of(repository), d, &view, NULL) == 0;

    meta_done(old->world.reader);
    return there;
}

HELPER bool holds_blob(struct old *old, const char *repository, const struct digest *d)
{
    struct blob_info info;
    bool there = meta_blob_get(look(&old->world), str_of(repository), d, &info, NULL) == 0;

    meta_done(old->world.reader);
    return there;
}

#endif
