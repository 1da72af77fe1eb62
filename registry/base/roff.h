/*
 * Text in manual pages (man(7)): nothing in it is taken for a request or changed. All of it goes to stdout, in ASCII:
 * characters beyond it become roff's names for them.
 */
#ifndef BERTH_BASE_ROFF_H
#define BERTH_BASE_ROFF_H

#include "registry/base/str.h"

/* Within a line that does not begin with it. */
void roff_text(struct str text);
/* A line of its own. */
void roff_line(struct str line);
/* Within a line, in bold ('B') or italics ('I'). */
void roff_font(char font, const char *text);

#endif
