/*
 * Text of others in messages: whatever it is, it comes out short, printable and between quotes.
 *
 * Thread: any; no state.
 */
#ifndef BERTH_BASE_QUOTE_H
#define BERTH_BASE_QUOTE_H

#include "registry/base/str.h"

enum {
    QUOTE_SHOWN = 64,                        /* bytes of the text */
    QUOTE_MAX = QUOTE_SHOWN * 4 + 2 + 3 + 1, /* all of them escaped, quotes, "…", terminator */
};

/* Writes the text to `out`, terminated: quotes and backslashes with a backslash, what is not printable ASCII as \xNN,
 * and "…" for what is over QUOTE_SHOWN. Returns `out`. */
const char *quote(struct str text, char out[static QUOTE_MAX]);

#endif
