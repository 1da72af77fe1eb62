/* What the machine says of itself. */
#ifndef BERTH_TOOLS_DOCTOR_MACHINE_H
#define BERTH_TOOLS_DOCTOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

int64_t machine_now_s(void);
/* As the kernel has been told by who synchronises it; true where that is not for this machine to do. */
bool machine_clock_is_synchronised(void);
/* How long it takes until 4 KiB are on the disk, in the middle of a few: half a second in all. */
bool machine_measure_sync(const char *directory, uint64_t *median_us);

#endif
