/* Sizes in bytes, as people write them. */
#ifndef BERTH_CONFIG_SIZE_H
#define BERTH_CONFIG_SIZE_H

#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* "4MiB", "512KiB", "1GiB", "2TiB" in powers of 1024, "4MB", "512KB", "100GB", "2TB" in powers of 1000, "100B", or a bare
 * integer, which counts bytes. Malformed or over 2^63-1:
 * ERR_INVALID, *bytes untouched. Thread: any. */
int size_parse(struct str text, uint64_t *bytes, struct err *e);

#endif
