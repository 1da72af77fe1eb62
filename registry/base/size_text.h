/* Sizes for people. */
#ifndef BERTH_BASE_SIZE_TEXT_H
#define BERTH_BASE_SIZE_TEXT_H

#include <stdint.h>

enum { SIZE_TEXT_ROOM = 32 };

/* "1023 bytes", "1.2 GiB". Returns `out`. */
const char *size_text(uint64_t bytes, char out[SIZE_TEXT_ROOM]);

#endif
