#include "registry/events/event_retry.h"

uint64_t event_retry_pause_ms(uint64_t failures, uint64_t threshold, uint64_t backoff_ms)
{
    uint64_t pause = backoff_ms;

    if (failures < threshold)
        return 0;
    for (uint64_t more = failures - threshold; more > 0 && pause < RETRY_PAUSE_MOST_MS; more--)
        pause = pause * 2 < RETRY_PAUSE_MOST_MS ? pause * 2 : RETRY_PAUSE_MOST_MS;
    return pause;
}
