/* Findings as sentences. */
#include "storage/meta/meta_check_internal.h"

/* What the keys of a table are made of: r a repository's name, i its number, d a digest, n a number of 8 bytes, t text.
 */
static const struct {
    const char *name;
    const char *parts;
} tables[KV_TABLES] = {
    [KV_INFO] = {"info", "t"},
    [KV_REPOS] = {"repos", "t"},
    [KV_NAMES] = {"names", "i"},
    [KV_CATALOG] = {"catalog", "t"},
    [KV_BLOBS] = {"blobs", "d"},
    [KV_MEMBERS] = {"members", "id"},
    [KV_HOLDERS] = {"holders", "di"},
    [KV_MANIFESTS] = {"manifests", "id"},
    [KV_TAGS] = {"tags", "it"},
    [KV_MANIFEST_TAGS] = {"manifest_tags", "idt"},
    [KV_REFS] = {"refs", "id"},
    [KV_REFERRERS] = {"referrers", "idd"},
    [KV_IDLE] = {"idle", "nd"},
    [KV_LOOSE] = {"loose", "nid"},
    [KV_USAGE] = {"usage", "t"},
    [KV_EVENTS] = {"events", "n"},
    [KV_TAG_EVENTS] = {"tag_events", "t"},
    [KV_RECALLABLE] = {"recallable", "id"},
    [KV_REMOVED] = {"removed", "id"},
    [KV_PULLS] = {"pulls", "id"},
    [KV_OUTBOX] = {"outbox", "t"},
};

static bool put_id(const struct meta_finding *finding, struct str *in, struct sbuf *out)
{
    struct str rest;
    uint32_t id;

    if (!split_id(*in, &id, &rest))
        return false;
    *in = rest;
    if (finding->repository.n > 0)
        sbuf_str(out, finding->repository);
    else
        sbuf_printf(out, "repository %u", id);
    return true;
}

static bool put_digest(struct str *in, struct sbuf *out)
{
    char text[DIGEST_TEXT_MAX];
    struct digest d;

    if (!split_front(*in, &d, in))
        return false;
    sbuf_put(out, text, digest_format(&d, text));
    return true;
}

static bool put_number(struct str *in, struct sbuf *out)
{
    uint64_t n;

    if (in->n < 8 || !u64_decode((struct str){in->p, 8}, &n))
        return false;
    *in = str_from(*in, 8);
    sbuf_printf(out, "%llu", (unsigned long long)n);
    return true;
}

static bool put_part(const struct meta_finding *finding, char part, struct str *in, struct sbuf *out)
{
    switch (part) {
    case 'i':
        return put_id(finding, in, out);
    case 'd':
        return put_digest(in, out);
    case 'n':
        return put_number(in, out);
    default:
        sbuf_json(out, *in);
        *in = (struct str){0};
        return true;
    }
}

static void put_key(const struct meta_finding *finding, struct sbuf *out)
{
    struct str left = finding->key;

    for (const char *part = tables[finding->table].parts; *part != '\0'; part++) {
        size_t before = out->n;

        sbuf_str(out, STR(" "));
        if (!put_part(finding, *part, &left, out)) {
            out->n = before;
            break;
        }
    }
    if (left.n > 0) {
        sbuf_str(out, STR(" "));
        sbuf_json(out, left); /* whatever it is */
    }
}

void meta_finding_text(const struct meta_finding *finding, struct sbuf *out)
{
    sbuf_printf(out, "%s", tables[finding->table].name);
    put_key(finding, out);
    sbuf_printf(out, " is %s: %s",
                !finding->has     ? "missing"
                : finding->wanted ? "wrong"
                                  : "one too many",
                finding->why);
}
