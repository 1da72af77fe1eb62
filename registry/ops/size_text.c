#include "registry/ops/size_text.h"

#include <stddef.h>
#include <stdio.h>

const char *size_text(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(out, SIZE_TEXT_MAX, "%llu bytes", (unsigned long long)bytes);
    else
        snprintf(out, SIZE_TEXT_MAX, "%.1f %s", size, units[unit]);
    return out;
}
