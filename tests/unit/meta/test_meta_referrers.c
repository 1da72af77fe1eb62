/* Lists of referrers: their entries, filter, pages and pauses. */
#include "tests/unit/meta/meta_fixture.h"

struct referrers {
    size_t n;
    struct digest last;
    bool ordered;
    uint64_t size;
    char media_type[100];
    char artifact_type[100];
    char annotations[100];
    struct digest seen;
    enum referrers_end end;
};

static void copy(char out[100], struct str s)
{
    snprintf(out, 100, "%.*s", (int)s.n, s.p);
}

static void note_referrer(const struct referrer_view *view, void *arg)
{
    struct referrers *r = arg;

    if (r->n > 0 && memcmp(view->digest.raw, r->last.raw, sizeof(r->last.raw)) <= 0)
        r->ordered = false;
    r->n++;
    r->last = view->digest;
    r->size = view->size;
    copy(r->media_type, view->media_type);
    copy(r->artifact_type, view->artifact_type);
    copy(r->annotations, view->annotations);
}

struct query {
    const char *repository;
    struct digest subject;
    const struct digest *last;
    const char *artifact_type;
    size_t limit;
    size_t byte_limit;
    size_t looks; /* 0: any number */
    bool begun;
};

static struct referrers ask(struct world *w, struct query q, bool *more)
{
    struct referrers r = {.ordered = true};
    struct referrer_query query = {
        .repository = str_of(q.repository),
        .subject = &q.subject,
        .last = q.last,
        .artifact_type = str_of(q.artifact_type),
        .limit = q.limit,
        .byte_limit = q.byte_limit,
        .looks = q.looks > 0 ? q.looks : SIZE_MAX,
        .begun = q.begun,
    };

    if (meta_referrers(look(w), &query, note_referrer, &r, &r.seen, &r.end, &w->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", w->err.text);
    meta_done(w->reader);
    *more = r.end != REFERRERS_ALL;
    return r;
}

static struct digest attach(struct world *w, struct digest subject, unsigned number, const char *more)
{
    struct sbuf members = {0};
    struct digest d;

    sbuf_printf(&members, ",\"subject\":");
    descriptor(&members, OCI_TYPE, subject, 5, "");
    sbuf_printf(&members, "%s,\"annotations\":{\"n\":\"%u\"}", more, number);
    d = push_image(w, "app", 1, NULL, sbuf_text(&members));
    sbuf_free(&members);
    return d;
}

TEST(referrer_entry,
     "a referrer is listed under its subject, there or not, with type, size and annotations, until it is deleted")
{
    struct world w;
    struct digest subject = blob_digest(99);
    struct query q = {"app", subject, NULL, "", 10, 1 << 20, 0, false};
    struct referrers r;
    struct digest d;
    bool more;

    world_open(&w);
    CHECK_INT(ask(&w, q, &more).n, 0);
    CHECK(!more);
    d = attach(&w, subject, 7, ",\"artifactType\":\"application/x.sbom\"");
    r = ask(&w, q, &more);
    CHECK_INT(r.n, 1);
    CHECK(digest_equal(&r.last, &d));
    CHECK(r.size > 300);
    CHECK_TEXT(r.media_type, OCI_TYPE);
    CHECK_TEXT(r.artifact_type, "application/x.sbom");
    CHECK_TEXT(r.annotations, "{\"n\":\"7\"}");
    q.repository = "other";
    CHECK_INT(ask(&w, q, &more).n, 0);
    q.repository = "app";
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(ask(&w, q, &more).n, 0);
    world_close(&w);
}

TEST(referrer_type, "the artifact type falls back to the config's media type, and filters")
{
    struct world w;
    struct digest subject = blob_digest(99);
    struct query q = {"app", subject, NULL, "application/x.sbom", 10, 1 << 20, 0, false};
    struct referrers r;
    bool more;

    world_open(&w);
    attach(&w, subject, 1, "");
    attach(&w, subject, 2, ",\"artifactType\":\"application/x.sbom\"");
    attach(&w, subject, 3, "");
    r = ask(&w, q, &more);
    CHECK_INT(r.n, 1);
    CHECK_TEXT(r.annotations, "{\"n\":\"2\"}");
    q.artifact_type = "application/vnd.oci.image.config.v1+json";
    CHECK_INT(ask(&w, q, &more).n, 2);
    q.limit = 2;
    CHECK_INT(ask(&w, q, &more).n, 2);
    CHECK(!more);
    world_close(&w);
}

TEST(referrer_pages, "pages of referrers end at the limit of items or of bytes, go on after `last` and miss none")
{
    struct world w;
    struct digest subject = blob_digest(99);
    struct query q = {"app", subject, NULL, "", 4, 1 << 20, 0, false};
    struct referrers r;
    struct digest last;
    size_t seen = 0;
    bool more = true;

    world_open(&w);
    for (unsigned i = 0; i < 10; i++)
        attach(&w, subject, i, "");
    attach(&w, blob_digest(98), 11, "");
    for (int pages = 0; more; pages++) {
        CHECK(pages < 3);
        r = ask(&w, q, &more);
        CHECK(r.ordered && r.n > 0);
        seen += r.n;
        last = r.last;
        q.last = &last;
    }
    CHECK_INT(seen, 10);
    q.last = NULL;
    q.byte_limit = 1;
    CHECK_INT(ask(&w, q, &more).n, 1);
    CHECK(more);
    q.byte_limit = 800;
    CHECK_INT(ask(&w, q, &more).n, 2);
    q.begun = true; /* what does not fit any more waits for the next page */
    q.byte_limit = 1;
    CHECK_INT(ask(&w, q, &more).n, 0);
    CHECK(more);
    q.limit = 0;
    CHECK_INT(ask(&w, q, &more).n, 0);
    CHECK(more);
    world_close(&w);
}

TEST(referrer_looks,
     "a walk through referrers looks at no more than it may, wanted or not, and goes on where it stopped looking")
{
    struct world w;
    struct digest subject = blob_digest(99);
    struct query q = {"app", subject, NULL, "application/x.rare", 10, 1 << 20, 3, false};
    struct digest from;
    size_t found = 0;
    int rounds = 1;
    bool more;

    world_open(&w);
    for (unsigned i = 0; i < 10; i++)
        attach(&w, subject, i, i == 7 ? ",\"artifactType\":\"application/x.rare\"" : "");
    for (struct referrers r = ask(&w, q, &more); more; r = ask(&w, q, &more), rounds++) {
        CHECK(r.end == REFERRERS_PAUSE && rounds <= 4);
        found += r.n;
        from = r.seen;
        q.last = &from;
        q.begun = found > 0;
        if (rounds == 3) /* the tenth alone is left */
            CHECK_INT(ask(&w, q, &more).n + found, 1);
    }
    CHECK_INT(rounds, 4);
    q.last = NULL;
    q.begun = false;
    q.artifact_type = "application/x.none";
    CHECK_INT(ask(&w, q, &more).n, 0);
    CHECK(more);
    q.looks = 10;
    CHECK_INT(ask(&w, q, &more).n, 0);
    CHECK(!more);
    world_close(&w);
}
