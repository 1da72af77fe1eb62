#include "registry/ops/damage_report.h"

/* base */
#include "registry/base/size_text.h"

/* storage */
#include "storage/upkeep/needs.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/background/damage.h"

enum { NEEDS_MOST = 50 };

int damage_report_begin(struct damage_report *report, struct op *op, struct err *e)
{
    *report = (struct damage_report){.op = op,
                                     .json = op->call->given[OPTION_JSON],
                                     .dry_run = op->call->given[OPTION_DRY_RUN],
                                     .reader = meta_reader_new(op->store->meta, e)};
    pthread_mutex_init(&report->lock, NULL);
    return report->reader == NULL ? -1 : 0;
}

void damage_report_end(struct damage_report *report)
{
    meta_reader_free(&report->reader);
    pthread_mutex_destroy(&report->lock);
}

static void print(struct damage_report *report, struct sbuf *line)
{
    op_print_str(report->op, (struct str){line->p, line->n});
    sbuf_free(line);
}

/* ---- blobs ---- */

static void put_need(const struct need *need, void *arg)
{
    struct sbuf *out = arg;
    char digest[DIGEST_TEXT_MAX];

    sbuf_str(out, out->n > 0 ? STR(",{\"repository\":") : STR("{\"repository\":"));
    sbuf_json(out, need->repository);
    if (need->has_manifest) {
        digest_format(&need->manifest, digest);
        sbuf_printf(out, ",\"manifest\":\"%s\"", digest);
    }
    if (need->tag.n > 0) {
        sbuf_str(out, STR(",\"tag\":"));
        sbuf_json(out, need->tag);
    }
    sbuf_str(out, STR("}"));
}

static void put_blob_json(struct damage_report *report, const struct scrub_finding *finding, struct sbuf *line)
{
    char digest[DIGEST_TEXT_MAX];
    struct sbuf needs = {0};
    bool more = false;
    struct err e;

    digest_format(&finding->digest, digest);
    sbuf_printf(line, "{\"what\":\"blob\",\"digest\":\"%s\",\"size\":%llu,\"problem\":", digest,
                (unsigned long long)finding->size);
    sbuf_json(line, str_of(scrub_flaw_text(finding->flaw)));
    if (finding->where[0] != '\0') {
        sbuf_str(line, STR(",\"quarantine\":"));
        sbuf_json(line, str_of(finding->where));
    }
    if (needs_find(report->reader, &finding->digest, NEEDS_MOST, put_need, &needs, &more, &e) != 0)
        op_note(report->op, "who needs %s: %s", digest, e.text);
    sbuf_printf(line, ",\"neededBy\":[%.*s],\"more\":%s}", (int)needs.n, needs.n > 0 ? needs.p : "",
                more ? "true" : "false");
    sbuf_free(&needs);
}

void damage_report_blob(const struct scrub_finding *finding, void *arg)
{
    struct damage_report *report = arg;
    struct sbuf line = {0};

    pthread_mutex_lock(&report->lock);
    if (report->json)
        put_blob_json(report, finding, &line);
    else
        damage_text(report->reader, finding, &line);
    print(report, &line);
    pthread_mutex_unlock(&report->lock);
}

void damage_report_count(struct damage_report *report, const struct scrub_count *more)
{
    char size[SIZE_TEXT_ROOM];
    uint64_t bad;

    damage_metrics(more);
    pthread_mutex_lock(&report->lock);
    report->blobs.blobs += more->blobs;
    report->blobs.bytes += more->bytes;
    report->blobs.missing += more->missing;
    report->blobs.damaged += more->damaged;
    bad = report->blobs.missing + report->blobs.damaged;
    op_progress(report->op, "%llu blobs, %s read, %llu damaged or missing", (unsigned long long)report->blobs.blobs,
                size_text(report->blobs.bytes, size), (unsigned long long)bad);
    pthread_mutex_unlock(&report->lock);
}

/* ---- metadata ---- */

void damage_report_metadata(const struct meta_finding *finding, void *arg)
{
    struct damage_report *report = arg;
    struct sbuf text = {0}, line = {0};

    meta_finding_text(finding, &text);
    if (report->json) {
        sbuf_printf(&line, "{\"what\":\"metadata\",\"invariant\":%u,\"problem\":", finding->invariant);
        sbuf_json(&line, (struct str){text.p, text.n});
        sbuf_printf(&line, ",\"repaired\":%s}", report->repairs ? "true" : "false");
    } else {
        sbuf_printf(&line, "metadata: %.*s%s", (int)text.n, text.p, report->repairs ? "; repaired" : "");
    }
    pthread_mutex_lock(&report->lock);
    print(report, &line);
    pthread_mutex_unlock(&report->lock);
    sbuf_free(&text);
}

/* ---- the end ---- */

static void put_sum_json(const struct damage_report *report, bool clean, struct sbuf *line)
{
    sbuf_printf(line,
                "{\"what\":\"sum\",\"clean\":%s,\"blobs\":%llu,\"bytes\":%llu,\"damaged\":%llu,\"missing\":%llu,"
                "\"entries\":%llu,\"findings\":%llu}",
                clean ? "true" : "false", (unsigned long long)report->blobs.blobs,
                (unsigned long long)report->blobs.bytes, (unsigned long long)report->blobs.damaged,
                (unsigned long long)report->blobs.missing, (unsigned long long)report->entries,
                (unsigned long long)report->findings);
}

static void put_sum_text(const struct damage_report *report, bool repaired, struct sbuf *line)
{
    char size[SIZE_TEXT_ROOM];

    sbuf_printf(line, "%llu blobs, %s: %llu damaged, %llu missing; metadata: %llu entries, %llu findings",
                (unsigned long long)report->blobs.blobs, size_text(report->blobs.bytes, size),
                (unsigned long long)report->blobs.damaged, (unsigned long long)report->blobs.missing,
                (unsigned long long)report->entries, (unsigned long long)report->findings);
    if (report->findings > 0)
        sbuf_str(line, repaired          ? STR(", repaired")
                       : report->repairs ? STR(", not all repaired; run it again")
                                         : STR("; stop the server and run berth fsck"));
    if (report->blobs.damaged + report->blobs.missing > 0)
        sbuf_str(line, STR("; push the images that are named above again"));
}

bool damage_report_sum(struct damage_report *report, bool repaired)
{
    bool clean = report->blobs.damaged + report->blobs.missing + report->findings == 0;
    struct sbuf line = {0};

    if (report->json)
        put_sum_json(report, clean, &line);
    else
        put_sum_text(report, repaired, &line);
    print(report, &line);
    return clean;
}
