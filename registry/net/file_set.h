/*
 * Files that are followed while the server runs: read whole when one of them may have changed, and handed out only when
 * their bytes did.
 *
 * A set that could not be read or used is looked at again every time, and complained about once for each state of the
 * files: whoever uses the set says with file_set_read() and the `fresh` it returns when there is something to say.
 *
 * Thread: one at a time. Every function that reads may block.
 */
#ifndef BERTH_NET_FILE_SET_H
#define BERTH_NET_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

enum { FILE_SET_LIMIT = 16 << 20 }; /* bytes of one file */

struct file_set;

/* One file of the set. `text` is there between file_set_read() and file_set_forget(). */
struct file_of_set {
    const char *key; /* the configuration's, for errors: "http.tls.key" */
    const char *path;
    struct str text;
};

struct file_set *file_set_new(void);
void file_set_free(struct file_set **set);
/* `key` and `path` must outlive the set. */
void file_set_add(struct file_set *set, const char *key, const char *path);

/* Look at the files. Returns 1 when they were read and their bytes differ from the last time, or `force` is set; 0 when
 * there is nothing new; -1 when one cannot be read, with "KEY PATH: …". `fresh` is false when that very failure was
 * returned before. */
int file_set_read(struct file_set *set, bool force, bool *fresh, struct err *e);
/* Wipe and free the texts. */
void file_set_forget(struct file_set *set);

size_t file_set_count(const struct file_set *set);
const struct file_of_set *file_set_at(const struct file_set *set, size_t i);

#endif
