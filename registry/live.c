#include "registry/live.h"

void live_init(struct live *live, const struct config *config)
{
    atomic_init(&live->readonly, config->readonly);
    atomic_init(&live->drained, false);
    atomic_init(&live->stopping, false);
}

bool live_is_readonly(const struct live *live)
{
    return atomic_load_explicit(&live->readonly, memory_order_relaxed);
}

void live_set_readonly(struct live *live, bool readonly)
{
    atomic_store(&live->readonly, readonly);
}

bool live_is_drained(const struct live *live)
{
    return atomic_load_explicit(&live->drained, memory_order_relaxed);
}

void live_set_drained(struct live *live, bool drained)
{
    atomic_store(&live->drained, drained);
}

bool live_is_stopping(const struct live *live)
{
    return atomic_load_explicit(&live->stopping, memory_order_relaxed);
}

void live_set_stopping(struct live *live)
{
    atomic_store(&live->stopping, true);
}
