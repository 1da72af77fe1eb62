/*
 * A file that is followed: read again when it changes, while the program runs.
 *
 * What is in force stays in force until a new version has been read in full and adopted; whatever is wrong with a new
 * version is logged once. Three things need care:
 *   - the stamp of a file may not change although its bytes did (registry/base/file_stamp.h);
 *   - a program that truncates a file and writes in place can be met half-way. A version that does not look finished is
 *     adopted only when the next look finds the same bytes;
 *   - the same bytes are not adopted twice, and not refused twice.
 *
 * Thread: one at a time; blocks. The callbacks run in the calling thread.
 */
#ifndef BERTH_BASE_FOLLOW_H
#define BERTH_BASE_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* What kind of file it is; outlives what follows it. */
struct follow_kind {
    const char *what;  /* starts a log line: "user file" */
    const char *keeps; /* ends one about a file that cannot be adopted: "the users known before stay in force" */
    size_t limit;      /* bytes; a longer file is refused */
    /* Do the bytes look like a whole file? NULL: they always do. */
    bool (*finished)(struct str bytes);
    /* Put the bytes in force, or leave what is in force as it is and return -1 with an error that names the file. */
    int (*adopt)(void *argument, struct str bytes, struct err *e);
};

/* "Ends in a newline", for `finished`: right for files of lines, and for PEM. */
bool follow_ends_in_newline(struct str bytes);

struct followed;

/* Nothing is read yet. `path` is copied; `argument` is handed to adopt(). */
struct followed *follow_new(const char *path, const struct follow_kind *kind, void *argument);
void follow_free(struct followed **followed);

/* The first reading: adopts the file as it is, or returns what is wrong with it without logging it. ERR_NOT_FOUND when
 * it is not there. May be called again when it failed. */
int follow_first(struct followed *followed, struct err *e);
/* Read and adopt the file if it changed; with `force`, finished or not, changed in stamp or not, and refused again if
 * it was refused. The bytes in force are not adopted again. Returns whether new ones were adopted. */
bool follow_refresh(struct followed *followed, bool force);

#endif
