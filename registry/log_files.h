/*
 * The files that the log and the access log are written to, where the configuration names some (log.file,
 * log.accesslog.file), and following them when they are moved away or removed (base/log_file.h).
 *
 * Thread: log_files_open() and log_files_close() are for the thread that starts and stops the server;
 * log_files_follow() for any.
 */
#ifndef BERTH_REGISTRY_LOG_FILES_H
#define BERTH_REGISTRY_LOG_FILES_H

#include "registry/base/err.h"
#include "registry/base/log_file.h"
#include "registry/config/config.h"

struct log_files;

/* From here on the log is in its file, if it has one. Errors name the key and say what to do. */
struct log_files *log_files_open(const struct config *config, struct err *e);
/* From here on it is on stderr. When nobody writes to the access log any more. */
void log_files_close(struct log_files **files);

/* NULL: stdout. */
struct log_file *log_files_access(const struct log_files *files);

/* Open those again that were moved away or removed, or with `force` all. What cannot be opened is logged, once unless it
 * is forced, and the file before stays in use. Returns how many were opened. */
unsigned log_files_follow(struct log_files *files, bool force);

#endif
