/*
 * Reading the data directory of the CNCF distribution registry.
 *
 *   <root>/docker/registry/v2/blobs/<alg>/<2 digits>/<hex>/data
 *   <root>/docker/registry/v2/repositories/<name>/_layers/<alg>/<hex>/link
 *                                                /_manifests/revisions/<alg>/<hex>/link
 *                                                /_manifests/tags/<tag>/current/link
 *                                                /_manifests/tags/<tag>/index/<alg>/<hex>/link
 *
 * A link holds a digest. Names nest, so a repository is any directory with `_manifests` or `_layers` in it. Nothing in
 * there is trusted: links are short, names are checked, symbolic links are never followed below the directory that the
 * caller named, and what does not belong there is told as an oddity and passed over. Another server may write meanwhile:
 * what vanishes is no oddity. Walks stream: their memory does not grow with what they walk over.
 *
 * Thread: a layout does not change once it is open, but for `odd`, which runs in the thread that walks. All may block.
 */
#ifndef BERTH_STORAGE_LAYOUT_H
#define BERTH_STORAGE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/digest.h"
#include "storage/reference.h"

/* What is not as it should be, by its consequence. oddity_name() has the words for programs. */
enum oddity_kind {
    ODD_NAME,             /* a directory that cannot be a repository or a tag */
    ODD_LINK,             /* a link that is none, or a file in the place of a directory, or the other way round */
    ODD_BLOB_MISSING,     /* held by a repository, and its file is not there */
    ODD_BLOB_DAMAGED,     /* it cannot be read, or has another digest */
    ODD_MANIFEST_MISSING, /* a revision without its file */
    ODD_MANIFEST_DAMAGED,
    ODD_MANIFEST_REFUSED, /* Berth does not hold such a manifest, or something that it names is not there */
    ODD_INDEX_INCOMPLETE, /* taken, but some of its images are not there */
    ODD_TAG_DANGLING,     /* its manifest is not there */
    ODD_TAG_NEWER,        /* moved or deleted here since: left as it is */
    ODD_REPOSITORY_EMPTY, /* nothing in it */
    ODD_KINDS,
};

struct oddity {
    enum oddity_kind kind;
    struct str repository; /* empty: of none */
    const char *what;      /* a digest, a tag, or a path below v2/; of strangers, unless it is a digest */
    const char *reason;    /* a sentence */
};

typedef void oddity_cb(const struct oddity *oddity, void *arg);

/* "blob-missing". */
const char *oddity_name(enum oddity_kind kind);

struct layout {
    char *path;       /* of v2/, for people */
    int top;          /* v2/ */
    int blobs;        /* -1: there is none */
    int repositories; /* -1: there is none */
    oddity_cb *odd;   /* or NULL */
    void *arg;
};

/* `source` is the directory that holds docker/registry/v2, or one on the way down to v2. ERR_NOT_FOUND and ERR_INVALID
 * say what was expected. `layout` is valid, and to be closed, only after success. */
int layout_open(struct layout *layout, const char *source, oddity_cb *odd, void *arg, struct err *e);
void layout_close(struct layout *layout);
/* Is there anything below repositories/? */
bool layout_holds_any(const struct layout *layout);

void layout_odd(const struct layout *layout, enum oddity_kind kind, struct str repository, const char *what,
                const char *reason);

/* Opens `path` below `dir` part by part, none of which may be a symbolic link (ELOOP or ENOTDIR then). A descriptor, or
 * -1 with errno. */
int layout_open_below(int dir, const char *path, int flags);

/* 0, or -1 with an error, which ends the walk. */
typedef int layout_repository_cb(struct str name, void *arg, struct err *e);
/* All repositories whose names are legal, in no order. */
int layout_repositories(const struct layout *layout, layout_repository_cb *visit, void *arg, struct err *e);

/* ---- what a repository has ---- */

enum layout_links { LAYOUT_LAYERS, LAYOUT_REVISIONS };

struct layout_entry {
    struct digest name; /* as the path has it */
    int dir;            /* <alg>/ */
    const char *hex;    /* the directory in it that has the link */
};
typedef int layout_entry_cb(const struct layout_entry *entry, void *arg, struct err *e);
/* All entries whose paths are digests; their links are not read yet. */
int layout_links(const struct layout *layout, struct str repository, enum layout_links which, layout_entry_cb *visit,
                 void *arg, struct err *e);

/* Only names that are tags. `dir` is the tag's own directory. */
typedef int layout_tag_cb(const char *tag, int dir, void *arg, struct err *e);
int layout_tags(const struct layout *layout, struct str repository, layout_tag_cb *visit, void *arg, struct err *e);
/* The older digests of a tag: as layout_links(). */
int layout_tag_index(const struct layout *layout, struct str repository, int dir, layout_entry_cb *visit, void *arg,
                     struct err *e);

/* How many entries the above would visit at most, without a look at them. */
struct layout_count {
    uint64_t layers;
    uint64_t revisions;
    uint64_t tags;
};
void layout_count(const struct layout *layout, struct str repository, struct layout_count *add);

struct layout_link {
    struct digest target;
    uint64_t written; /* wall-clock seconds */
    bool untidy;      /* there is more in it than the digest: a line end, say */
};
/* The link file `path` below `dir`. ERR_NOT_FOUND: there is none (what it named was deleted); ERR_INVALID: it is no
 * link, or not to be read. */
int layout_link(int dir, const char *path, struct layout_link *out, struct err *e);

/* ---- blobs ---- */

struct layout_blob {
    int dir; /* that holds `data`; the caller closes it */
    struct stat st;
};
#define LAYOUT_DATA "data"
/* ERR_NOT_FOUND: no such file. ERR_DAMAGED: what is there is no file, or cannot be reached. */
int layout_blob_find(const struct layout *layout, const struct digest *d, struct layout_blob *out, struct err *e);
/* The same, open for reading. ERR_DENIED: this user may not. */
int layout_blob_open(const struct layout *layout, const struct digest *d, int *fd, struct stat *st, struct err *e);

#endif
