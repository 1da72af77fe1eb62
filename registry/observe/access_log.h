/*
 * The access log: one line per request on stdout, or in a file, in the combined format, with the request's id behind it.
 *
 * Thread: access_log_add() from any thread, never blocks: lines wait in memory for a thread of their own that writes
 * them. When nobody takes them (a full pipe) and the memory is used up, or a file's disk is full, lines are dropped and
 * their number is logged.
 */
#ifndef BERTH_OBSERVE_ACCESS_LOG_H
#define BERTH_OBSERVE_ACCESS_LOG_H

#include "registry/base/err.h"
#include "registry/base/log_file.h"
#include "registry/base/str.h"

struct access_log;

/* `file` outlives it; NULL: stdout. */
struct access_log *access_log_start(struct log_file *file, struct err *e);
/* Writes what is waiting, ends the thread, nulls. When nobody reads stdout it gives up after two seconds. */
void access_log_stop(struct access_log **log);
/* One line or more, each with its newline; copied. They come or are dropped together. */
void access_log_add(struct access_log *log, struct str lines);

#endif
