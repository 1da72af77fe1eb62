/*
 * A model of the metadata, so simple that it is right: who holds which blob, which manifests there are, where each tag
 * points. For each change it says what must be answered.
 */
#ifndef BERTH_TEST_MODEL_FIXTURE_H
#define BERTH_TEST_MODEL_FIXTURE_H

#include <stdlib.h>

#include "tests/unit/meta/meta_fixture.h"

enum {
    REPOS = 3,
    BLOBS = 6,
    TEMPLATES = 9,
    DIGESTS = BLOBS + TEMPLATES, /* blobs first; a template's bytes may be a blob as well */
    TAGS = 4,
    BUNCH = 12,
    ROUNDS = 250,
    EVENTS_MAX = ROUNDS * BUNCH * (TAGS + 2),
};

static const char *const repo_names[REPOS] = {"a", "a/b", "c"};
static const char *const tag_names[TAGS] = {"latest", "v1", "v1.0", "v2"};

/* A manifest that may be put. */
struct template
{
    struct sbuf bytes;
    struct manifest parsed;
    bool names[DIGESTS];
    int subject; /* digest number, or -1 */
};

static struct template templates[TEMPLATES];
static struct digest digests[DIGESTS];
static uint64_t sizes[DIGESTS];

static struct {
    bool known[REPOS];
    bool held[REPOS][DIGESTS];
    bool manifest[REPOS][TEMPLATES];
    int tag[REPOS][TAGS]; /* template, or -1 */
    bool blob[DIGESTS];   /* has a record */

    /* the history: what each event names, the oldest first */
    struct {
        int r, t;
    } events[EVENTS_MAX];
    size_t first_event, event_count;
    uint64_t named[REPOS][TEMPLATES]; /* by events */
    bool removed[REPOS][TEMPLATES];
} model;

/* ---- the templates ---- */

static const struct {
    const char *blobs;    /* digits: config, then layers */
    const char *children; /* digits: templates before it */
    int subject;          /* template before it */
} recipes[TEMPLATES] = {
    {"01", NULL, -1}, {"0123", NULL, -1}, {"4222", NULL, -1}, {"5", NULL, 0},    {NULL, "01", -1},
    {NULL, "42", 4},  {"00", NULL, 3},    {NULL, "", 1},      {NULL, "000", -1},
};

HELPER struct sbuf recipe_bytes(int t)
{
    const char *blobs = recipes[t].blobs;
    const char *children = recipes[t].children;
    struct sbuf more = {0};
    struct sbuf out;
    struct digest list[DIGESTS];
    uint64_t list_sizes[DIGESTS];
    size_t n = strlen(blobs != NULL ? blobs + 1 : children);

    for (size_t i = 0; i < n; i++) {
        int number = blobs != NULL ? blobs[i + 1] - '0' : BLOBS + children[i] - '0';

        list[i] = digests[number];
        list_sizes[i] = sizes[number];
    }
    sbuf_printf(&more, ",\"annotations\":{\"t\":\"%d\"}", t);
    if (recipes[t].subject >= 0) {
        sbuf_str(&more, STR(",\"subject\":"));
        descriptor(&more, OCI_TYPE, digests[BLOBS + recipes[t].subject], 1, "");
    }
    out = blobs != NULL ? image_of(digests[blobs[0] - '0'], list, n, sbuf_text(&more))
                        : index_of(list, list_sizes, n, sbuf_text(&more));
    sbuf_free(&more);
    return out;
}

HELPER void make_template(int t)
{
    const char *numbers = recipes[t].blobs != NULL ? recipes[t].blobs : recipes[t].children;
    struct template *template = &templates[t];

    template->bytes = recipe_bytes(t);
    if (manifest_parse(text_of(&template->bytes), (struct str){0}, &template->parsed, NULL) != 0)
        abort();
    for (const char *p = numbers; *p != '\0'; p++)
        template->names[*p - '0' + (recipes[t].blobs != NULL ? 0 : BLOBS)] = true;
    template->subject = recipes[t].subject < 0 ? -1 : BLOBS + recipes[t].subject;
    digest_of(DIGEST_SHA256, template->bytes.p, template->bytes.n, &digests[BLOBS + t]);
    sizes[BLOBS + t] = template->bytes.n;
}

/* Blobs 0, 4 and 5 have the size of a config, the others that of a layer. */
HELPER void make_templates(void)
{
    _Static_assert((int)CONFIG_SIZE != (int)LAYER_SIZE, "sizes are told apart below");
    for (unsigned i = 0; i < BLOBS; i++) {
        digests[i] = blob_digest(i);
        sizes[i] = i == 0 || i >= 4 ? CONFIG_SIZE : LAYER_SIZE;
    }
    for (int t = 0; t < TEMPLATES; t++)
        make_template(t);
}

/* ---- the model ---- */

HELPER bool present(int r, int d)
{
    return model.held[r][d] || (d >= BLOBS && model.manifest[r][d - BLOBS]);
}

/* What a put of the template must answer. Template 6 calls blob 0 both config and layer, of different sizes. */
HELPER enum err_code put_answer(int r, int t, bool allow_missing)
{
    for (int d = 0; d < DIGESTS; d++)
        if (templates[t].names[d] && !present(r, d) && !allow_missing)
            return ERR_REFERENCE;
    return t == 6 && present(r, 0) ? ERR_INVALID : ERR_NONE;
}

HELPER void model_event(int r, int t)
{
    model.events[model.event_count].r = r;
    model.events[model.event_count++].t = t;
    model.named[r][t]++;
}

HELPER void model_forget(size_t n)
{
    for (; n > 0 && model.first_event < model.event_count; n--, model.first_event++) {
        int r = model.events[model.first_event].r, t = model.events[model.first_event].t;

        if (--model.named[r][t] == 0)
            model.removed[r][t] = false;
    }
}

HELPER void model_tag(int r, int tag, int t)
{
    int old = model.tag[r][tag];

    if (old != t)
        model_event(r, old < 0 ? t : old);
    model.tag[r][tag] = t;
}

HELPER enum err_code model_put(int r, int t, int tag, bool allow_missing)
{
    enum err_code answer = put_answer(r, t, allow_missing);

    if (answer != ERR_NONE)
        return answer;
    model.known[r] = model.manifest[r][t] = true;
    model.removed[r][t] = false;
    if (tag >= 0)
        model_tag(r, tag, t);
    return ERR_NONE;
}

HELPER enum err_code model_delete(int r, int t)
{
    if (!model.manifest[r][t])
        return ERR_NOT_FOUND;
    model.manifest[r][t] = false;
    for (int i = 0; i < TAGS; i++)
        if (model.tag[r][i] == t)
            model_tag(r, i, -1);
    model_event(r, t);
    model.removed[r][t] = true;
    return ERR_NONE;
}

HELPER enum err_code model_put_back(int r, int t)
{
    enum err_code answer = ERR_NONE;

    if (!model.removed[r][t])
        return ERR_NOT_FOUND;
    for (int child = 0; child < TEMPLATES && answer == ERR_NONE; child++)
        if (templates[t].names[BLOBS + child] && model.removed[r][child] && recipes[t].children != NULL)
            answer = model_put_back(r, child);
    if (answer == ERR_NONE)
        answer = model_put(r, t, -1, false);
    if (answer == ERR_NONE)
        model_event(r, t);
    return answer;
}

/* A restoring that fails half-way changes nothing. */
HELPER enum err_code model_restore(int r, int t, int tag)
{
    static char before[sizeof(model)];
    enum err_code answer = ERR_NONE;

    memcpy(before, &model, sizeof(model));
    if (!model.known[r])
        return ERR_NOT_FOUND;
    if (model.tag[r][tag] == t)
        return ERR_EXISTS;
    if (!model.manifest[r][t])
        answer = model_put_back(r, t);
    if (answer == ERR_NONE)
        model_tag(r, tag, t);
    else
        memcpy(&model, before, sizeof(model));
    return answer;
}

HELPER enum err_code model_hold(int r, int d)
{
    model.known[r] = model.held[r][d] = model.blob[d] = true;
    return ERR_NONE;
}

HELPER uint64_t names_in(int r, int d)
{
    uint64_t n = 0;

    for (int t = 0; t < TEMPLATES; t++)
        n += model.manifest[r][t] && templates[t].names[d];
    return n;
}

#endif
