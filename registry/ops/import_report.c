#include "registry/ops/import_report.h"

#include <inttypes.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/commands/commands.h"

void report_open(struct import_report *report, struct op *op)
{
    *report = (struct import_report){.op = op,
                                     .quiet = op->call->given[OPTION_QUIET],
                                     .json = op->call->given[OPTION_JSON],
                                     .dry_run = op->call->given[OPTION_DRY_RUN],
                                     .began_ms = clock_monotonic_ms()};
}

void report_close(struct import_report *report)
{
    sbuf_free(&report->listed);
}

static void list(struct import_report *report, const char *what, const char *why)
{
    uint64_t n = report->problems + report->kept;

    if (!report->json || n > REPORT_LISTED)
        return;
    sbuf_str(&report->listed, n > 1 ? STR(", {\"name\": ") : STR("{\"name\": "));
    sbuf_json(&report->listed, str_of(what));
    sbuf_str(&report->listed, STR(", \"reason\": "));
    sbuf_json(&report->listed, str_of(why));
    sbuf_str(&report->listed, STR("}"));
}

static void note(struct import_report *report, const char *what, const char *why)
{
    uint64_t n = report->problems + report->kept;

    list(report, what, why);
    if (n <= REPORT_NOTED)
        op_note(report->op, "%s: %s", what, why);
    else if (n == REPORT_NOTED + 1)
        op_note(report->op, "there is more that is left out; --json lists it");
}

void report_problem(struct import_report *report, const char *what, const char *why)
{
    report->problems++;
    note(report, what, why);
}

void report_kept(struct import_report *report, const char *what)
{
    report->kept++;
    note(report, what, "the tag points to another image here, and stays as it is; --overwrite moves it");
}

bool report_is_whole(const struct import_report *report)
{
    return report->problems == 0 && report->kept == 0;
}

static void say_json(const struct import_report *r)
{
    op_print(r->op,
             "{\"complete\": %s, \"dry_run\": %s, \"repositories\": %" PRIu64 ", \"tags\": {\"copied\": %" PRIu64
             ", \"unchanged\": %" PRIu64 ", \"kept\": %" PRIu64 "}, \"manifests\": %" PRIu64
             ", \"blobs\": {\"copied\": %" PRIu64 ", \"size\": %" PRIu64 ", \"shared\": %" PRIu64
             ", \"present\": %" PRIu64 "}, \"seconds\": %" PRIu64 ", \"left_out\": [%.*s]}",
             report_is_whole(r) ? "true" : "false", r->dry_run ? "true" : "false", r->repositories, r->tags,
             r->unchanged, r->kept, r->manifests, r->blobs, r->bytes, r->shared, r->present,
             (clock_monotonic_ms() - r->began_ms) / 1000, (int)r->listed.n, r->listed.n == 0 ? "" : r->listed.p);
}

static void say_text(const struct import_report *r)
{
    const char *are = r->dry_run ? "would be " : "";
    char size[SIZE_TEXT_ROOM];

    op_print(r->op, "%" PRIu64 " tags of %" PRIu64 " repositories %scopied, %" PRIu64 " were here already", r->tags,
             r->repositories, are, r->unchanged);
    op_print(r->op,
             "%" PRIu64 " manifests and %" PRIu64 " blobs, %s, %scopied; %" PRIu64 " blobs %sshared with other "
             "repositories, %" PRIu64 " were here",
             r->manifests, r->blobs, size_text(r->bytes, size), are, r->shared, are, r->present);
    if (!report_is_whole(r))
        op_print(r->op,
                 "NOT COMPLETE: %" PRIu64 " tags stay as they are here, %" PRIu64 " problems; running it again goes on "
                 "where this ended",
                 r->kept, r->problems);
}

void report_say(struct import_report *report)
{
    if (report->json)
        say_json(report);
    else if (!report->quiet)
        say_text(report);
}
