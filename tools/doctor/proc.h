/* The kernel's tables below /proc, line by line and word by word. */
#ifndef BERTH_TOOLS_DOCTOR_PROC_H
#define BERTH_TOOLS_DOCTOR_PROC_H

#include "registry/base/str.h"

/* Cuts the next line off the front of `rest`; false at the end. */
bool proc_line(struct str *rest, struct str *line);
/* The words between blanks, at most `room`. Returns how many. */
size_t proc_words(struct str line, struct str *out, size_t room);
/* The part of `word` behind its last colon. */
struct str proc_last(struct str word);
/* One to eight hexadecimal digits. */
bool proc_hex(struct str word, uint32_t *out);

#endif
