#include "registry/api/api.h"
#include "registry/reply.h"

void api_base(struct request *rq)
{
    reply_body(rq, 200, "application/json", STR("{}"));
}
