/* One access-log line per request: the combined format, then the request's id and its duration. Thread: the request's
 * loop. */
#ifndef BERTH_REGISTRY_REQUEST_LOG_H
#define BERTH_REGISTRY_REQUEST_LOG_H

#include "registry/request.h"

void request_log(const struct request *rq);

#endif
