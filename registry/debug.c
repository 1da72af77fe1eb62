#include "registry/debug.h"

#include "registry/report.h"
#include "registry/server.h"
#include "registry/side.h"

int debug_handle(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct config *config = side_loop(req)->server->config;
    struct str path = side_path(req);
    bool health = str_eq(path, STR("/debug/health"));
    bool metrics = config->prometheus_enabled && str_eq(path, str_of(config->prometheus_path));

    (void)handler;
    if (!health && !metrics)
        side_say(req, 404, "nothing here");
    else if (!side_is_read(req))
        side_refuse_method(req);
    else if (health)
        side_reply(req, 200, "application/json", STR("{}"));
    else
        report_answer(req, report_server);
    return 0;
}
