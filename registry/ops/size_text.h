/* Sizes for people. Thread: any. */
#ifndef BERTH_OPS_SIZE_TEXT_H
#define BERTH_OPS_SIZE_TEXT_H

#include <stdint.h>

enum { SIZE_TEXT_MAX = 32 };

/* "123 bytes", "1.2 GiB"; returns `out`. */
const char *size_text(uint64_t bytes, char out[SIZE_TEXT_MAX]);

#endif
