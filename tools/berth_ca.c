/*
 * berth-ca: a private certificate authority for a registry and its clients.
 */
#include <stdio.h>

/* tools */
#include "tools/ca.h"
#include "tools/certificate.h"
#include "tools/hosts.h"
#include "registry/base/options.h"

enum option { DIR_OPTION, NAME, DAYS, FORCE };

static const struct option_spec options[] = {
    [DIR_OPTION] = {"dir", "DIR", "where the authority is; default: ./ca"},
    [NAME] = {"name", "CN", "the authority's name; default: Berth registry CA"},
    [DAYS] = {"days", "N",
              "init: valid for N (3650; at most 10950); server: (825; at most that); check: and N to go (0)"},
    [FORCE] = {"force", NULL, "replace what is there"},
};

static const char *directory(const struct invocation *call)
{
    return call->given[DIR_OPTION] ? call->values[DIR_OPTION] : "ca";
}

/* Read host arguments, from the argument `first` on. */
static int take_hosts(const struct invocation *call, int first, struct hosts *hosts, struct err *e)
{
    for (int i = first; i < call->argument_count; i++)
        if (hosts_add(hosts, call->arguments[i], e) != 0)
            return -1;
    return 0;
}

static int run_init(const struct invocation *call)
{
    struct err e;
    uint64_t days;

    if (option_number(call, DAYS, 1, CA_DAYS_MAX, CA_DAYS_DEFAULT, &days, &e) != 0)
        return program_misused(call, &e);
    if (ca_init(directory(call), call->given[NAME] ? call->values[NAME] : "Berth registry CA", (unsigned)days,
                call->given[FORCE], &e) != 0)
        return program_fail(call, &e);
    printf("%s/ca.crt is what clients need to trust; keep %s/ca.key secret\n", directory(call), directory(call));
    return EXIT_DONE;
}

static int run_server(const struct invocation *call)
{
    struct hosts hosts = {.n = 0};
    struct err e;
    uint64_t days;

    if (option_number(call, DAYS, 1, CA_SERVER_DAYS_MAX, CA_SERVER_DAYS_DEFAULT, &days, &e) != 0 ||
        take_hosts(call, 0, &hosts, &e) != 0)
        return program_misused(call, &e);
    if (ca_issue_server(directory(call), &hosts, (unsigned)days, call->given[FORCE], &e) != 0)
        return program_fail(call, &e);
    printf("%s/server.crt and %s/server.key are for http.tls.certificate and http.tls.key\n", directory(call),
           directory(call));
    return EXIT_DONE;
}

static int run_show(const struct invocation *call)
{
    struct err e;
    struct certificate *certificate = certificate_read(call->arguments[0], NULL, &e);
    struct sbuf text = {0};
    int rc = certificate == NULL ? -1 : certificate_describe(certificate, &text, &e);

    if (rc == 0)
        fputs(sbuf_text(&text), stdout);
    sbuf_free(&text);
    certificate_free(&certificate);
    return rc == 0 ? EXIT_DONE : program_fail(call, &e);
}

static int run_check(const struct invocation *call)
{
    struct hosts hosts = {.n = 0};
    struct err e;
    uint64_t days;

    if (option_number(call, DAYS, 0, CA_DAYS_MAX, 0, &days, &e) != 0 || take_hosts(call, 1, &hosts, &e) != 0)
        return program_misused(call, &e);
    if (ca_check(call->arguments[0], call->values[DIR_OPTION], &hosts, (unsigned)days, &e) != 0)
        return program_fail(call, &e);
    return EXIT_DONE;
}

static int run_hosts(const struct invocation *call)
{
    struct hosts hosts = {.n = 0};
    struct err e;

    if (hosts_of_machine(&hosts, &e) != 0)
        return program_fail(call, &e);
    for (size_t i = 0; i < hosts.n; i++)
        printf("%s\n", hosts.items[i].text);
    return EXIT_DONE;
}

#define TAKES(option) (1U << (option))

int main(int argc, char **argv)
{
    const struct command_spec commands[] = {
        {"init", "", 0, 0, TAKES(DIR_OPTION) | TAKES(NAME) | TAKES(DAYS) | TAKES(FORCE), "make the authority",
         run_init},
        {"server", "HOST…", 1, HOSTS_MAX, TAKES(DIR_OPTION) | TAKES(DAYS) | TAKES(FORCE),
         "issue a server certificate for names, *.wildcards and addresses", run_server},
        {"show", "FILE", 1, 1, 0, "describe a certificate", run_show},
        {"check", "FILE HOST…", 2, 1 + HOSTS_MAX, TAKES(DIR_OPTION) | TAKES(DAYS),
         "is it good for these hosts (and, with --dir, from that authority)?", run_check},
        {"hosts", "", 0, 0, 0, "print this machine's names and addresses", run_hosts},
    };
    const struct program_spec program = {
        .name = "berth-ca",
        .summary = "a private certificate authority for a registry and its clients",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .notes = "A server certificate for all this machine is called:\n"
                 "  berth-ca init && berth-ca server $(berth-ca hosts)\n"
                 "\n"
                 "exit status: 0 done, 1 refused or not good, 2 wrong usage, 3 file not found\n",
    };

    return program_run(&program, argc, argv);
}
