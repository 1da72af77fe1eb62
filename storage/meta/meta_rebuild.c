#include "storage/meta/meta_rebuild.h"

#include <stdio.h>
#include <string.h>

#include "registry/base/file.h"
#include "storage/meta/meta_check_internal.h"

/* Repairs show what could not be seen before them, a few times in a row: a name, then its content, then what follows
 * from that. More passes than this are no progress. */
enum { PASSES_MOST = 12 };

struct rebuild {
    const struct store *store;
    const struct meta_rebuild_options *options;
    struct meta_rebuild_result *result;
    bool repairs;
    int rc; /* of keeping manifests */
    struct err err;
};

bool store_file_size(const struct digest *d, uint64_t *size, void *store)
{
    uint64_t changed;

    return blob_stat(((const struct store *)store)->blobs, d, size, &changed, NULL) == 0;
}

/* ---- manifests that have to go ---- */

static int keep_manifest(const struct store *store, const struct digest *d, struct str bytes, struct err *e)
{
    struct sbuf path = {0};
    char text[DIGEST_TEXT_MAX];
    int rc;

    digest_format(d, text);
    text[strcspn(text, ":")] = '-';
    sbuf_printf(&path, "%s/quarantine/manifest-%s", store->root, text);
    rc = blob_quarantine_make(store->blobs, e);
    if (rc == 0)
        rc = file_replace(sbuf_text(&path), bytes.p, bytes.n, 0600, e);
    sbuf_free(&path);
    return rc;
}

static bool is_manifest(const struct meta_finding *finding)
{
    return finding->table == KV_MANIFESTS && finding->has && !finding->wanted;
}

/* In the pass that only looks, before the one that repairs. */
static void keep_lost(struct rebuild *rebuild, const struct meta_finding *finding)
{
    struct digest d = {.alg = DIGEST_SHA256};
    struct manifest_record record;
    struct str bytes = finding->had;
    uint32_t id;

    if (!is_manifest(finding) || rebuild->rc != 0)
        return;
    if (!split_id_digest(finding->key, &id, &d))
        digest_of(DIGEST_SHA256, finding->key.p, finding->key.n, &d); /* a name is all that is needed */
    if (manifest_decode(finding->had, &record))
        bytes = record.bytes;
    rebuild->rc = keep_manifest(rebuild->store, &d, bytes, &rebuild->err);
}

static void take_finding(const struct meta_finding *finding, void *arg)
{
    struct rebuild *rebuild = arg;

    if (!rebuild->repairs && !rebuild->options->dry_run)
        keep_lost(rebuild, finding);
    if ((rebuild->repairs || rebuild->options->dry_run) && rebuild->options->finding != NULL)
        rebuild->options->finding(finding, rebuild->options->arg);
}

/* ---- passes ---- */

static bool file_size(const struct digest *d, uint64_t *size, void *arg)
{
    return store_file_size(d, size, (void *)(uintptr_t)((struct rebuild *)arg)->store);
}

static int run_steps(struct rebuild *rebuild, struct meta_check *check, struct meta_check_count *count, struct err *e)
{
    const struct meta_rebuild_options *options = rebuild->options;
    bool more = true;

    while (more) {
        if (interrupt_check(&options->interrupt, "cancelled; what was repaired stays repaired", e) != 0)
            return -1;
        if (meta_check_step(check, count, &more, e) != 0)
            return -1;
        if (rebuild->rc != 0)
            return err_set(e, rebuild->err.code, "keep a damaged manifest: %s", rebuild->err.text);
    }
    return 0;
}

static int run_pass(struct rebuild *rebuild, bool repairs, struct meta_check_count *count, struct err *e)
{
    const struct meta_check_options options = {
        .repair = repairs, .finding = take_finding, .file_size = file_size, .arg = rebuild};
    struct meta_check *check = meta_check_new(rebuild->store->meta, &options, e);
    int rc;

    *count = (struct meta_check_count){0};
    if (check == NULL)
        return -1;
    rebuild->repairs = repairs;
    rc = run_steps(rebuild, check, count, e);
    meta_check_free(&check);
    return rc;
}

/* Looking comes first in each round: what has to go is kept before it goes. */
static int repair_once(struct rebuild *rebuild, bool *clean, struct err *e)
{
    struct meta_check_count seen, repaired = {0};

    if (run_pass(rebuild, false, &seen, e) != 0)
        return -1;
    *clean = seen.findings == 0;
    if (rebuild->result->entries == 0)
        rebuild->result->entries = seen.entries;
    if (*clean)
        return 0;
    if (rebuild->options->dry_run) {
        rebuild->result->findings = seen.findings;
        return 0;
    }
    if (run_pass(rebuild, true, &repaired, e) != 0)
        return -1;
    rebuild->result->findings += repaired.findings;
    return 0;
}

int meta_rebuild(const struct store *store, const struct meta_rebuild_options *options,
                 struct meta_rebuild_result *result, struct err *e)
{
    struct rebuild rebuild = {.store = store, .options = options, .result = result};
    int passes = options->dry_run ? 1 : PASSES_MOST;

    *result = (struct meta_rebuild_result){0};
    for (int i = 0; i < passes && !result->clean; i++)
        if (repair_once(&rebuild, &result->clean, e) != 0)
            return err_wrap(e, "repair of the metadata");
    return 0;
}
