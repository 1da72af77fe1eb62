#include "registry/events/event_filter.h"

bool event_filter_wants(const struct config_endpoint *endpoint, enum event_action action, struct str media_type)
{
    if (endpoint->ignored[action])
        return false;
    for (size_t i = 0; i < endpoint->ignored_types.n; i++)
        if (str_eq(media_type, str_of(endpoint->ignored_types.items[i])))
            return false;
    return true;
}
