#include "registry/observe/access_line.h"

/* Formatted output would cost ten times as much as the rest of a line: texts and numbers are put together by hand. */

static void put_digits(struct sbuf *out, uint64_t number, unsigned digits)
{
    char text[8];

    for (unsigned i = digits; i > 0; i--, number /= 10)
        text[i - 1] = (char)('0' + number % 10);
    sbuf_put(out, text, digits);
}

/* `key` with its quotes, comma and colon: ,"user": */
static void put_number(struct sbuf *out, struct str key, uint64_t number)
{
    sbuf_str(out, key);
    sbuf_u64(out, number);
}

/* Members that a request does not have are left out, so that lines stay short. */
static void put_text(struct sbuf *out, struct str key, struct str value)
{
    if (value.n == 0)
        return;
    sbuf_str(out, key);
    sbuf_json(out, value);
}

static void put_word(struct sbuf *out, struct str key, const char *word)
{
    if (word != NULL)
        put_text(out, key, str_of(word));
}

/* Requests come many in a second: its text is made once. */
static void put_time(struct sbuf *out, int64_t seconds, unsigned ms)
{
    static _Thread_local int64_t made = -1;
    static _Thread_local char text[CLOCK_TEXT_ROOM];

    if (made != seconds) {
        clock_text(seconds, text);
        made = seconds;
    }
    sbuf_str(out, STR("{\"time\":\""));
    sbuf_put(out, text, sizeof("2026-11-22T10:15:30") - 1); /* all but the Z */
    sbuf_put(out, ".", 1);
    put_digits(out, ms, 3);
    sbuf_str(out, STR("Z\""));
}

static void put_numbers(struct sbuf *out, const struct access_line *line)
{
    put_number(out, STR(",\"status\":"), (uint64_t)line->status);
    put_number(out, STR(",\"bytes_received\":"), line->received);
    put_number(out, STR(",\"bytes_sent\":"), line->bytes);
    put_number(out, STR(",\"duration_seconds\":"), line->us / 1000000);
    sbuf_put(out, ".", 1);
    put_digits(out, line->us, 6);
}

void access_json_put(struct sbuf *out, const struct access_line *line)
{
    size_t mark = str_find(line->target, '?');

    put_time(out, line->time_s, line->time_ms);
    put_text(out, STR(",\"id\":"), line->id);
    put_text(out, STR(",\"address\":"), line->address);
    put_text(out, STR(",\"user\":"), line->user);
    put_text(out, STR(",\"certificate\":"), line->certificate);
    put_text(out, STR(",\"method\":"), line->method);
    put_text(out, STR(",\"path\":"), (struct str){line->target.p, mark});
    put_text(out, STR(",\"query\":"), str_from(line->target, mark + 1));
    put_number(out, STR(",\"protocol\":\"HTTP/1."), line->minor);
    sbuf_put(out, "\"", 1);
    put_word(out, STR(",\"route\":"), line->route);
    put_text(out, STR(",\"repository\":"), line->repository);
    put_text(out, STR(",\"reference\":"), line->reference);
    put_text(out, STR(",\"digest\":"), line->digest);
    put_numbers(out, line);
    put_word(out, STR(",\"error\":"), line->error);
    put_text(out, STR(",\"referer\":"), line->referer);
    put_text(out, STR(",\"agent\":"), line->agent);
    put_word(out, STR(",\"tls\":"), line->tls_version);
    put_word(out, STR(",\"cipher\":"), line->tls_cipher);
    sbuf_str(out, STR("}\n"));
}
