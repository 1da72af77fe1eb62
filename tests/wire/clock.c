/* Preloaded into a server: the wall clock is ahead by as many seconds as the file named by CLOCK_AHEAD says, a native
 * int64_t. The monotonic clock is left alone, as the kernel does when somebody sets the time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("CLOCK_AHEAD");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        abort();
    close(fd);
    ahead = bytes;
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
    int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);

    if (rc == 0 && ahead != NULL && (clock_id == CLOCK_REALTIME || clock_id == CLOCK_REALTIME_COARSE))
        tp->tv_sec += *ahead;
    return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec now;

    (void)tz;
    clock_gettime(CLOCK_REALTIME, &now);
    *tv = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *timer)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (timer != NULL)
        *timer = now.tv_sec;
    return now.tv_sec;
}
