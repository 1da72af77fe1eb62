/* The end of a request: it is counted in the metrics, and has one access-log line, unless that is off: in the
 * format of log.accesslog.formatter. Thread: the request's loop. */
#ifndef BERTH_OBSERVE_REQUEST_LOG_H
#define BERTH_OBSERVE_REQUEST_LOG_H

#include "registry/request.h"

void request_log(const struct request *rq);

#endif
