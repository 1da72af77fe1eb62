#include "tools/trust/trust_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* tools */
#include "tools/trust/trust_child.h"
#include "tools/trust/trust_daemon.h"
#include "registry/base/clock.h"

enum { TICK_MS = 20 };

struct job {
    struct trust_result *result; /* NULL: idle */
    struct trust_child child;
    struct sbuf script;
    enum trust_action step;
    uint64_t deadline; /* of clock_monotonic_ms() */
};

struct run {
    const struct trust_request *request;
    const struct trust_ways *ways;
    struct job *jobs;
    size_t done, total;
};

/* --- what is wrong with a host --- */

static const struct {
    const char *words; /* in the last line of standard error */
    const char *remedy;
} remedies[] = {
    {"Host key verification failed", "check the host's key, and accept it once with ssh or add it to known_hosts"},
    {"Permission denied", "give a key that the host accepts with --identity, or load it into ssh-agent"},
    {"password is required", "allow that user sudo without a password (NOPASSWD), or connect as root"},
    {"terminal is required", "allow that user sudo without a password (NOPASSWD), or connect as root"},
    {"must have a tty to run sudo", "take requiretty away for that user, or connect as root"},
    {"may not run sudo", "let that user run sudo, or connect as root"},
    {"is not in the sudoers file", "let that user run sudo, or connect as root"},
    {"Could not resolve hostname", "check the name, or give the address"},
};

static const char *remedy_of(const char *words)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (strstr(words, remedies[i].words) != NULL)
            return remedies[i].remedy;
    return NULL;
}

static void explain(const struct job *job, struct sbuf *out)
{
    struct str words = trust_child_last_words(&job->child);
    const char *remedy;
    struct sbuf clean = {0};
    int status = job->child.status;

    trust_clean(words, TRUST_TEXT_MAX / 2, &clean);
    if (job->result->report.began)
        sbuf_str(out, STR("it stopped before its end"));
    else if (words.n == 0)
        sbuf_str(out, STR("it did not answer"));
    if (words.n == 0 && WIFEXITED(status))
        sbuf_printf(out, " (exit status %d)", WEXITSTATUS(status));
    else if (words.n == 0 && WIFSIGNALED(status))
        sbuf_printf(out, " (signal %d)", WTERMSIG(status));
    else if (job->result->report.began)
        sbuf_str(out, STR(": "));
    remedy = remedy_of(sbuf_text(&clean));
    while (remedy != NULL && clean.n > 0 && clean.p[clean.n - 1] == '.')
        clean.n--;
    sbuf_put(out, clean.p, clean.n);
    if (remedy != NULL)
        sbuf_printf(out, ": %s", remedy);
    sbuf_free(&clean);
}

/* A host that ended its step without an error of its own must also have said something else that fits its end. */
static void doubt(const struct run *run, struct trust_report *report)
{
    bool checks = run->request->action == TRUST_CHECK;

    if (trust_report_problem(report) != NULL)
        return;
    if (checks && trust_report_checks(report, NULL) == 0)
        trust_report_error(report, "it says that it is done, but not what it checked");
    else if (report->failed && trust_report_checks(report, "refused") == 0)
        trust_report_error(report, "it says that something failed, but not what");
}

static void complain(struct job *job, bool late)
{
    struct sbuf text = {0};

    if (late)
        sbuf_str(&text, STR("it did not end in time (--timeout)"));
    else if (trust_child_floods(&job->child))
        sbuf_printf(&text, "it said more than %d MiB and was stopped", TRUST_SAYS_MAX >> 20);
    else
        explain(job, &text);
    trust_report_error(&job->result->report, sbuf_text(&text));
    sbuf_free(&text);
}

bool trust_result_good(const struct trust_result *result)
{
    for (size_t i = 0; i < result->report.n; i++) {
        const struct trust_entry *entry = &result->report.entries[i];

        if (entry->tag == TAG_ERROR || (entry->tag == TAG_CHECK && strcmp(entry->words[2], "trusted") != 0))
            return false;
    }
    return result->report.done;
}

/* --- daemon.json --- */

static const char *daemon_path(const struct trust_report *report)
{
    for (size_t i = 0; i < report->n; i++)
        if (report->entries[i].tag == TAG_DAEMON_FILE)
            return report->entries[i].words[1];
    return "daemon.json";
}

/* Change the list by all names of the registry. */
static int edit_daemon(const struct trust_request *request, const struct trust_report *report, bool *changed,
                       struct sbuf *out, struct err *e)
{
    const struct trust_registry *registry = request->registry;
    struct sbuf text = {0}, next = {0};
    bool once = false;
    int rc = 0;

    *changed = false;
    sbuf_put(&text, report->daemon.p, report->daemon.n);
    for (size_t i = 0; i < registry->name_count && rc == 0; i++) {
        struct str now_there = {text.p, text.n};

        rc = (request->action == TRUST_INSTALL ? trust_daemon_add : trust_daemon_remove)(now_there, registry->names[i],
                                                                                         &once, &next, e);
        if (rc == 0 && once) {
            struct sbuf old = text;

            text = next;
            next = old;
            *changed = true;
        }
        next.n = 0;
    }
    if (rc == 0 && *changed)
        sbuf_put(out, text.p, text.n);
    sbuf_free(&text);
    sbuf_free(&next);
    return rc == 0 ? 0 : err_wrap(e, "%s", daemon_path(report));
}

/* --- steps --- */

static void free_script(struct job *job)
{
    if (job->script.p != NULL)
        explicit_bzero(job->script.p, job->script.n); /* the client's key is in it */
    sbuf_free(&job->script);
    job->script = (struct sbuf){0};
}

static void start_step(const struct run *run, struct job *job, enum trust_action step, const char *daemon)
{
    const struct trust_target *target = job->result->target;
    const char *arguments[TRUST_ARGUMENTS_MAX];
    struct trust_report *report = &job->result->report;
    struct err e;

    job->step = step;
    job->deadline = clock_monotonic_ms() + (uint64_t)run->ways->timeout * 1000;
    report->began = report->done = report->failed = false;
    trust_script_put(run->request, step, daemon, daemon == NULL ? NULL : sbuf_text(&report->daemon), &job->script);
    trust_target_command(target, &run->ways->ssh, run->request->root[0] == '\0', arguments);
    if (trust_child_start(&job->child, arguments, (struct str){job->script.p, job->script.n},
                          target->reach == REACH_LOCAL || !run->ways->ssh.may_ask, &e) != 0)
        trust_report_error(report, e.text);
}

/* The second step, if there is one. Returns false when the host is done. */
static bool go_on(const struct run *run, struct job *job)
{
    struct trust_report *report = &job->result->report;
    struct sbuf text = {0};
    bool changed = false, again;
    struct err e;

    if (!report->done || trust_report_problem(report) != NULL || !report->daemon_seen ||
        (job->step != TRUST_READ && job->step != TRUST_REMOVE))
        return false;
    if (edit_daemon(run->request, report, &changed, &text, &e) != 0) {
        trust_report_error(report, e.text);
        return false;
    }
    again = changed || job->step == TRUST_READ;
    if (again) {
        const char *daemon = changed ? sbuf_text(&text) : NULL;

        free_script(job);
        start_step(run, job, job->step == TRUST_READ ? TRUST_INSTALL : TRUST_DAEMON, daemon);
    }
    sbuf_free(&text);
    return again;
}

static void begin(const struct run *run, struct job *job, struct trust_result *result)
{
    const struct trust_request *request = run->request;

    job->result = result;
    start_step(run, job, request->action == TRUST_INSTALL && request->insecure ? TRUST_READ : request->action, NULL);
}

static void attend(struct run *run, struct job *job)
{
    struct trust_report *report = &job->result->report;
    bool ended = job->child.out < 0 && job->child.pid == 0;
    bool late = clock_monotonic_ms() > job->deadline;

    if (!ended)
        ended = trust_child_pump(&job->child, report);
    if (!ended && !late && !trust_child_floods(&job->child))
        return;
    trust_child_stop(&job->child);
    if (report->done)
        doubt(run, report);
    else if (trust_report_problem(report) == NULL)
        complain(job, late && !ended);
    if (go_on(run, job))
        return;
    free_script(job);
    run->done++;
    if (run->ways->progress != NULL)
        run->ways->progress(run->request, job->result, run->done, run->total);
    job->result = NULL;
}

static void wait_a_little(const struct run *run)
{
    struct pollfd *fds = xmalloc((size_t)run->ways->jobs * TRUST_CHILD_FDS * sizeof(*fds));
    nfds_t n = 0;

    for (unsigned i = 0; i < run->ways->jobs; i++)
        if (run->jobs[i].result != NULL)
            n += trust_child_wants(&run->jobs[i].child, fds + n);
    poll(fds, n, TICK_MS); /* not longer: the end of a process makes no descriptor ready */
    free(fds);
}

void trust_run(const struct trust_request *request, const struct trust_targets *targets, const struct trust_ways *ways,
               struct trust_result *results)
{
    struct run run = {.request = request, .ways = ways, .total = targets->n};
    size_t next = 0;

    signal(SIGPIPE, SIG_IGN);
    run.jobs = xcalloc(ways->jobs, sizeof(*run.jobs));
    while (run.done < run.total) {
        for (unsigned i = 0; i < ways->jobs && next < run.total; i++) {
            if (run.jobs[i].result == NULL) {
                results[next].target = &targets->items[next];
                begin(&run, &run.jobs[i], &results[next]);
                next++;
            }
        }
        wait_a_little(&run);
        for (unsigned i = 0; i < ways->jobs; i++)
            if (run.jobs[i].result != NULL)
                attend(&run, &run.jobs[i]);
    }
    free(run.jobs);
}
