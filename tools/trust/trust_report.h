/*
 * What a host answered, line by line, and what came of it.
 *
 * The lines that count begin with "@berth"; then come a tag and its words, with a tab in front of each:
 *
 *     begin 1                              the script runs, as root
 *     found RUNTIME                        docker, containerd, containers or boot2docker is there
 *     file STATE PATH                      written, unchanged, removed, would-write, would-remove
 *     note TEXT                            what the administrator should know
 *     error TEXT                           something failed; the rest is still done
 *     check RUNTIME PLACE RESULT UNTIL TEXT    trusted or refused; the end of the registry's certificate as OpenSSL
 *                                          writes it, or nothing; why
 *     daemon-file present|absent PATH      daemon.json, its bytes follow
 *     daemon HEX HEX…                      bytes of it
 *     done 0|1                             the end; anything but 0: something failed
 *
 * Anything else, and all that comes before begin or after done, is what login scripts say, and is ignored. The host may be hostile: lines, their number and the bytes
 * of daemon.json are bounded, and no text reaches the terminal before it went through trust_clean().
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_REPORT_H
#define BERTH_TOOLS_TRUST_TRUST_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* base */
#include "registry/base/str.h"

enum { TRUST_LINE_MAX = 4096, TRUST_ENTRIES_MAX = 1000, TRUST_WORDS = 5, TRUST_TEXT_MAX = 800 };

enum trust_tag {
    TAG_BEGIN,
    TAG_FOUND,
    TAG_FILE,
    TAG_NOTE,
    TAG_ERROR,
    TAG_CHECK,
    TAG_DAEMON_FILE,
    TAG_DAEMON,
    TAG_DONE,
};

/* One line. The words are clean; those that the line did not have are empty. */
struct trust_entry {
    enum trust_tag tag;
    char *words[TRUST_WORDS];
};

struct trust_report {
    struct trust_entry *entries; /* without begin, daemon and done */
    size_t n;
    bool began, done; /* of the last step */
    bool failed;      /* it is done, and says that something failed; of the last step */
    bool daemon_seen, daemon_there;
    struct sbuf daemon; /* the bytes of daemon.json */
};

/* Take one line, without its newline. */
void trust_report_line(struct trust_report *report, struct str line);
/* Add an error of our own. */
void trust_report_error(struct trust_report *report, const char *text);
void trust_report_free(struct trust_report *report);

/* The first error's text; NULL when there is none. */
const char *trust_report_problem(const struct trust_report *report);
/* How many files are in that state. */
size_t trust_report_count(const struct trust_report *report, const char *state);
/* How many checks came to that result; NULL: to any. */
size_t trust_report_checks(const struct trust_report *report, const char *result);

/* Append `text` so that a terminal shows it and does nothing else: control characters, bytes that are no UTF-8 and
 * characters that turn the direction of writing become "?"; at most `limit` bytes, cut with "…". */
void trust_clean(struct str text, size_t limit, struct sbuf *out);

/* "Nov 22 11:11:46 2027 GMT" as a time; false for anything else. */
bool trust_date(const char *text, time_t *out);

#endif
