#include "registry/events/event.h"

#include <endian.h>
#include <string.h>

enum {
    VERSION = 1,
    TEXT_MAX = 1024, /* bytes of what a client can make as long as it likes */
    FIXED = 4 + 8 + EVENT_RUN_BYTES + 8,
};

/* ---- encoding ---- */

static void put_text(struct sbuf *out, struct str text)
{
    size_t n = text.n < TEXT_MAX ? text.n : TEXT_MAX;
    uint16_t length = htobe16((uint16_t)n);

    sbuf_put(out, &length, sizeof(length));
    sbuf_put(out, text.p, n);
}

void event_origin_pack(const struct event_origin *origin, struct sbuf *out)
{
    char tls = origin->tls ? 1 : 0;

    sbuf_put(out, &tls, 1);
    put_text(out, origin->id);
    put_text(out, origin->address);
    put_text(out, origin->host);
    put_text(out, origin->method);
    put_text(out, origin->agent);
    put_text(out, origin->user);
}

static void put_fixed(const struct event *event, bool tls, struct sbuf *out)
{
    uint64_t when = htobe64(event->when_ns), size = htobe64(event->size);
    char fixed[FIXED] = {VERSION, (char)event->action, (char)event->target, (char)tls};

    memcpy(fixed + 4, &when, sizeof(when));
    memcpy(fixed + 12, event->run, sizeof(event->run));
    memcpy(fixed + 12 + sizeof(event->run), &size, sizeof(size));
    sbuf_put(out, fixed, sizeof(fixed));
}

void event_pack(const struct event *event, struct str origin, struct sbuf *out)
{
    uint8_t digest[DIGEST_KEY_MAX];
    size_t n = event->digest.alg == 0 ? 0 : digest_to_key(&event->digest, digest);

    put_fixed(event, origin.n > 0 && origin.p[0] != 0, out);
    put_text(out, event->media_type);
    put_text(out, (struct str){(const char *)digest, n});
    put_text(out, event->repository);
    put_text(out, event->tag);
    put_text(out, event->from);
    sbuf_str(out, str_from(origin, 1));
}

/* ---- decoding ---- */

static bool take_text(struct str *in, struct str *out)
{
    uint16_t length;

    if (in->n < sizeof(length))
        return false;
    memcpy(&length, in->p, sizeof(length));
    length = be16toh(length);
    *in = str_from(*in, sizeof(length));
    if (in->n < length)
        return false;
    *out = (struct str){in->p, length};
    *in = str_from(*in, length);
    return true;
}

static bool take_digest(struct str *in, struct digest *out)
{
    struct str key;

    if (!take_text(in, &key))
        return false;
    *out = (struct digest){0};
    return key.n == 0 || digest_from_key((const uint8_t *)key.p, key.n, out) == key.n;
}

static bool take_fixed(struct str *in, struct event *out)
{
    uint64_t when, size;

    if (in->n < FIXED || in->p[0] != VERSION || (uint8_t)in->p[1] >= ACTIONS || (uint8_t)in->p[2] >= TARGETS ||
        (uint8_t)in->p[3] > 1)
        return false;
    out->action = (enum event_action)in->p[1];
    out->target = (enum event_target)in->p[2];
    out->origin.tls = in->p[3] != 0;
    memcpy(&when, in->p + 4, sizeof(when));
    memcpy(out->run, in->p + 12, sizeof(out->run));
    memcpy(&size, in->p + 12 + sizeof(out->run), sizeof(size));
    out->when_ns = be64toh(when);
    out->size = be64toh(size);
    *in = str_from(*in, FIXED);
    return true;
}

static bool take_origin(struct str *in, struct event_origin *out)
{
    return take_text(in, &out->id) && take_text(in, &out->address) && take_text(in, &out->host) &&
           take_text(in, &out->method) && take_text(in, &out->agent) && take_text(in, &out->user);
}

bool event_unpack(struct str record, struct event *out)
{
    return take_fixed(&record, out) && take_text(&record, &out->media_type) && take_digest(&record, &out->digest) &&
           take_text(&record, &out->repository) && take_text(&record, &out->tag) && take_text(&record, &out->from) &&
           take_origin(&record, &out->origin) && record.n == 0;
}
