#include "registry/base/pace.h"

bool pace_take(struct pace *pace, uint64_t now_ms, uint64_t every_ms, uint64_t *held)
{
    uint64_t due_ms = atomic_load(&pace->due_ms);

    if (now_ms < due_ms || !atomic_compare_exchange_strong(&pace->due_ms, &due_ms, now_ms + every_ms)) {
        atomic_fetch_add(&pace->held, 1);
        return false;
    }
    *held = atomic_exchange(&pace->held, 0);
    return true;
}
