/*
 * What the fuzz programs share. Each is one libFuzzer target: it feeds one parser with the input, and checks what must
 * hold of any answer, so that a wrong answer is found as well as a crash.
 */
#ifndef BERTH_FUZZ_H
#define BERTH_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "registry/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test; what breaks it is a finding. */
#define HOLDS(condition)  \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

static inline struct str fuzz_text(const uint8_t *data, size_t size)
{
    return (struct str){(const char *)data, size};
}

/* The text up to the first `separator`, cut off `rest` together with it. */
static inline struct str fuzz_field(struct str *rest, char separator)
{
    struct str field = {rest->p, str_find(*rest, separator)};

    *rest = str_from(*rest, field.n + 1);
    return field;
}

#endif
