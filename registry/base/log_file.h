/*
 * A file that lines are appended to and that may be moved away or removed while that goes on, as logrotate does: then its
 * name is opened again, and no line is lost on the way.
 *
 * It is opened for appending only, is made with mode 0640, and has to be a regular file: where the last part of its name
 * is a link it is refused, because who may write to the directory of a log could lead a server to other files with one.
 *
 * Thread: any. Appending waits for the disk as any write does.
 */
#ifndef BERTH_BASE_LOG_FILE_H
#define BERTH_BASE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct log_file;

/* `key`, a literal, is the configuration's name of it, for errors; `path` is copied. */
struct log_file *log_file_open(const char *key, const char *path, struct err *e);
void log_file_close(struct log_file **file);

/* Append whole lines. Returns how many of them are not there, because the disk is full say; `e` has the reason then. Of
 * a line all is there, or nothing. */
size_t log_file_append(struct log_file *file, struct str lines, struct err *e);

/* Open the name again when it leads to another file by now or to none, or anyway when `force` is set. 1: a new one is
 * in use; 0: there was no need; -1: it cannot be opened, and the one before stays in use. */
int log_file_follow(struct log_file *file, bool force, struct err *e);

#endif
