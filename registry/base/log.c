#include "registry/base/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/log_file.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static _Atomic(int) threshold = LOG_LEVEL_INFO;
static _Thread_local bool is_quiet;
static _Thread_local struct sbuf *echo;
static _Thread_local log_take *diverted; /* NULL: to stderr */
static _Thread_local void *diverted_context;
static enum log_format style = LOG_FORMAT_TEXT;
static struct sbuf constant_fields; /* already in the chosen format */

/* logfmt values are bare when they can be, quoted as JSON when they cannot. */
static void put_text_value(struct sbuf *line, struct str value)
{
    bool bare = value.n > 0;

    for (size_t i = 0; i < value.n && bare; i++)
        bare = value.p[i] > ' ' && value.p[i] < 0x7f && value.p[i] != '"' && value.p[i] != '=' && value.p[i] != '\\';
    if (bare)
        sbuf_str(line, value);
    else
        sbuf_json(line, value);
}

static void put_field(struct sbuf *line, const char *key, struct str value)
{
    if (style == LOG_FORMAT_JSON) {
        sbuf_put(line, ",", 1);
        sbuf_json(line, str_of(key));
        sbuf_put(line, ":", 1);
        sbuf_json(line, value);
    } else {
        sbuf_printf(line, " %s=", key);
        put_text_value(line, value);
    }
}

void log_init(enum log_level level, enum log_format format, const struct log_field *constant, size_t n)
{
    log_set_level(level);
    style = format;
    sbuf_free(&constant_fields);
    for (size_t i = 0; i < n; i++)
        put_field(&constant_fields, constant[i].key, constant[i].value);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

void log_quiet(bool quiet)
{
    is_quiet = quiet;
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (!str_eq(str_of(level_names[i]), name))
            continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

void log_echo(struct sbuf *out)
{
    echo = out;
}

void log_divert(log_take *take, void *context)
{
    diverted = take;
    diverted_context = context;
}

bool log_enabled(enum log_level level)
{
    if (is_quiet && level != LOG_LEVEL_ERROR)
        return false;
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void put_time(struct sbuf *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    sbuf_printf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the two below, and keeps lines apart */
static struct log_file *target;                          /* NULL: stderr */
static size_t dropped;

void log_to(struct log_file *file)
{
    pthread_mutex_lock(&lock);
    target = file;
    pthread_mutex_unlock(&lock);
}

/* On stderr nobody waits: a pipe that is writable takes PIPE_BUF bytes at once. */
static bool write_out(struct str line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (target != NULL)
        return log_file_append(target, line, NULL) == 0;
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0 && write(STDERR_FILENO, line.p, line.n) >= 0;
}

/* What there was no room for is told on the first line that fits again. */
static void tell_dropped(void)
{
    char text[80];
    int n = snprintf(text, sizeof(text),
                     style == LOG_FORMAT_JSON ? "{\"level\":\"warn\",\"msg\":\"%zu log lines dropped\"}\n"
                                              : "level=warn msg=\"%zu log lines dropped\"\n",
                     dropped);

    if (write_out((struct str){text, (size_t)n}))
        dropped = 0;
}

static void write_line(struct sbuf *line)
{
    if (line->n > PIPE_BUF) {
        line->n = PIPE_BUF;
        line->p[PIPE_BUF - 1] = '\n';
    }
    pthread_mutex_lock(&lock);
    if (!write_out((struct str){line->p, line->n}))
        dropped++;
    else if (dropped > 0)
        tell_dropped();
    pthread_mutex_unlock(&lock);
}

static void emit(enum log_level level, const struct log_field *fields, size_t n, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void emit(enum log_level level, const struct log_field *fields, size_t n, const char *fmt, va_list ap)
{
    struct sbuf line = {0};
    char message[1024];

    vsnprintf(message, sizeof(message), fmt, ap);
    if (diverted != NULL) {
        diverted(diverted_context, level, message);
        return;
    }
    if (echo != NULL && level <= LOG_LEVEL_WARN)
        sbuf_printf(echo, "%s: %s\n", level_names[level], message);
    sbuf_printf(&line, style == LOG_FORMAT_JSON ? "{\"time\":\"" : "time=");
    put_time(&line);
    sbuf_printf(&line,
                style == LOG_FORMAT_JSON ? "\",\"level\":\"%s\",\"msg\":" : " level=%s msg=", level_names[level]);
    sbuf_json(&line, str_of(message));
    for (size_t i = 0; i < n; i++)
        put_field(&line, fields[i].key, fields[i].value);
    sbuf_put(&line, constant_fields.p, constant_fields.n);
    sbuf_printf(&line, style == LOG_FORMAT_JSON ? "}\n" : "\n");
    write_line(&line);
    sbuf_free(&line);
}

#define DEFINE_LOG(name, level)        \
    void name(const char *fmt, ...)    \
    {                                  \
        va_list ap;                    \
                                       \
        if (!log_enabled(level))       \
            return;                    \
        va_start(ap, fmt);             \
        emit(level, NULL, 0, fmt, ap); \
        va_end(ap);                    \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warn, LOG_LEVEL_WARN)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_fields(enum log_level level, const struct log_field *fields, size_t n, const char *fmt, ...)
{
    va_list ap;

    if (!log_enabled(level))
        return;
    va_start(ap, fmt);
    emit(level, fields, n, fmt, ap);
    va_end(ap);
}
