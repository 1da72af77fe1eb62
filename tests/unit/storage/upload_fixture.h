/* A fresh data directory with blobs and uploads, and short words for what tests do with sessions. */
#ifndef BERTH_TEST_UPLOAD_FIXTURE_H
#define BERTH_TEST_UPLOAD_FIXTURE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/upload.h"
#include "tests/unit/test.h"

#define REPOSITORY STR("team/app")
#define OWNER      STR("alice")

static const char *root;
static struct blob_store *blobs;
static struct uploads *uploads;
static char last_id[UPLOAD_ID_LENGTH + 1];

static inline void open_uploads(void)
{
    struct err e = {0};

    root = test_dir();
    blobs = blob_store_open(root, &e);
    CHECK_TEXT(e.text, "");
    uploads = uploads_open(root, blobs, &e);
    CHECK_TEXT(e.text, "");
}

static inline void close_uploads(void)
{
    uploads_close(&uploads);
    blob_store_close(&blobs);
    CHECK(uploads == NULL && blobs == NULL);
}

/* An orderly restart. */
static inline void restart_uploads(void)
{
    uploads_close(&uploads);
    uploads = uploads_open(root, blobs, NULL);
    CHECK(uploads != NULL);
}

static inline struct upload *create(enum digest_alg alg)
{
    struct upload *u = NULL;
    struct err e = {0};

    upload_create(uploads, REPOSITORY, OWNER, alg, &u, &e);
    CHECK_TEXT(e.text, "");
    memcpy(last_id, upload_id(u), sizeof(last_id));
    return u;
}

/* As after SIGKILL: what is held now writes no checkpoint before the next life begins. */
static inline void crash_uploads(void)
{
    static struct uploads *dead[32]; /* kept reachable, for the leak checker */
    static size_t deaths;

    CHECK(deaths < sizeof(dead) / sizeof(dead[0]));
    dead[deaths++] = uploads;
    uploads = uploads_open(root, blobs, NULL);
    CHECK(uploads != NULL);
}

/* The last created session. */
static inline struct upload *acquire(void)
{
    struct upload *u = NULL;
    struct err e = {0};

    upload_acquire(uploads, str_of(last_id), REPOSITORY, OWNER, &u, &e);
    CHECK_TEXT(e.text, "");
    return u;
}

static inline void append(struct upload *u, const void *bytes, size_t n)
{
    struct err e = {0};
    char *copy = xmalloc(n + 1);
    struct iovec span = {.iov_base = memcpy(copy, bytes, n), .iov_len = n};

    upload_append(u, &span, 1, &e);
    free(copy);
    CHECK_TEXT(e.text, "");
}

/* -1 and the error's text in `text` when there is no such session. */
static inline long long offset_of(struct str repository, struct str owner, struct err *e)
{
    uint64_t offset = 0;

    return upload_status(uploads, str_of(last_id), repository, owner, &offset, e) == 0 ? (long long)offset : -1;
}

static inline void check_finish(struct upload *u, enum digest_alg alg, const void *bytes, size_t n)
{
    struct digest d;
    struct err e = {0};
    uint64_t size = 12345;
    int fd = -1;

    digest_of(alg, bytes, n, &d);
    upload_finish(&u, &d, &size, &e);
    CHECK_TEXT(e.text, "");
    CHECK(u == NULL);
    CHECK_INT(size, n);
    CHECK_INT(blob_open(blobs, &d, &fd, &size, &e), 0);
    close(fd);
    CHECK_INT(size, n);
}

static inline const char *path_of(const char *suffix)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/uploads/%s%s", root, last_id, suffix);
    return path;
}

static inline int files_in_uploads(void)
{
    char path[512];
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof(path), "%s/uploads", root);
    dir = opendir(path);
    CHECK(dir != NULL);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* Overwrite one byte of a file. */
static inline void damage(const char *path, off_t at, int byte)
{
    FILE *f = fopen(path, "r+");

    CHECK(f != NULL);
    CHECK_INT(fseeko(f, at, SEEK_SET), 0);
    fputc(byte, f);
    CHECK_INT(fclose(f), 0);
}

#endif
