/*
 * `berth health`: does the server that the configuration describes live? For the health check of a container, which is
 * started again and again: quick, small, and over in a given time whatever hangs.
 *
 * It asks the registry's own address, because that is what clients need; an answer with a status below 500 is a good
 * one, so a login that is wanted, say. Where only clients with certificates get in, http.debug tells more than a refusal;
 * without it a refusal shows that the loops turn.
 */
#include "registry/commands/commands.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/log.h"

/* registry */
#include "registry/config/address.h"
#include "registry/config/config.h"
#include "registry/config/duration.h"
#include "registry/health/probe.h"

enum { TIMEOUT_MS = 5000, TIMEOUT_MOST_MS = 10 * 60 * 1000, GRACE_MS = 200 };

struct verdict {
    bool healthy;
    const char *addr; /* that was asked */
    struct sbuf why;  /* a sentence */
};

/* ---- in time ---- */

/* Where a name is looked up or a file is read from a disk that hangs, no deadline of ours is looked at. */
static struct str last_words; /* set before the signal can come */

static void give_up(int number)
{
    (void)number;
    if (write(STDOUT_FILENO, last_words.p, last_words.n) < 0)
        _exit(EXIT_REFUSED);
    _exit(EXIT_REFUSED);
}

static void limit_time(uint64_t ms, bool json)
{
    const struct itimerval timer = {.it_value = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)}};

    last_words = json ? STR("{\"healthy\":false,\"why\":\"no answer in time\"}\n")
                      : STR("unhealthy: no answer in time\n");
    signal(SIGALRM, give_up);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static int take_timeout(const struct invocation *call, uint64_t *ms, struct err *e)
{
    const char *text = option_value(call, OPTION_TIMEOUT, 0);
    uint64_t nanoseconds;

    *ms = TIMEOUT_MS;
    if (text == NULL)
        return 0;
    if (duration_parse(str_of(text), &nanoseconds, e) != 0)
        return err_wrap(e, "--timeout");
    *ms = nanoseconds / 1000000;
    if (*ms == 0 || *ms > TIMEOUT_MOST_MS)
        return err_set(e, ERR_INVALID, "--timeout takes 1ms to 10m");
    return 0;
}

/* ---- asking ---- */

static void take_answer(const struct probe_answer *answer, struct verdict *verdict)
{
    verdict->healthy = answer->status < 500;
    if (answer->status == 0)
        sbuf_printf(&verdict->why, "asks for a client certificate, as it should");
    else
        sbuf_printf(&verdict->why, "answers %d", answer->status);
    if (!verdict->healthy && answer->body[0] != '\0')
        sbuf_printf(&verdict->why, ": %s", answer->body);
}

static void ask(const struct probe *probe, struct probe_answer *answer, struct verdict *verdict)
{
    struct err e;

    verdict->addr = probe->addr;
    verdict->healthy = false;
    verdict->why.n = 0;
    if (probe_ask(probe, answer, &e) != 0)
        sbuf_printf(&verdict->why, "%s", e.text);
    else
        take_answer(answer, verdict);
}

static void ask_debug(const struct config *config, uint64_t deadline_ms, struct verdict *verdict)
{
    const struct probe probe = {.addr = config->debug_addr, .target = "/debug/health", .deadline_ms = deadline_ms};
    struct probe_answer answer;

    ask(&probe, &answer, verdict);
}

static void ask_registry(const struct config *config, uint64_t deadline_ms, struct verdict *verdict)
{
    const struct probe probe = {.is_path = strcmp(config->http_net, "unix") == 0,
                                .addr = config->http_addr,
                                .tls = config->tls_certificate != NULL,
                                .target = "/v2/",
                                .deadline_ms = deadline_ms};
    struct probe_answer answer;

    ask(&probe, &answer, verdict);
    if (!verdict->healthy)
        return;
    if (answer.status == 0 && config->debug_addr != NULL) {
        ask_debug(config, deadline_ms, verdict);
    } else if (answer.status != 0 && !answer.is_registry) {
        verdict->healthy = false;
        sbuf_printf(&verdict->why, ", but is no registry; what else listens there?");
    }
}

/* A port that the kernel chooses is nothing that anybody could ask at. */
static bool has_port(const struct config *config)
{
    struct address address;
    struct err e;

    return strcmp(config->http_net, "unix") == 0 || address_parse(str_of(config->http_addr), true, &address, &e) != 0 ||
           !str_eq(address.port, STR("0"));
}

static void find_out(const struct config *config, uint64_t deadline_ms, struct verdict *verdict)
{
    if (has_port(config)) {
        ask_registry(config, deadline_ms, verdict);
    } else if (config->debug_addr != NULL) {
        ask_debug(config, deadline_ms, verdict);
    } else {
        verdict->addr = config->http_addr;
        sbuf_printf(&verdict->why, "http.addr names no port to ask at; give it one, or set http.debug.addr");
    }
}

/* ---- telling ---- */

static int tell(const struct invocation *call, const struct verdict *verdict, uint64_t took_ms)
{
    struct sbuf line = {0};
    struct str why = {verdict->why.p, verdict->why.n}, addr = str_of(verdict->addr);

    if (call->given[OPTION_JSON]) {
        sbuf_printf(&line, "{\"healthy\":%s,\"address\":", verdict->healthy ? "true" : "false");
        sbuf_json(&line, addr);
        sbuf_printf(&line, ",\"why\":");
        sbuf_json(&line, why);
        sbuf_printf(&line, ",\"milliseconds\":%" PRIu64 "}", took_ms);
    } else {
        sbuf_printf(&line, "%s: ", verdict->healthy ? "healthy" : "unhealthy");
        if (!str_starts(why, addr))
            sbuf_printf(&line, "%s ", verdict->addr);
        sbuf_str(&line, why);
    }
    puts(sbuf_text(&line));
    sbuf_free(&line);
    return verdict->healthy ? EXIT_DONE : EXIT_REFUSED;
}

int command_health(const struct invocation *call)
{
    uint64_t began_ms = clock_monotonic_ms(), timeout_ms;
    struct verdict verdict = {.addr = ""};
    struct config *config;
    struct err e = {0};
    int status;

    if (take_timeout(call, &timeout_ms, &e) != 0)
        return program_misused(call, &e);
    limit_time(timeout_ms + GRACE_MS, call->given[OPTION_JSON]);
    signal(SIGPIPE, SIG_IGN);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0); /* only the answer is wanted */
    config = config_load(call->argument_count > 0 ? call->arguments[0] : NULL, environ, &e);
    if (config != NULL)
        find_out(config, began_ms + timeout_ms, &verdict);
    else
        sbuf_printf(&verdict.why, "%s", e.text);
    status = tell(call, &verdict, clock_monotonic_ms() - began_ms);
    sbuf_free(&verdict.why);
    config_free(&config);
    return status;
}
