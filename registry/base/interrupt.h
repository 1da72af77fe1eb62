/*
 * Long work asks between its steps whether it should end: whoever wanted it has gone, or the server stops.
 *
 * Thread: wanted() runs in the thread that works, and may take its time there: a pause is a use of it, too.
 */
#ifndef BERTH_BASE_INTERRUPT_H
#define BERTH_BASE_INTERRUPT_H

#include <stdbool.h>

#include "registry/base/err.h"

/* All zeros: never. */
struct interrupt {
    bool (*wanted)(void *arg);
    void *arg;
};

/* Is it to end? NULL is never. */
bool interrupt_wanted(const struct interrupt *interrupt);
/* The same: 0, or -1 with ERR_BUSY and `text`, which says what becomes of what was done so far. */
int interrupt_check(const struct interrupt *interrupt, const char *text, struct err *e);
#define INTERRUPT_RESUMES "interrupted; run it again to go on"

#endif
