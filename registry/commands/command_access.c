/*
 * `berth access`: asks the access rules what the server would ask them. Reads the configuration as the server does, or
 * a file of rules that is not in force yet; talks to no server.
 */
#include "registry/commands/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* auth */
#include "auth/access.h"

/* base */
#include "registry/base/file.h"
#include "registry/base/log.h"

/* registry */
#include "registry/config/config.h"
#include "registry/config/config_access.h"

/* Says that nobody logged in, where a user is asked for. */
static const char nobody[] = "-";

/* ---- the rules ---- */

static int read_rules_file(const char *path, struct access **out, struct err *e)
{
    struct sbuf text = {0};
    int rc = file_read(path, CONFIG_ACCESS_FILE_MAX, &text, e);

    if (rc == 0)
        rc = config_access_of_file(path, (struct str){text.p, text.n}, out, e);
    sbuf_free(&text);
    return rc;
}

/* The rules that a server with this configuration would have in force; without any, what holds then. */
static int read_configured(const char *path, struct access **out, struct err *e)
{
    struct config *config;
    int rc = 0;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0); /* only the answer is wanted */
    config = config_load(path, environ, e);
    if (config == NULL)
        return -1;
    if (config->access_file != NULL) {
        rc = read_rules_file(config->access_file, out, e);
    } else if (config->access != NULL) {
        *out = config->access;
        config->access = NULL;
    } else {
        *out = access_preset(STR("authenticated"), e);
    }
    config_free(&config);
    return rc;
}

static struct access *read_rules(const struct invocation *call, struct err *e)
{
    struct access *access = NULL;
    int rc = call->given[OPTION_RULES] ? read_rules_file(call->values[OPTION_RULES], &access, e)
                                       : read_configured(call->values[OPTION_CONFIG], &access, e);

    return rc == 0 ? access : NULL;
}

/* ---- the question ---- */

struct question {
    struct access_caller caller;
    enum access_action action;
    struct str repository;
};

static int take_question(const struct invocation *call, struct question *q, struct err *e)
{
    const char *address = call->values[OPTION_ADDRESS];

    *q = (struct question){.repository = str_of(call->arguments[3])};
    if (strcmp(call->arguments[1], nobody) != 0)
        q->caller.user = str_of(call->arguments[1]);
    if (call->given[OPTION_CERTIFICATE])
        q->caller.certificate = str_of(call->values[OPTION_CERTIFICATE]);
    if (address != NULL && !network_address_parse(str_of(address), &q->caller.address))
        return err_set(e, ERR_INVALID, "--address takes an IPv4 or IPv6 address, not %.80s", address);
    return access_action_parse(str_of(call->arguments[2]), &q->action, e);
}

/* ---- the answer ---- */

static void explain_skipped(const struct access *access, const struct question *q, size_t decided)
{
    size_t end = decided == 0 ? access_rule_count(access) : decided - 1;

    for (size_t rule = 1; rule <= end; rule++) {
        struct sbuf text = {0};

        access_describe(access, rule, &text);
        sbuf_printf(&text, "\n    does not match: ");
        access_describe_parts(access_mismatch(access, rule, &q->caller, q->action, q->repository), &text);
        printf("  %s\n", sbuf_text(&text));
        sbuf_free(&text);
    }
}

static void print_json(const struct access_decision *decision, struct str rule)
{
    struct sbuf json = {0};

    sbuf_printf(&json, "{\"allowed\":%s,\"rule\":%zu,\"text\":", decision->allowed ? "true" : "false", decision->rule);
    sbuf_json(&json, rule);
    printf("%s}\n", sbuf_text(&json));
    sbuf_free(&json);
}

/* Would some rule match from the right address? */
static bool depends_on_address(const struct access *access, const struct question *q)
{
    for (size_t rule = 1; rule <= access_rule_count(access); rule++)
        if (access_mismatch(access, rule, &q->caller, q->action, q->repository) == ACCESS_PART_NETWORK)
            return true;
    return false;
}

static int explain(const struct invocation *call, const struct access *access, const struct question *q)
{
    struct access_decision decision = access_decide(access, &q->caller, q->action, q->repository);
    struct sbuf text = {0};

    access_describe(access, decision.rule, &text);
    if (call->given[OPTION_JSON]) {
        print_json(&decision, (struct str){text.p, text.n});
    } else {
        if (call->given[OPTION_ALL])
            explain_skipped(access, q, decision.rule);
        printf("%s: %s\n", decision.allowed ? "allowed" : "denied", sbuf_text(&text));
        if (!call->given[OPTION_ADDRESS] && depends_on_address(access, q))
            printf("from some addresses another rule decides: ask with --address\n");
    }
    sbuf_free(&text);
    return decision.allowed ? EXIT_DONE : EXIT_REFUSED;
}

static int run_explain(const struct invocation *call)
{
    struct question question;
    struct access *access;
    struct err e;
    int status;

    if (take_question(call, &question, &e) != 0)
        return program_misused(call, &e);
    access = read_rules(call, &e);
    if (access == NULL)
        return program_fail(call, &e);
    status = explain(call, access, &question);
    access_free(&access);
    return status;
}

static int run_check(const struct invocation *call)
{
    struct err e;
    struct access *access = read_rules(call, &e);

    if (access == NULL)
        return program_fail(call, &e);
    for (size_t rule = 1; rule <= access_rule_count(access); rule++) {
        struct sbuf text = {0};

        access_describe(access, rule, &text);
        printf("%s\n", sbuf_text(&text));
        sbuf_free(&text);
    }
    access_free(&access);
    return EXIT_DONE;
}

int command_access(const struct invocation *call)
{
    struct err e;

    if (strcmp(call->arguments[0], "explain") == 0 && call->argument_count == 4)
        return run_explain(call);
    if (strcmp(call->arguments[0], "check") == 0 && call->argument_count == 1)
        return run_check(call);
    err_set(&e, ERR_INVALID, "usage: berth access explain USER ACTION REPOSITORY, or berth access check");
    return program_misused(call, &e);
}
