#include "tools/doctor/machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "registry/base/clock.h"

enum { SYNCS_MAX = 50, SYNC_WINDOW_MS = 500, SYNC_BYTES = 4096 };

int64_t machine_now_s(void)
{
    return (int64_t)clock_wall_s();
}

/* Where no service manager runs, in a container or a build machine, the clock is somebody else's to keep. */
bool machine_clock_is_synchronised(void)
{
    struct timex look = {.modes = 0};

    return access("/run/systemd/system", F_OK) != 0 || adjtimex(&look) != TIME_ERROR || (look.status & STA_UNSYNC) == 0;
}

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* A file without a name: whatever ends us ends it. */
bool machine_measure_sync(const char *directory, uint64_t *median_us)
{
    static const char zeros[SYNC_BYTES];
    uint64_t took[SYNCS_MAX], began = now_us();
    size_t n = 0;
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    while (n < SYNCS_MAX && (now_us() - began) / 1000 < SYNC_WINDOW_MS) {
        uint64_t before = now_us();

        if (pwrite(fd, zeros, sizeof(zeros), (off_t)(n * SYNC_BYTES)) != SYNC_BYTES || fdatasync(fd) != 0)
            break;
        took[n++] = now_us() - before;
    }
    close(fd);
    if (n == 0)
        return false;
    qsort(took, n, sizeof(took[0]), by_size);
    *median_us = took[n / 2];
    return true;
}
