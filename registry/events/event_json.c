#include "registry/events/event_json.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "registry/base/clock.h"

/* ---- ids and times ---- */

static void put_uuid(const uint8_t raw[16], char out[37])
{
    static const size_t parts[] = {4, 2, 2, 2, 6};
    size_t from = 0;

    for (size_t i = 0; i < 5; i++) {
        hex_encode(raw + from, parts[i], out);
        from += parts[i];
        out += 2 * parts[i];
        *out++ = i < 4 ? '-' : '\0';
    }
}

void event_id(uint64_t queue, uint64_t number, char out[37])
{
    uint8_t raw[16];
    uint64_t halves[2] = {htobe64(queue), htobe64(number)};

    memcpy(raw, halves, sizeof(raw));
    raw[6] = (uint8_t)(0x80 | (raw[6] & 0x0f));
    raw[8] = (uint8_t)(0x80 | (raw[8] & 0x3f));
    put_uuid(raw, out);
}

/* "2026-11-22T10:15:30.123456789Z" */
static void put_time(struct sbuf *out, uint64_t ns)
{
    char text[CLOCK_TEXT_ROOM];

    clock_text((int64_t)(ns / 1000000000), text);
    text[strcspn(text, "Z")] = '\0';
    sbuf_printf(out, "\"timestamp\":\"%s.%09uZ\"", text, (unsigned)(ns % 1000000000));
}

/* ---- members ---- */

/* Behind a `{` or after other members. */
static void put_name(struct sbuf *out, const char *name)
{
    if (out->p[out->n - 1] != '{')
        sbuf_str(out, STR(","));
    sbuf_printf(out, "\"%s\":", name);
}

static void put_text(struct sbuf *out, const char *name, struct str text)
{
    put_name(out, name);
    sbuf_json(out, text);
}

static void put_if(struct sbuf *out, const char *name, struct str text)
{
    if (text.n > 0)
        put_text(out, name, text);
}

static void put_url(const struct event_context *context, const struct event *event, const char *digest,
                    struct sbuf *out)
{
    const char *kind = event->target == TARGET_BLOB ? "blobs" : "manifests";
    struct sbuf url = {0};

    if (!context->relative && context->base != NULL)
        sbuf_str(&url, str_of(context->base));
    else if (!context->relative && event->origin.host.n > 0)
        sbuf_printf(&url, "%s://%.*s", event->origin.tls ? "https" : "http", (int)event->origin.host.n,
                    event->origin.host.p);
    sbuf_printf(&url, "/v2/%.*s/%s/%s", (int)event->repository.n, event->repository.p, kind, digest);
    put_text(out, "url", (struct str){url.p, url.n});
    sbuf_free(&url);
}

/* Of what was deleted no more is told than its name. */
static void put_content(const struct event_context *context, const struct event *event, struct sbuf *out)
{
    char digest[DIGEST_TEXT_MAX] = "";

    if (event->digest.alg != 0)
        digest_format(&event->digest, digest);
    put_if(out, "mediaType", event->media_type);
    put_if(out, "digest", str_of(digest));
    if (event->action != ACTION_DELETE && event->size > 0) {
        put_name(out, "size");
        sbuf_u64(out, event->size);
        put_name(out, "length");
        sbuf_u64(out, event->size);
    }
    put_if(out, "repository", event->repository);
    put_if(out, "fromRepository", event->from);
    if (event->action != ACTION_DELETE)
        put_url(context, event, digest, out);
    put_if(out, "tag", event->tag);
}

static void put_request(const struct event_origin *origin, struct sbuf *out)
{
    sbuf_str(out, STR(",\"request\":{"));
    put_text(out, "id", origin->id);
    put_if(out, "addr", origin->address);
    put_if(out, "host", origin->host);
    put_text(out, "method", origin->method);
    put_text(out, "useragent", origin->agent);
    sbuf_str(out, STR("},\"actor\":{"));
    put_if(out, "name", origin->user);
    sbuf_str(out, STR("}"));
}

static void put_source(const struct event_context *context, const struct event *event, struct sbuf *out)
{
    char run[37];

    put_uuid(event->run, run);
    sbuf_str(out, STR(",\"source\":{"));
    put_if(out, "addr", str_of(context->node));
    put_text(out, "instanceID", str_of(run));
    sbuf_str(out, STR("}"));
}

void event_json(const struct event_context *context, uint64_t number, const struct event *event, struct str references,
                struct sbuf *out)
{
    char id[37];

    event_id(context->queue, number, id);
    sbuf_printf(out, "{\"id\":\"%s\",", id);
    put_time(out, event->when_ns);
    sbuf_printf(out, ",\"action\":\"%s\",\"target\":{", event_action_names[event->action]);
    put_content(context, event, out);
    if (references.n > 0) {
        put_name(out, "references");
        sbuf_str(out, references);
    }
    sbuf_str(out, STR("}"));
    put_request(&event->origin, out);
    put_source(context, event, out);
    sbuf_str(out, STR("}"));
}
