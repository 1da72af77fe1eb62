#include "registry/background/damage.h"

#include "registry/base/size_text.h"
#include "registry/observe/metrics.h"
#include "storage/upkeep/needs.h"

enum { NEEDS_MOST = 20 };

void damage_text(struct meta_reader *reader, const struct scrub_finding *finding, struct sbuf *out)
{
    char digest[DIGEST_TEXT_MAX], size[SIZE_TEXT_ROOM];
    struct err e;

    digest_format(&finding->digest, digest);
    sbuf_printf(out, "blob %s, %s, is %s: %s", digest, size_text(finding->size, size),
                finding->flaw == SCRUB_MISSING ? "missing" : "damaged", scrub_flaw_text(finding->flaw));
    if (finding->where[0] != '\0')
        sbuf_printf(out, "; moved to %s", finding->where);
    else if (finding->problem.code != ERR_NONE)
        sbuf_printf(out, "; it stays, because it cannot be moved: %s", finding->problem.text);
    sbuf_str(out, STR("; needed by "));
    if (needs_text(reader, &finding->digest, NEEDS_MOST, out, &e) != 0)
        sbuf_printf(out, "whom the metadata cannot tell: %s", e.text);
}

void damage_metrics(const struct scrub_count *count)
{
    metric_add(METRIC_SCRUBBED_BLOBS, count->blobs);
    metric_add(METRIC_SCRUBBED_BYTES, count->bytes);
    metric_add(METRIC_SCRUB_DAMAGED, count->damaged);
    metric_add(METRIC_SCRUB_MISSING, count->missing);
}
