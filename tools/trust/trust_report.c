#include "tools/trust/trust_report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* tools */
#include "tools/trust/trust_daemon.h"

#define PREFIX STR("@berth\t")

/* The vocabulary. `words` is how many a line must have at least. */
static const struct {
    const char *name;
    unsigned words;
} tags[] = {
    [TAG_BEGIN] = {"begin", 1},
    [TAG_FOUND] = {"found", 1},
    [TAG_FILE] = {"file", 2},
    [TAG_NOTE] = {"note", 1},
    [TAG_ERROR] = {"error", 1},
    [TAG_CHECK] = {"check", 3},
    [TAG_DAEMON_FILE] = {"daemon-file", 2},
    [TAG_DAEMON] = {"daemon", 1},
    [TAG_DONE] = {"done", 1},
};

/* Bytes of the UTF-8 sequence at the beginning; 0 when it is none, or none to be shown. */
static size_t shown(struct str s)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead < 0x80                   ? 1
               : lead >= 0xc2 && lead < 0xe0 ? 2
               : lead >= 0xe0 && lead < 0xf0 ? 3
               : lead >= 0xf0 && lead < 0xf5 ? 4
                                             : 0;
    uint32_t point = n == 1 ? lead : lead & (0xffU >> (n + 1));

    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    if (point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
        return 0;
    if ((n == 3 && point < 0x800) || (n == 4 && point < 0x10000)) /* longer than it need be */
        return 0;
    /* Directional marks, embeddings and isolates; line and paragraph separators. */
    if ((point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
        (point >= 0x2066 && point <= 0x2069) || point == 0xfeff)
        return 0;
    return n;
}

void trust_clean(struct str text, size_t limit, struct sbuf *out)
{
    size_t room = limit;

    while (text.n > 0) {
        size_t n = shown(text);

        if (room < (n == 0 ? 1 : n)) {
            sbuf_str(out, STR("…"));
            return;
        }
        if (n == 0)
            sbuf_put(out, "?", 1);
        else
            sbuf_put(out, text.p, n);
        room -= n == 0 ? 1 : n;
        text = str_from(text, n == 0 ? 1 : n);
    }
}

static char *clean_copy(struct str text)
{
    struct sbuf out = {0};

    trust_clean(text, TRUST_TEXT_MAX, &out);
    sbuf_text(&out); /* terminates it */
    return out.p;
}

static void add_entry(struct trust_report *report, enum trust_tag tag, const struct str words[TRUST_WORDS])
{
    struct trust_entry *entry;

    if (report->n == TRUST_ENTRIES_MAX)
        return;
    report->entries = xrealloc(report->entries, (report->n + 1) * sizeof(*report->entries));
    entry = &report->entries[report->n++];
    entry->tag = tag;
    for (size_t i = 0; i < TRUST_WORDS; i++)
        entry->words[i] = clean_copy(words[i]);
}

void trust_report_error(struct trust_report *report, const char *text)
{
    const struct str words[TRUST_WORDS] = {str_of(text)};

    /* Whatever the host has said, this has room. */
    if (report->n == TRUST_ENTRIES_MAX) {
        report->n--;
        for (size_t i = 0; i < TRUST_WORDS; i++)
            free(report->entries[report->n].words[i]);
    }
    add_entry(report, TAG_ERROR, words);
}

/* Bytes as od writes them. What is no hexadecimal is left out: the text is then no JSON any more. */
static void take_daemon(struct trust_report *report, struct str line)
{
    for (size_t i = 0; i + 1 < line.n;) {
        uint8_t byte;

        if (hex_decode(line.p + i, 1, &byte)) {
            if (report->daemon.n <= TRUST_DAEMON_MAX)
                sbuf_put(&report->daemon, &byte, 1);
            i += 2;
        } else {
            i++;
        }
    }
}

static void take_daemon_file(struct trust_report *report, const struct str words[TRUST_WORDS])
{
    report->daemon_seen = true;
    report->daemon_there = str_eq(words[0], STR("present"));
    report->daemon.n = 0;
}

/* Cut a line at its tabs. What is over goes with the last word. Returns how many there are. */
static unsigned split(struct str line, struct str words[TRUST_WORDS])
{
    unsigned n = 0;

    while (n < TRUST_WORDS) {
        size_t end = n + 1 == TRUST_WORDS ? line.n : str_find(line, '\t');

        words[n++] = (struct str){line.p, end};
        if (end == line.n)
            break;
        line = str_from(line, end + 1);
    }
    return n;
}

static bool has_found(const struct trust_report *report, struct str runtime)
{
    for (size_t i = 0; i < report->n; i++)
        if (report->entries[i].tag == TAG_FOUND && str_eq(str_of(report->entries[i].words[0]), runtime))
            return true;
    return false;
}

void trust_report_line(struct trust_report *report, struct str line)
{
    struct str words[TRUST_WORDS] = {0}, tag;
    size_t i = 0;

    if (!str_starts(line, PREFIX))
        return;
    line = str_from(line, PREFIX.n);
    tag = (struct str){line.p, str_find(line, '\t')};
    while (i < sizeof(tags) / sizeof(tags[0]) && !str_eq(tag, str_of(tags[i].name)))
        i++;
    if (i == sizeof(tags) / sizeof(tags[0]) || tag.n == line.n ||
        split(str_from(line, tag.n + 1), words) < tags[i].words)
        return;
    if (i == TAG_BEGIN)
        report->began = true;
    if (!report->began || report->done || i == TAG_BEGIN)
        return;
    if (i == TAG_DONE) {
        report->done = true;
        report->failed = !str_eq(words[0], STR("0"));
    } else if (i == TAG_DAEMON) {
        take_daemon(report, words[0]);
    } else if (i != TAG_FOUND || !has_found(report, words[0])) { /* each step says it */
        add_entry(report, (enum trust_tag)i, words);
    }
    if (i == TAG_DAEMON_FILE)
        take_daemon_file(report, words);
}

void trust_report_free(struct trust_report *report)
{
    for (size_t i = 0; i < report->n; i++)
        for (size_t k = 0; k < TRUST_WORDS; k++)
            free(report->entries[i].words[k]);
    free(report->entries);
    sbuf_free(&report->daemon);
    *report = (struct trust_report){0};
}

const char *trust_report_problem(const struct trust_report *report)
{
    for (size_t i = 0; i < report->n; i++)
        if (report->entries[i].tag == TAG_ERROR)
            return report->entries[i].words[0];
    return NULL;
}

size_t trust_report_count(const struct trust_report *report, const char *state)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++)
        n += report->entries[i].tag == TAG_FILE && strcmp(report->entries[i].words[0], state) == 0;
    return n;
}

size_t trust_report_checks(const struct trust_report *report, const char *result)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++)
        n += report->entries[i].tag == TAG_CHECK &&
             (result == NULL || strcmp(report->entries[i].words[2], result) == 0);
    return n;
}

bool trust_date(const char *text, time_t *out)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%b %d %H:%M:%S %Y GMT", &parts);

    if (end == NULL || *end != '\0')
        return false;
    *out = timegm(&parts);
    return *out != (time_t)-1;
}
