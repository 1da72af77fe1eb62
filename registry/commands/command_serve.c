/* `berth serve`: the server, until a signal ends it. */
#include "registry/commands/commands.h"

#include <signal.h>
#include <unistd.h>

#include "registry/base/log.h"
#include "registry/config/config.h"
#include "registry/housekeeper.h"
#include "registry/process/image_user.h"
#include "registry/process/run_as.h"
#include "registry/server.h"

static void block_signals(void)
{
    sigset_t signals;

    house_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Whom to become: NULL is to stay who we are. */
static int find_user(const struct invocation *call, struct run_as *user, const struct run_as **out, struct err *e)
{
    const char *who = option_value(call, OPTION_USER, 0);

    *out = NULL;
    if (who == NULL)
        return image_user_find(user, out, e);
    if (run_as_find(who, user, e) != 0)
        return -1;
    *out = user;
    return 0;
}

int command_serve(const struct invocation *call)
{
    const struct run_as *who;
    struct run_as user;
    struct err e = {0};
    struct config *config;
    int rc = -1;

    if (find_user(call, &user, &who, &e) != 0)
        return program_misused(call, &e);
    block_signals();
    config = config_load(call->argument_count > 0 ? call->arguments[0] : NULL, environ, &e);
    if (config != NULL) {
        log_init(config->log_level, config->log_format, config->log_fields, config->log_field_count);
        rc = server_run(config, environ, who, &e);
    }
    if (rc != 0)
        log_error("%s", e.text);
    config_free(&config);
    return rc == 0 ? EXIT_DONE : EXIT_REFUSED;
}
