#include "tools/trust/trust_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400, COLUMN_MAX = 44 };

static const char *const actions[] = {
    [TRUST_INSTALL] = "install",
    [TRUST_CHECK] = "check",
    [TRUST_REMOVE] = "remove",
};

/* The words of a host's result. */
static const char *word_of(const struct trust_request *request, const struct trust_result *result)
{
    const struct trust_report *report = &result->report;

    if (!report->done || trust_report_problem(report) != NULL)
        return "failed";
    if (request->action == TRUST_CHECK)
        return trust_result_good(result) ? "trusted" : "not trusted";
    if (trust_report_count(report, "would-write") + trust_report_count(report, "would-remove") > 0)
        return "would change";
    if (trust_report_count(report, "written") > 0)
        return request->action == TRUST_INSTALL ? "installed" : "removed";
    if (trust_report_count(report, "removed") > 0)
        return "removed";
    return request->action == TRUST_INSTALL ? "unchanged" : "nothing there";
}

/* "docker, containerd: 4 written, 1 unchanged". */
static void put_summary(const struct trust_report *report, struct sbuf *out)
{
    static const char *const states[] = {"written", "removed", "unchanged", "would-write", "would-remove"};
    static const char *const words[] = {"written", "removed", "unchanged", "to write", "to remove"};
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++)
        if (report->entries[i].tag == TAG_FOUND)
            sbuf_printf(out, "%s%s", n++ == 0 ? "" : ", ", report->entries[i].words[0]);
    n = 0;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        size_t count = trust_report_count(report, states[i]);

        if (count > 0)
            sbuf_printf(out, "%s%zu %s", n++ > 0 ? ", " : out->n > 0 ? ": " : "", count, words[i]);
    }
}

void trust_print_progress(const struct trust_request *request, const struct trust_result *result, size_t done,
                          size_t total)
{
    const char *problem = trust_report_problem(&result->report);
    struct sbuf summary = {0};

    if (problem != NULL)
        sbuf_str(&summary, str_of(problem));
    else
        put_summary(&result->report, &summary);
    fprintf(stderr, "[%zu/%zu] %s: %s%s%s%s\n", done, total, result->target->text, word_of(request, result),
            summary.n == 0 ? "" : " (", sbuf_text(&summary), summary.n == 0 ? "" : ")");
    sbuf_free(&summary);
}

/* --- for people --- */

/* What stands behind "HOST: "; false when the entry is of no interest. */
static bool put_remark(const struct trust_entry *entry, time_t at, struct sbuf *out)
{
    time_t end;

    if (entry->tag == TAG_NOTE) {
        sbuf_printf(out, "note: %s", entry->words[0]);
    } else if (entry->tag == TAG_ERROR) {
        sbuf_printf(out, "error: %s", entry->words[0]);
    } else if (entry->tag == TAG_FILE && strncmp(entry->words[0], "would-", 6) == 0) {
        sbuf_printf(out, "would %s %s", entry->words[0] + 6, entry->words[1]);
    } else if (entry->tag == TAG_CHECK) {
        sbuf_printf(out, "%s: %s", entry->words[1],
                    strcmp(entry->words[2], "trusted") == 0 ? "trusted" : "not trusted");
        if (entry->words[4][0] != '\0')
            sbuf_printf(out, ", %s", entry->words[4]);
        if (trust_date(entry->words[3], &end))
            sbuf_printf(out, ", %" PRId64 " days left", (int64_t)(end - at) / SECONDS_PER_DAY);
    } else {
        return false;
    }
    return true;
}

/* One host's remark. */
struct remark {
    char *text;
    size_t host;         /* its index */
    size_t order, first; /* its place among all, and that of the first with the same text */
};

static int by_text(const void *a, const void *b)
{
    const struct remark *x = a, *y = b;
    int difference = strcmp(x->text, y->text);

    return difference != 0 ? difference : (x->order > y->order) - (x->order < y->order);
}

static int by_place(const void *a, const void *b)
{
    const struct remark *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* All remarks in the order of the hosts, equal ones behind the first of them. */
static struct remark *collect(const struct trust_result *results, size_t n, time_t at, size_t *count)
{
    struct remark *remarks = NULL;
    size_t all = 0;

    for (size_t i = 0; i < n; i++)
        all += results[i].report.n;
    remarks = xcalloc(all + 1, sizeof(*remarks));
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < results[i].report.n; k++) {
            struct sbuf text = {0};

            if (!put_remark(&results[i].report.entries[k], at, &text))
                continue;
            sbuf_text(&text); /* terminates it */
            remarks[*count] = (struct remark){text.p, i, *count, *count};
            ++*count;
        }
    }
    qsort(remarks, *count, sizeof(*remarks), by_text);
    for (size_t i = 1; i < *count; i++)
        if (strcmp(remarks[i].text, remarks[i - 1].text) == 0)
            remarks[i].first = remarks[i - 1].first;
    qsort(remarks, *count, sizeof(*remarks), by_place);
    return remarks;
}

/* "node1, node2: " or, when all say it, "all 10: ". A host that repeats itself is named once. */
static void put_hosts(const struct trust_result *results, size_t n, const struct remark *same, size_t count,
                      struct sbuf *out)
{
    size_t hosts = 1;

    for (size_t i = 1; i < count; i++)
        hosts += same[i].host != same[i - 1].host;
    if (hosts == n && n > 1) {
        sbuf_printf(out, "all %zu: ", n);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (i == 0 || same[i].host != same[i - 1].host)
            sbuf_printf(out, "%s%s", i == 0 ? "" : ", ", results[same[i].host].target->text);
    sbuf_str(out, STR(": "));
}

/* Many hosts say the same: it stands there once, with their names. */
static void put_remarks(const struct trust_result *results, size_t n, time_t at, struct sbuf *out)
{
    size_t count, end;
    struct remark *remarks = collect(results, n, at, &count);

    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && remarks[end].first == remarks[i].first;)
            end++;
        put_hosts(results, n, &remarks[i], end - i, out);
        sbuf_printf(out, "%s\n", remarks[i].text);
    }
    for (size_t i = 0; i < count; i++)
        free(remarks[i].text);
    free(remarks);
}

void trust_print_table(const struct trust_request *request, const struct trust_result *results, size_t n, time_t at,
                       struct sbuf *out)
{
    size_t width = sizeof("TARGET") - 1, before;

    for (size_t i = 0; i < n; i++)
        if (strlen(results[i].target->text) > width)
            width = strlen(results[i].target->text);
    width = width > COLUMN_MAX ? COLUMN_MAX : width;
    sbuf_printf(out, "%-*s  %-13s  %s\n", (int)width, "TARGET", "RESULT", "WHAT");
    for (size_t i = 0; i < n; i++) {
        struct sbuf summary = {0};

        put_summary(&results[i].report, &summary);
        sbuf_printf(out, "%-*s  %-13s  %s\n", (int)width, results[i].target->text, word_of(request, &results[i]),
                    summary.n == 0 ? "-" : sbuf_text(&summary));
        sbuf_free(&summary);
    }
    before = out->n;
    sbuf_put(out, "\n", 1);
    put_remarks(results, n, at, out);
    if (out->n == before + 1)
        out->n = before;
}

/* --- for scripts --- */

static void put_string(struct sbuf *out, const char *text)
{
    sbuf_json(out, str_of(text));
}

/* The first words of all entries with the tag, as an array. */
static void put_strings(const struct trust_report *report, const char *key, enum trust_tag tag, struct sbuf *out)
{
    size_t n = 0;

    sbuf_printf(out, ", \"%s\": [", key);
    for (size_t i = 0; i < report->n; i++) {
        if (report->entries[i].tag != tag)
            continue;
        sbuf_printf(out, "%s", n++ == 0 ? "" : ", ");
        put_string(out, report->entries[i].words[0]);
    }
    sbuf_put(out, "]", 1);
}

static void put_files(const struct trust_report *report, struct sbuf *out)
{
    size_t n = 0;

    sbuf_printf(out, ", \"files\": [");
    for (size_t i = 0; i < report->n; i++) {
        if (report->entries[i].tag != TAG_FILE)
            continue;
        sbuf_printf(out, "%s{\"path\": ", n++ == 0 ? "" : ", ");
        put_string(out, report->entries[i].words[1]);
        sbuf_printf(out, ", \"state\": ");
        put_string(out, report->entries[i].words[0]);
        sbuf_put(out, "}", 1);
    }
    sbuf_put(out, "]", 1);
}

static void put_end(const char *text, time_t at, struct sbuf *out)
{
    char date[sizeof("2026-01-01T00:00:00Z")];
    struct tm parts;
    time_t end;

    if (trust_date(text, &end) && gmtime_r(&end, &parts) != NULL &&
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
        sbuf_printf(out, ", \"not_after\": \"%s\", \"days_left\": %" PRId64, date,
                    (int64_t)(end - at) / SECONDS_PER_DAY);
    else
        sbuf_printf(out, ", \"not_after\": null, \"days_left\": null");
}

static void put_checks(const struct trust_report *report, time_t at, struct sbuf *out)
{
    size_t n = 0;

    sbuf_printf(out, ", \"checks\": [");
    for (size_t i = 0; i < report->n; i++) {
        const struct trust_entry *entry = &report->entries[i];

        if (entry->tag != TAG_CHECK)
            continue;
        sbuf_printf(out, "%s{\"runtime\": ", n++ == 0 ? "" : ", ");
        put_string(out, entry->words[0]);
        sbuf_printf(out, ", \"place\": ");
        put_string(out, entry->words[1]);
        sbuf_printf(out, ", \"trusted\": %s", strcmp(entry->words[2], "trusted") == 0 ? "true" : "false");
        put_end(entry->words[3], at, out);
        sbuf_printf(out, ", \"detail\": ");
        put_string(out, entry->words[4]);
        sbuf_put(out, "}", 1);
    }
    sbuf_put(out, "]", 1);
}

static void put_target(const struct trust_request *request, const struct trust_result *result, time_t at,
                       struct sbuf *out)
{
    const char *problem = trust_report_problem(&result->report);

    sbuf_printf(out, "{\"target\": ");
    put_string(out, result->target->text);
    sbuf_printf(out, ", \"ok\": %s, \"result\": \"%s\", \"error\": ", trust_result_good(result) ? "true" : "false",
                word_of(request, result));
    if (problem == NULL)
        sbuf_printf(out, "null");
    else
        put_string(out, problem);
    put_strings(&result->report, "runtimes", TAG_FOUND, out);
    put_files(&result->report, out);
    put_checks(&result->report, at, out);
    put_strings(&result->report, "errors", TAG_ERROR, out);
    put_strings(&result->report, "notes", TAG_NOTE, out);
    sbuf_put(out, "}", 1);
}

void trust_print_json(const struct trust_request *request, const struct trust_result *results, size_t n, time_t at,
                      struct sbuf *out)
{
    bool good = true;

    for (size_t i = 0; i < n; i++)
        good = good && trust_result_good(&results[i]);
    sbuf_printf(out, "{\"registry\": ");
    put_string(out, request->registry->names[0]);
    sbuf_printf(out, ", \"action\": \"%s\", \"dry_run\": %s, \"ok\": %s, \"targets\": [", actions[request->action],
                request->dry ? "true" : "false", good ? "true" : "false");
    for (size_t i = 0; i < n; i++) {
        sbuf_printf(out, "%s", i == 0 ? "" : ", ");
        put_target(request, &results[i], at, out);
    }
    sbuf_printf(out, "]}\n");
}
