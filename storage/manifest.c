/* Reading a manifest, member by member. Whatever is refused, the text names the member. */
#include "storage/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/manifest_json.h"

enum {
    TYPE_MAX = 255, /* RFC 6838 §4.2: 127 each for type and subtype, and the slash */
    CLIP = 100,     /* bytes of a client's text that an error repeats */
    FIELD_MAX = 40,
};

/* ---- media types ---- */

enum shape { SHAPE_ANY, SHAPE_IMAGE, SHAPE_INDEX, SHAPE_SCHEMA1 };

static const struct {
    struct str name;
    enum shape shape;
} types[] = {
    {STR("application/vnd.oci.image.manifest.v1+json"), SHAPE_IMAGE},
    {STR("application/vnd.oci.image.index.v1+json"), SHAPE_INDEX},
    {STR("application/vnd.docker.distribution.manifest.v2+json"), SHAPE_IMAGE},
    {STR("application/vnd.docker.distribution.manifest.list.v2+json"), SHAPE_INDEX},
    {STR("application/vnd.docker.distribution.manifest.v1+json"), SHAPE_SCHEMA1},
    {STR("application/vnd.docker.distribution.manifest.v1+prettyjws"), SHAPE_SCHEMA1},
};

/* Layers that licences keep from being pushed (OCI image-spec layer.md "Non-Distributable Layers"). */
static const struct str kept_back[] = {
    STR("application/vnd.docker.image.rootfs.foreign.diff.tar"),
    STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    STR("application/vnd.oci.image.layer.nondistributable.v1.tar"),
    STR("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
};

static enum shape shape_of(struct str media_type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_eq(media_type, types[i].name))
            return types[i].shape;
    return SHAPE_ANY;
}

bool manifest_type_is_index(struct str media_type)
{
    return shape_of(media_type) == SHAPE_INDEX;
}

static bool is_kept_back(struct str media_type)
{
    for (size_t i = 0; i < sizeof(kept_back) / sizeof(kept_back[0]); i++)
        if (str_eq(media_type, kept_back[i]))
            return true;
    return false;
}

/* type "/" subtype of visible ASCII: it becomes a header of our replies. */
static bool type_well_formed(struct str s)
{
    size_t slash = str_find(s, '/');

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return s.n <= TYPE_MAX && slash > 0 && slash + 1 < s.n;
}

static int refuse_schema1(struct err *e)
{
    return err_set(e, ERR_INVALID, "Docker schema 1 is not accepted; push with schema 2 or OCI");
}

static int clipped(struct str s)
{
    return s.n < CLIP ? (int)s.n : CLIP;
}

/* ---- members ---- */

static int read_size(const json_t *descriptor, uint64_t *out, struct err *e)
{
    const json_t *size = json_member(descriptor, "size");

    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return err_set(e, ERR_INVALID, "size is not a whole number of bytes");
    *out = (uint64_t)json_integer_value(size);
    return 0;
}

/* `urls` of a layer, added to the manifest's. */
static int read_urls(const json_t *descriptor, struct manifest *m, struct err *e)
{
    const json_t *urls = json_member(descriptor, "urls");
    const json_t *url;
    size_t i;

    if (urls != NULL && !json_is_array(urls))
        return err_set(e, ERR_INVALID, "urls is not an array");
    if (json_array_size(urls) > 0)
        m->urls = xrealloc(m->urls, (m->url_count + json_array_size(urls)) * sizeof(*m->urls));
    json_array_foreach(urls, i, url)
    {
        if (!json_is_string(url))
            return err_set(e, ERR_INVALID, "urls[%zu] is not a string", i);
        m->urls[m->url_count++] = str_dup((struct str){json_string_value(url), json_string_length(url)});
    }
    return 0;
}

/* OCI image-index.md "platform". Longer than any there is: as good as not said. */
static int read_platform(const json_t *descriptor, struct reference *out, struct err *e)
{
    const json_t *platform = json_member(descriptor, "platform");
    const struct {
        const char *name;
        char *to;
    } members[] = {{"os", out->os}, {"architecture", out->architecture}, {"variant", out->variant}};

    if (platform != NULL && !json_is_object(platform))
        return err_set(e, ERR_INVALID, "platform is not an object");
    for (size_t i = 0; platform != NULL && i < sizeof(members) / sizeof(members[0]); i++) {
        struct str text;

        if (json_member_text(platform, members[i].name, &text, e) != 0)
            return err_wrap(e, "platform");
        if (text.n < sizeof(out->os))
            memcpy(members[i].to, text.p, text.n);
    }
    return 0;
}

/* OCI image-spec descriptor.md "Properties". `media_type` is borrowed from `value`. */
static int read_members(const json_t *value, struct reference *out, struct str *media_type, struct err *e)
{
    struct str digest;
    struct err why;

    if (!json_is_object(value))
        return err_set(e, ERR_INVALID, "not a descriptor");
    if (json_member_text(value, "mediaType", media_type, e) != 0 || json_member_text(value, "digest", &digest, e) != 0)
        return -1;
    if (!type_well_formed(*media_type))
        return err_set(e, ERR_INVALID, "mediaType \"%.*s\" is not one", clipped(*media_type), media_type->p);
    if (digest_parse(digest, &out->digest, &why) != 0)
        return err_set(e, ERR_INVALID, "%s", why.text);
    return read_size(value, &out->size, e);
}

static int read_descriptor(const json_t *value, const char *field, struct reference *out, struct str *media_type,
                           struct err *e)
{
    return read_members(value, out, media_type, e) == 0 ? 0 : err_wrap(e, "%s", field);
}

/* What only layers, and only children, have beside the descriptor's members. */
static int read_beside(const json_t *value, struct reference *r, struct str media_type, struct manifest *m,
                       struct err *e)
{
    size_t urls = m->url_count;

    if (r->kind == REFERENCE_CHILD)
        return read_platform(value, r, e);
    if (read_urls(value, m, e) != 0)
        return -1;
    r->optional = m->url_count > urls || is_kept_back(media_type);
    m->urls_misplaced = m->urls_misplaced || (m->url_count > urls && !is_kept_back(media_type));
    return 0;
}

/* Append each descriptor of the array `name` to the references. */
static int read_list(const json_t *root, const char *name, enum reference_kind kind, struct manifest *m, struct err *e)
{
    const json_t *list = json_member(root, name);
    const json_t *value;
    char field[FIELD_MAX];
    size_t i;

    if (list != NULL && !json_is_array(list))
        return err_set(e, ERR_INVALID, "%s is not an array", name);
    json_array_foreach(list, i, value)
    {
        struct reference *r = &m->references[m->reference_count];
        struct str media_type;

        snprintf(field, sizeof(field), "%s[%zu]", name, i);
        r->kind = kind;
        if (read_descriptor(value, field, r, &media_type, e) != 0)
            return -1;
        if (read_beside(value, r, media_type, m, e) != 0)
            return err_wrap(e, "%s", field);
        m->reference_count++;
    }
    return 0;
}

/* ---- the document ---- */

/* image-spec manifest.md: `config` and `layers`. `config_type` is borrowed from `root`. */
static int read_image(const json_t *root, struct manifest *m, struct str *config_type, struct err *e)
{
    const json_t *config = json_member(root, "config");

    if (config == NULL)
        return err_set(e, ERR_INVALID, "config is missing");
    m->references = xcalloc(1 + json_array_size(json_member(root, "layers")), sizeof(*m->references));
    m->references[0].kind = REFERENCE_BLOB;
    if (read_descriptor(config, "config", &m->references[0], config_type, e) != 0)
        return -1;
    m->reference_count = 1;
    return read_list(root, "layers", REFERENCE_BLOB, m, e);
}

static int read_index(const json_t *root, struct manifest *m, struct err *e)
{
    m->references = xcalloc(1 + json_array_size(json_member(root, "manifests")), sizeof(*m->references));
    return read_list(root, "manifests", REFERENCE_CHILD, m, e);
}

static int read_annotations(const json_t *root, struct manifest *m, struct err *e)
{
    json_t *annotations = json_member(root, "annotations");
    const char *key;
    json_t *value;

    if (annotations != NULL && !json_is_object(annotations))
        return err_set(e, ERR_INVALID, "annotations is not an object");
    json_object_foreach(annotations, key, value)
    {
        if (!json_is_string(value))
            return err_set(e, ERR_INVALID, "annotations: the value of \"%.*s\" is not a string", clipped(str_of(key)),
                           key);
    }
    if (json_object_size(annotations) == 0)
        return 0;
    m->annotations = json_dumps(annotations, JSON_COMPACT);
    return m->annotations != NULL ? 0 : err_set(e, ERR_IO, "annotations: out of memory");
}

static int read_artifact_type(const json_t *root, struct str config_type, struct manifest *m, struct err *e)
{
    struct str type;

    if (json_member_text(root, "artifactType", &type, e) != 0)
        return -1;
    if (type.n > TYPE_MAX)
        return err_set(e, ERR_INVALID, "artifactType is longer than %d bytes", TYPE_MAX);
    if (type.n == 0)
        type = config_type;
    m->artifact_type = type.n == 0 ? NULL : str_dup(type);
    return 0;
}

static int read_subject(const json_t *root, struct manifest *m, struct err *e)
{
    const json_t *subject = json_member(root, "subject");
    struct reference reference = {0};
    struct str media_type;

    m->has_subject = subject != NULL;
    if (subject != NULL && read_descriptor(subject, "subject", &reference, &media_type, e) != 0)
        return -1;
    m->subject = reference.digest;
    return 0;
}

/* Which of the two it is, by its members. Both at once would be one thing to one reader and another to the next
 * (CVE-2021-41190). */
static int read_kind(const json_t *root, struct manifest *m, struct err *e)
{
    bool index = json_object_get(root, "manifests") != NULL;
    bool layers = json_object_get(root, "layers") != NULL;

    if (json_integer_value(json_object_get(root, "schemaVersion")) == 1 || json_object_get(root, "fsLayers") != NULL)
        return refuse_schema1(e);
    if (json_integer_value(json_object_get(root, "schemaVersion")) != 2)
        return err_set(e, ERR_INVALID, "schemaVersion is not 2");
    if (index && (layers || json_object_get(root, "config") != NULL))
        return err_set(e, ERR_INVALID,
                       "manifests stands beside layers or config; a document is an index or a manifest, not both");
    if (!index && !layers)
        return err_set(e, ERR_INVALID, "neither layers nor manifests; a document is a manifest or an index");
    m->kind = index ? MANIFEST_INDEX : MANIFEST_IMAGE;
    return 0;
}

/* The type it is stored and served under: the request's, the document's, or what OCI calls a document of this shape. */
static int read_type(const json_t *root, struct str content_type, struct manifest *m, struct err *e)
{
    enum shape wanted = m->kind == MANIFEST_INDEX ? SHAPE_INDEX : SHAPE_IMAGE;
    struct str type;

    if (json_member_text(root, "mediaType", &type, e) != 0)
        return -1;
    if (shape_of(type) == SHAPE_SCHEMA1)
        return refuse_schema1(e);
    if (type.n > 0 && content_type.n > 0 && !str_eq(type, content_type))
        return err_set(e, ERR_INVALID, "mediaType is \"%.*s\" but Content-Type is \"%.*s\"", clipped(type), type.p,
                       clipped(content_type), content_type.p);
    if (type.n == 0)
        type = content_type.n > 0 ? content_type : types[wanted == SHAPE_INDEX].name;
    if (!type_well_formed(type))
        return err_set(e, ERR_INVALID, "mediaType \"%.*s\" is not one", clipped(type), type.p);
    if (shape_of(type) == SHAPE_ANY)
        return err_set(e, ERR_INVALID,
                       "\"%.*s\" is no media type of manifests; an artifact has its type in artifactType",
                       clipped(type), type.p);
    if (shape_of(type) != wanted)
        return err_set(e, ERR_INVALID, "mediaType \"%.*s\" does not go with %s", (int)type.n, type.p,
                       wanted == SHAPE_INDEX ? "manifests" : "layers");
    m->media_type = str_dup(type);
    return 0;
}

static int read_document(const json_t *root, struct str content_type, struct manifest *m, struct err *e)
{
    struct str config_type = {0};

    if (read_kind(root, m, e) != 0 || read_type(root, content_type, m, e) != 0)
        return -1;
    if ((m->kind == MANIFEST_INDEX ? read_index(root, m, e) : read_image(root, m, &config_type, e)) != 0)
        return -1;
    if (read_subject(root, m, e) != 0 || read_artifact_type(root, config_type, m, e) != 0)
        return -1;
    return read_annotations(root, m, e);
}

int manifest_parse(struct str bytes, struct str content_type, struct manifest *out, struct err *e)
{
    json_t *root;
    int rc;

    *out = (struct manifest){0};
    if (shape_of(content_type) == SHAPE_SCHEMA1)
        return refuse_schema1(e);
    root = json_document(bytes, e);
    if (root == NULL)
        return -1;
    rc = read_document(root, content_type, out, e);
    json_decref(root);
    if (rc != 0)
        manifest_free(out);
    return rc;
}

void manifest_free(struct manifest *m)
{
    free(m->media_type);
    free(m->artifact_type);
    free(m->annotations);
    free(m->references);
    for (size_t i = 0; i < m->url_count; i++)
        free(m->urls[i]);
    free(m->urls);
    *m = (struct manifest){0};
}
