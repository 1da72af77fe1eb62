/*
 * Which events an endpoint is told: those whose action and media type its configuration does not ignore.
 *
 * Thread: any; the configuration is constant.
 */
#ifndef BERTH_EVENTS_EVENT_FILTER_H
#define BERTH_EVENTS_EVENT_FILTER_H

#include <stdbool.h>

#include "registry/base/str.h"
#include "registry/config/config.h"

/* Does the endpoint want it? An event without a media type, of a deletion, has an empty one. */
bool event_filter_wants(const struct config_endpoint *endpoint, enum event_action action, struct str media_type);

#endif
