#include "registry/base/interrupt.h"

#include <stddef.h>

bool interrupt_wanted(const struct interrupt *interrupt)
{
    return interrupt != NULL && interrupt->wanted != NULL && interrupt->wanted(interrupt->arg);
}

int interrupt_check(const struct interrupt *interrupt, const char *text, struct err *e)
{
    if (!interrupt_wanted(interrupt))
        return 0;
    return err_set(e, ERR_BUSY, "%s", text);
}
