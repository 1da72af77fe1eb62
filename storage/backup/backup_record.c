#include "storage/backup/backup_record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "registry/base/file.h"

enum { RECORD_MAX = 4 * 1024 * 1024, FILE_MODE = 0600 };

/* ---- writing ---- */

void lost_add(struct lost_list *lost, const struct digest *d, const char *reason)
{
    char text[DIGEST_TEXT_MAX];

    if (lost->count++ >= LOST_LISTED)
        return;
    digest_format(d, text);
    sbuf_printf(&lost->json, "%s\n    {\"digest\": \"%s\", \"reason\": ", lost->count == 1 ? "" : ",", text);
    sbuf_json(&lost->json, str_of(reason));
    sbuf_str(&lost->json, STR("}"));
}

void lost_free(struct lost_list *lost)
{
    sbuf_free(&lost->json);
    lost->count = 0;
}

static void put_file(struct sbuf *out, const char *name, const struct snapshot_file *file)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(&file->digest, text);
    sbuf_printf(out, " \"%s\": {\"size\": %" PRIu64 ", \"digest\": \"%s\"},\n", name, file->size, text);
}

static void put_counts(struct sbuf *out, const struct snapshot *s)
{
    sbuf_printf(out, "\"blobs\": {\"count\": %" PRIu64 ", \"size\": %" PRIu64 "}, \"complete\": %s", s->blobs, s->bytes,
                s->lost == 0 ? "true" : "false");
}

int snapshot_save(const char *path, const struct snapshot *s, const struct lost_list *lost, struct err *e)
{
    struct sbuf out = {0};
    char name[PATH_MAX];
    int rc;

    sbuf_printf(&out, "{\"version\": %d, \"berth\": \"%s\", \"created\": \"%s\", \"schema\": %" PRIu32 ",\n",
                BACKUP_VERSION, BERTH_VERSION, s->created, s->schema);
    put_file(&out, "metadata", &s->metadata);
    put_file(&out, "list", &s->list);
    sbuf_str(&out, STR(" "));
    put_counts(&out, s);
    sbuf_printf(&out, ",\n \"lost\": {\"count\": %" PRIu64 ", \"blobs\": [", lost->count);
    sbuf_str(&out, (struct str){lost->json.p, lost->json.n});
    sbuf_str(&out, STR("]}}\n"));
    if ((size_t)snprintf(name, sizeof(name), "%s/backup.json", path) >= sizeof(name))
        rc = err_set(e, ERR_INVALID, "%s: name too long", path);
    else
        rc = file_replace(name, out.p, out.n, FILE_MODE, e);
    sbuf_free(&out);
    return rc;
}

void snapshot_json(const struct snapshot *s, struct sbuf *out)
{
    sbuf_printf(out, "{\"snapshot\": \"%s\", ", s->stamp);
    if (s->unreadable.code != ERR_NONE) {
        sbuf_str(out, STR("\"error\": "));
        sbuf_json(out, str_of(s->unreadable.text));
    } else {
        sbuf_printf(out, "\"created\": \"%s\", \"schema\": %" PRIu32 ", ", s->created, s->schema);
        put_counts(out, s);
        sbuf_printf(out, ", \"lost\": %" PRIu64 ", \"metadata\": %" PRIu64, s->lost, s->metadata.size);
    }
    sbuf_str(out, STR("}"));
}

/* ---- reading ---- */

static int wrong(struct err *e, const char *member)
{
    return err_set(e, ERR_INVALID, "\"%s\" is missing or not what it should be", member);
}

static int read_number(const json_t *object, const char *member, uint64_t max, uint64_t *out, struct err *e)
{
    const json_t *value = json_object_get(object, member);

    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return wrong(e, member);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

static int read_file(const json_t *root, const char *member, struct snapshot_file *out, struct err *e)
{
    const json_t *object = json_object_get(root, member);
    const char *digest = json_string_value(json_object_get(object, "digest"));

    if (digest == NULL || digest_parse(str_of(digest), &out->digest, NULL) != 0 || out->digest.alg != DIGEST_SHA256 ||
        read_number(object, "size", INT64_MAX, &out->size, e) != 0)
        return wrong(e, member);
    return 0;
}

/* A time is shown to people: nothing but what a time is made of may be in it. */
static int read_created(const json_t *root, struct snapshot *s, struct err *e)
{
    const char *text = json_string_value(json_object_get(root, "created"));

    if (text == NULL || strlen(text) >= sizeof(s->created) || !str_has_only(str_of(text), STR("-:")))
        return wrong(e, "created");
    memcpy(s->created, text, strlen(text) + 1);
    return 0;
}

static int take_members(const json_t *root, struct snapshot *s, struct err *e)
{
    const json_t *blobs = json_object_get(root, "blobs");
    uint64_t version = 0, schema = 0;

    if (read_number(root, "version", INT64_MAX, &version, e) != 0)
        return -1;
    if (version != BACKUP_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "it has version %" PRIu64 " and this program knows version %d; take a newer release of Berth",
                       version, BACKUP_VERSION);
    if (read_created(root, s, e) != 0 || read_number(root, "schema", UINT32_MAX, &schema, e) != 0 ||
        read_file(root, "metadata", &s->metadata, e) != 0 || read_file(root, "list", &s->list, e) != 0 ||
        read_number(blobs, "count", INT64_MAX, &s->blobs, e) != 0 ||
        read_number(blobs, "size", INT64_MAX, &s->bytes, e) != 0 ||
        read_number(json_object_get(root, "lost"), "count", INT64_MAX, &s->lost, e) != 0)
        return -1;
    s->schema = (uint32_t)schema;
    if (!json_is_boolean(json_object_get(root, "complete")) ||
        json_is_true(json_object_get(root, "complete")) != (s->lost == 0))
        return wrong(e, "complete");
    return 0;
}

int snapshot_load(const char *path, struct snapshot *s, struct err *e)
{
    struct sbuf bytes = {0};
    char name[PATH_MAX];
    json_error_t why;
    json_t *root = NULL;
    int rc = -1;

    if ((size_t)snprintf(name, sizeof(name), "%s/backup.json", path) >= sizeof(name))
        return err_set(e, ERR_INVALID, "%s: name too long", path);
    if (file_read_regular(name, RECORD_MAX, &bytes, e) != 0)
        goto done; /* names the file */
    root = json_loadb(bytes.p, bytes.n, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        err_set(e, ERR_INVALID, "%s: line %d: %s", name, why.line, why.text);
    else if ((rc = take_members(root, s, e)) != 0)
        err_wrap(e, "%s", name);
done:
    json_decref(root);
    sbuf_free(&bytes);
    return rc;
}
