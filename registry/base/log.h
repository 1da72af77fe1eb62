/*
 * Logging: one line per event, text (logfmt) or JSON, on stderr or in a file.
 *
 * Severities by consequence: ERROR somebody must act; WARN something is off but served; INFO what an
 * operator wants to know of a healthy server; DEBUG for its developers. Secrets are never logged.
 *
 * A line is written whole or not at all, and logging never fails: what a full disk or a pipe that is not read leaves no
 * room for is dropped, and counted in a line of its own as soon as one fits again.
 *
 * Thread: log_init() before threads start; log_*() from any thread.
 */
#ifndef BERTH_BASE_LOG_H
#define BERTH_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/base/str.h"

struct log_file;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    struct str value;
};

/* `constant` fields (log.fields of the configuration) go onto every line; they are copied. */
void log_init(enum log_level level, enum log_format format, const struct log_field *constant, size_t n);
/* May be called at any time from any thread. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);
/* False: no level has this name. */
bool log_level_parse(struct str name, enum log_level *out);
bool log_enabled(enum log_level level);
/* Write to `file` from now on, which outlives that; NULL: to stderr. Any thread. */
void log_to(struct log_file *file);
/* The texts of the calling thread's warnings and errors are appended to `out` as well, a line each, "error: TEXT"; NULL: no more. */
void log_echo(struct sbuf *out);
/* While `quiet` the calling thread logs errors only: for what is done again and was logged the first time. */
void log_quiet(bool quiet);
/* The calling thread's lines go to `take` instead, without their fields, until it is NULL: for who wants to tell in his
 * own way what others would log. */
typedef void log_take(void *context, enum log_level level, const char *message);
void log_divert(log_take *take, void *context);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line with fields of its own. */
void log_fields(enum log_level level, const struct log_field *fields, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
