/* `berth doctor`: the command line of tools/doctor/, which knows nothing of the server's program. */
#include "registry/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "registry/process/run_as.h"
#include "tools/doctor/doctor.h"

/* In the order of the command line; the caller frees the array, the words are the call's. */
static const char **hosts_of(const struct invocation *call, size_t *n)
{
    const char **hosts = xcalloc(call->all_count + 1, sizeof(*hosts));

    *n = 0;
    while ((hosts[*n] = option_value(call, OPTION_HOST, *n)) != NULL)
        (*n)++;
    return hosts;
}

int command_doctor(const struct invocation *call)
{
    const char *who = option_value(call, OPTION_USER, 0);
    struct doctor_request request = {.config = call->argument_count > 0 ? call->arguments[0] : NULL,
                                     .environment = environ,
                                     .json = call->given[OPTION_JSON]};
    struct doctor_user user;
    struct run_as found;
    struct sbuf out = {0};
    const char **hosts;
    struct err e;
    int errors;

    if (who != NULL && run_as_find(who, &found, &e) != 0)
        return program_misused(call, &e);
    if (who != NULL) {
        user = (struct doctor_user){found.name, found.uid, found.gid};
        request.user = &user;
    }
    hosts = hosts_of(call, &request.host_count);
    request.hosts = hosts;
    errors = doctor_run(&request, &out, &e);
    free(hosts);
    if (errors < 0)
        return program_misused(call, &e);
    fwrite(out.p, 1, out.n, stdout);
    sbuf_free(&out);
    return errors == 0 ? EXIT_DONE : EXIT_REFUSED;
}
