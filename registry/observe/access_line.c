#include "registry/observe/access_line.h"

/* Could the byte end a field or a line, or be taken for an escape? `least` is the smallest that is shown as it is. */
static bool is_special(unsigned char c, unsigned char least)
{
    return c < least || c >= 0x7f || c == '"' || c == '\\';
}

static void put_escaped(struct sbuf *out, struct str s, unsigned char least)
{
    while (s.n > 0) {
        size_t n = 0;

        while (n < s.n && !is_special((unsigned char)s.p[n], least))
            n++;
        sbuf_put(out, s.p, n);
        s = str_from(s, n);
        if (s.n > 0)
            sbuf_printf(out, "\\x%02x", (unsigned char)s.p[0]);
        s = str_from(s, 1);
    }
}

static void put_quoted(struct sbuf *out, struct str s)
{
    sbuf_str(out, STR(" \""));
    put_escaped(out, s.n == 0 ? STR("-") : s, ' ');
    sbuf_str(out, STR("\""));
}

static void put_who(struct sbuf *out, const struct access_line *line)
{
    sbuf_str(out, line->address);
    sbuf_str(out, STR(" - "));
    put_escaped(out, line->user.n == 0 ? STR("-") : line->user, ' ' + 1);
    sbuf_str(out, STR(" ["));
    sbuf_str(out, line->time);
    sbuf_str(out, STR("]"));
}

static void put_request(struct sbuf *out, const struct access_line *line)
{
    sbuf_str(out, STR(" \""));
    put_escaped(out, line->method, ' ');
    sbuf_str(out, STR(" "));
    put_escaped(out, line->target, ' ');
    sbuf_str(out, STR(" HTTP/1."));
    sbuf_u64(out, line->minor);
    sbuf_str(out, STR("\""));
}

void access_line_put(struct sbuf *out, const struct access_line *line)
{
    put_who(out, line);
    put_request(out, line);
    sbuf_str(out, STR(" "));
    sbuf_u64(out, (uint64_t)line->status);
    sbuf_str(out, STR(" "));
    sbuf_u64(out, line->bytes);
    put_quoted(out, line->referer);
    put_quoted(out, line->agent);
    sbuf_str(out, STR(" "));
    sbuf_str(out, line->id);
    sbuf_str(out, STR("\n"));
}
