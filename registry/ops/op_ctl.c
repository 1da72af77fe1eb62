/*
 * `berth ctl`: asks the server that runs how it is, and tells it what may change while it serves (../served.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/log.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/config/duration.h"
#include "registry/ops/operations.h"
#include "registry/served.h"

enum { POLL_MS = 50, WAIT_MOST_MS = 24 * 60 * 60 * 1000 };

/* ---- status ---- */

/* Lines "key: value", or the members of a JSON object. */
struct report {
    bool json;
    struct sbuf text;
};

static void put_key(struct report *r, const char *key)
{
    if (r->json)
        sbuf_printf(&r->text, "%s\"%s\":", r->text.n == 0 ? "{" : ",", key);
    else
        sbuf_printf(&r->text, "%s%-20s ", r->text.n == 0 ? "" : "\n", key);
}

static void put_text(struct report *r, const char *key, const char *text)
{
    put_key(r, key);
    if (r->json)
        sbuf_json(&r->text, str_of(text));
    else
        sbuf_printf(&r->text, "%s", text);
}

static void put_number(struct report *r, const char *key, int64_t number)
{
    put_key(r, key);
    sbuf_printf(&r->text, "%" PRId64, number);
}

static void put_bool(struct report *r, const char *key, bool value)
{
    put_key(r, key);
    sbuf_printf(&r->text, "%s", r->json ? (value ? "true" : "false") : value ? "yes" : "no");
}

static void put_server(struct report *r, const struct op *op, struct served_status *s)
{
    put_text(r, "version", BERTH_VERSION);
    put_text(r, "root_directory", op->config->root_directory);
    put_text(r, "configuration", op->config->source == NULL ? "the environment and the defaults" : op->config->source);
    put_text(r, "address", s->addr);
    put_bool(r, "tls", s->tls);
    put_text(r, "beside", sbuf_text(&s->beside));
    put_number(r, "uptime_seconds", (int64_t)s->uptime_s);
}

static void put_state(struct report *r, const struct op *op, struct served_status *s)
{
    put_bool(r, "ready", !s->drained && !s->stopping && s->healthy);
    put_bool(r, "draining", s->drained || s->stopping);
    put_key(r, "failing_checks");
    sbuf_printf(&r->text, "%s", sbuf_text(&s->failing));
    put_bool(r, "readonly", s->readonly);
    put_bool(r, "readonly_at_start", op->config->readonly);
    put_text(r, "log_level", log_level_name(log_level()));
}

static void put_load(struct report *r, const struct served_status *s)
{
    put_number(r, "connections", (int64_t)s->connections);
    put_number(r, "connections_limit", (int64_t)s->connections_most);
    put_number(r, "uploads", (int64_t)s->uploads);
    put_number(r, "queue_disk", (int64_t)s->queue_disk);
    put_number(r, "queue_commit", (int64_t)s->queue_commit);
    put_number(r, "queue_passwords", (int64_t)s->queue_hash);
    put_number(r, "queue_suspects", (int64_t)s->queue_suspect);
}

static void put_rest(struct report *r, struct served_status *s)
{
    static const char *const works[] = {[SERVED_WORK_OFF] = "off",
                                        [SERVED_WORK_RESTS] = "resting",
                                        [SERVED_WORK_HELD] = "held: read-only",
                                        [SERVED_WORK_GOES_ON] = "at work"};
    char end[CLOCK_TEXT_ROOM];

    if (s->tls) {
        clock_text((int64_t)clock_wall_s() + s->certificate_left_s, end);
        put_text(r, "certificate_ends", end);
    }
    put_text(r, "rules_source", sbuf_text(&s->rules_source));
    put_number(r, "rules", (int64_t)s->rules);
    put_text(r, "sweeper", works[s->sweeper]);
    put_text(r, "scrubber", works[s->scrubber]);
}

static int tell_status(struct op *op, int *status, struct err *e)
{
    struct report r = {.json = op->call->given[OPTION_JSON]};
    struct served_status s;

    (void)e;
    *status = EXIT_DONE;
    served_status(op->server, &s);
    put_server(&r, op, &s);
    put_state(&r, op, &s);
    put_load(&r, &s);
    put_rest(&r, &s);
    served_status_free(&s);
    if (r.json)
        sbuf_printf(&r.text, "}");
    op_print_str(op, (struct str){r.text.p, r.text.n});
    sbuf_free(&r.text);
    return 0;
}

/* ---- switches ---- */

static int misused(int *status, struct err *e, const char *text)
{
    *status = EXIT_USAGE;
    return err_set(e, ERR_INVALID, "%s", text);
}

static int switch_readonly(struct op *op, int *status, struct err *e)
{
    const char *to = op->call->arguments[1];
    bool on = strcmp(to, "on") == 0;

    if (!on && strcmp(to, "off") != 0)
        return misused(status, e, "write `berth ctl read-only on` or `off`");
    if (served_set_readonly(op->server, on, e) != 0)
        return -1;
    log_info("read-only: %s", to);
    op_print(op,
             on ? "read-only: writes that begin from now on are refused with 405; what is under way ends" : "writable");
    if (on != op->config->readonly)
        op_print(op, "after a restart it is %s again, as the configuration says (storage.maintenance.readonly)",
                 on ? "writable" : "read-only");
    return 0;
}

static int switch_log_level(struct op *op, int *status, struct err *e)
{
    const char *to = op->call->arguments[1];
    enum log_level before = log_level(), level;

    if (!log_level_parse(str_of(to), &level))
        return misused(status, e, "write `berth ctl log-level error`, `warn`, `info` or `debug`");
    log_set_level(level < LOG_LEVEL_INFO ? LOG_LEVEL_INFO : level); /* that it becomes quiet is told */
    log_info("log level: %s, was %s", to, log_level_name(before));
    log_set_level(level);
    op_print(op, "log level: %s, was %s", to, log_level_name(before));
    return 0;
}

static int take_timeout(const struct op *op, uint64_t *ms, int *status, struct err *e)
{
    const char *text = option_value(op->call, OPTION_TIMEOUT, 0);
    uint64_t nanoseconds = 0;

    if (text != NULL && duration_parse(str_of(text), &nanoseconds, e) != 0) {
        *status = EXIT_USAGE;
        return err_wrap(e, "--timeout");
    }
    *ms = nanoseconds / 1000000;
    return *ms <= WAIT_MOST_MS ? 0 : misused(status, e, "--timeout: a day at the most");
}

static int drain(struct op *op, int *status, struct err *e)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    uint64_t ms = 0, until_ms;
    size_t left;

    if (take_timeout(op, &ms, status, e) != 0)
        return -1;
    served_set_drained(op->server, true);
    log_info("drained: not ready any more; connections end after the request under way");
    until_ms = clock_monotonic_ms() + ms;
    while ((left = served_connections(op->server)) > 0 && clock_monotonic_ms() < until_ms && !op_cancelled(op)) {
        op_progress(op, "%zu connections", left);
        nanosleep(&pause, NULL);
    }
    op_print(op, "not ready any more (/readyz), and every connection ends after its request; %zu connections are left",
             left);
    op_print(op, "it serves on until it is stopped; `berth ctl undrain` makes it ready again");
    *status = ms > 0 && left > 0 ? EXIT_REFUSED : EXIT_DONE;
    return 0;
}

static int undrain(struct op *op, int *status, struct err *e)
{
    (void)e;
    *status = EXIT_DONE;
    served_set_drained(op->server, false);
    log_info("ready again");
    op_print(op, "ready again");
    return 0;
}

/* ---- files ---- */

/* Each line as a remark; returns whether there was an error among them, and not only warnings. */
static bool tell_wrong(struct op *op, struct sbuf *wrong)
{
    struct str rest = {wrong->p, wrong->n};
    bool any = false;

    while (rest.n > 0) {
        size_t n = str_find(rest, '\n');

        any = any || str_starts(rest, STR("error: "));
        op_note(op, "%.*s", (int)n, rest.p);
        rest = str_from(rest, n + 1);
    }
    sbuf_free(wrong);
    return any;
}

static int reload(struct op *op, int *status, struct err *e)
{
    static const struct {
        unsigned bit;
        const char *name;
    } parts[] = {{SERVED_USERS, "users"}, {SERVED_RULES, "access rules"}, {SERVED_TLS, "certificates"}};
    struct sbuf wrong = {0}, fresh = {0};
    unsigned bits = served_reload(op->server, &wrong);

    (void)e;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if ((bits & parts[i].bit) != 0)
            sbuf_printf(&fresh, "%s%s", fresh.n == 0 ? "" : ", ", parts[i].name);
    op_print(op, "users, access rules and certificates were read again; new: %s",
             fresh.n == 0 ? "nothing" : sbuf_text(&fresh));
    sbuf_free(&fresh);
    if (tell_wrong(op, &wrong))
        *status = EXIT_REFUSED;
    return 0;
}

static int tell_rules(struct op *op, int *status, struct err *e)
{
    struct sbuf source = {0}, lines = {0};
    size_t n = served_rules(op->server, &source, &lines);

    (void)e;
    *status = EXIT_DONE;
    op_print(op, "%zu rules in force, from %s", n, sbuf_text(&source));
    if (lines.n > 0)
        op_print_str(op, (struct str){lines.p, lines.n - 1});
    sbuf_free(&lines);
    sbuf_free(&source);
    return 0;
}

static int reopen_logs(struct op *op, int *status, struct err *e)
{
    struct sbuf wrong = {0};
    unsigned n = served_reopen_logs(op->server, &wrong);

    (void)e;
    if (op->config->log_file == NULL && op->config->accesslog_file == NULL)
        op_print(op, "there are no log files: log.file and log.accesslog.file are not set");
    else
        op_print(op, "%u log files opened again", n);
    if (tell_wrong(op, &wrong))
        *status = EXIT_REFUSED;
    return 0;
}

/* ---- the words ---- */

static const struct {
    const char *word;
    int arguments; /* behind it */
    int (*run)(struct op *op, int *status, struct err *e);
} words[] = {
    {"status", 0, tell_status}, {"read-only", 1, switch_readonly},  {"drain", 0, drain},
    {"undrain", 0, undrain},    {"log-level", 1, switch_log_level}, {"reload", 0, reload},
    {"rules", 0, tell_rules},   {"reopen-logs", 0, reopen_logs},
};

int op_ctl(struct op *op, int *status, struct err *e)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(op->call->arguments[0], words[i].word) != 0)
            continue;
        if (op->call->argument_count - 1 == words[i].arguments)
            return words[i].run(op, status, e);
    }
    *status = EXIT_USAGE;
    return err_set(e, ERR_INVALID, "berth ctl takes %s", op->call->command->arguments);
}
