/*
 * berth-ca: commands that revoke, list and look.
 */
#include "tools/ca/ca_commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "tools/certificate/probe.h"

/* base */
#include "registry/base/clock.h"

static int answer_crl(const struct invocation *call, const struct ca *ca, struct facts *facts, struct sbuf *text)
{
    facts_printf(facts, "crl", "%s/crl.pem", ca->directory);
    sbuf_printf(text, "%s/crl.pem is for who checks certificates\n", ca->directory);
    call_answer(call, facts, sbuf_text(text));
    sbuf_free(text);
    return EXIT_DONE;
}

int run_revoke(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct facts facts = {0};
    struct sbuf text = {0};
    const char *reason;
    uint64_t days;
    size_t count;
    struct err e;

    if (option_number(call, CA_DAYS, 1, CA_DAYS_MAX, 0, &days, &e) != 0 ||
        crl_reason(call_value(call, CA_REASON, "unspecified"), &reason, &e) != 0)
        return program_misused(call, &e);
    if (ca_revoke(&ca, call->arguments[0], reason, (unsigned)days, &count, &e) != 0)
        return call_fail(call, &e);
    if (count == 0)
        sbuf_str(&text, STR("already revoked; "));
    else
        sbuf_printf(&text, "%zu certificate%s revoked; ", count, count == 1 ? "" : "s");
    facts_number(&facts, "revoked", (int64_t)count);
    return answer_crl(call, &ca, &facts, &text);
}

int run_crl(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct facts facts = {0};
    struct sbuf text = {0};
    uint64_t days;
    struct err e;

    if (option_number(call, CA_DAYS, 1, CA_DAYS_MAX, 0, &days, &e) != 0)
        return program_misused(call, &e);
    if (ca_write_crl(&ca, (unsigned)days, &e) != 0)
        return call_fail(call, &e);
    return answer_crl(call, &ca, &facts, &text);
}

static const char *state_of(const struct issued *item)
{
    return item->revoked != 0 ? "revoked" : item->until < (int64_t)clock_wall_s() ? "expired" : "valid";
}

static void list_json(const struct ca_index *index, struct sbuf *out)
{
    for (size_t i = 0; i < index->n; i++) {
        const struct issued *item = &index->items[i];
        struct facts facts = {0};

        facts_text(&facts, "serial", str_of(item->serial));
        facts_text(&facts, "kind", str_of(item->kind));
        facts_text(&facts, "name", str_of(item->name));
        facts_time(&facts, "from", item->from);
        facts_time(&facts, "until", item->until);
        facts_text(&facts, "state", str_of(state_of(item)));
        if (item->revoked != 0) {
            facts_time(&facts, "revoked", item->revoked);
            facts_text(&facts, "reason", str_of(item->reason));
        }
        sbuf_str(out, i == 0 ? STR("[") : STR(",\n"));
        facts_put_json(&facts, out);
        facts_free(&facts);
    }
    sbuf_str(out, index->n == 0 ? STR("[]\n") : STR("]\n"));
}

static void list_text(const struct ca_index *index, struct sbuf *out)
{
    sbuf_printf(out, "%-32s  %-7s  %-20s  %-20s  %-7s  %s\n", "SERIAL", "KIND", "FROM", "UNTIL", "STATE", "NAME");
    for (size_t i = 0; i < index->n; i++) {
        const struct issued *item = &index->items[i];
        char from[CLOCK_TEXT_ROOM], until[CLOCK_TEXT_ROOM];

        clock_text(item->from, from);
        clock_text(item->until, until);
        sbuf_printf(out, "%-32s  %-7s  %-20s  %-20s  %-7s  ", item->serial, item->kind, from, until, state_of(item));
        text_escape(out, str_of(item->name));
        if (item->revoked != 0)
            sbuf_printf(out, " (%s)", item->reason);
        sbuf_str(out, STR("\n"));
    }
}

int run_list(const struct invocation *call)
{
    const char *directory = call_value(call, CA_DIR, "ca");
    struct sbuf out = {0};
    struct ca_index *index;
    struct err e;

    if (access(directory, F_OK) != 0) {
        err_errno(&e, "%s", directory);
        return call_fail(call, &e);
    }
    index = ca_index_open(directory, INDEX_READ, &e);
    if (index == NULL)
        return call_fail(call, &e);
    if (call->given[CA_JSON])
        list_json(index, &out);
    else
        list_text(index, &out);
    fputs(sbuf_text(&out), stdout);
    sbuf_free(&out);
    ca_index_close(&index);
    return EXIT_DONE;
}

int run_show(const struct invocation *call)
{
    struct passphrase passphrase;
    struct facts facts = {0};
    struct err e;

    call_ca(call, &passphrase);
    if (certificate_describe_file(call->arguments[0], &passphrase, &facts, &e) != 0) {
        facts_free(&facts);
        return call_fail(call, &e);
    }
    call_answer(call, &facts, NULL);
    return EXIT_DONE;
}

int run_check(const struct invocation *call)
{
    struct hosts hosts = {.n = 0};
    struct facts facts = {0};
    struct err e;
    uint64_t days;
    int rc;

    if (option_number(call, CA_DAYS, 0, CA_DAYS_MAX, 0, &days, &e) != 0 || call_hosts(call, 1, &hosts, &e) != 0)
        return program_misused(call, &e);
    rc = ca_check(call->arguments[0], call->values[CA_DIR], &hosts, (unsigned)days, &e);
    if (!call->given[CA_JSON] || (rc != 0 && e.code == ERR_NOT_FOUND))
        return rc == 0 ? EXIT_DONE : call_fail(call, &e);
    facts_bool(&facts, "good", rc == 0);
    if (rc != 0)
        facts_item(&facts, "problem", str_of(e.text));
    call_answer(call, &facts, NULL);
    return rc == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* What to trust: the given file, else the authority of the directory if there is one, else the system's store. */
static const char *trusted(const struct invocation *call, char *room, size_t size)
{
    if (call->given[CA_CA])
        return call->values[CA_CA];
    if ((size_t)snprintf(room, size, "%s/ca.crt", call_value(call, CA_DIR, "ca")) < size &&
        (call->given[CA_DIR] || access(room, R_OK) == 0))
        return room;
    return NULL;
}

/* Programs find the same members as when there is somebody to judge. */
static int tell_unreachable(const struct invocation *call, const struct err *e)
{
    struct facts facts = {0};

    facts_bool(&facts, "good", false);
    facts_item(&facts, "problem", str_of(e->text));
    if (call->given[CA_JSON])
        call_answer(call, &facts, NULL);
    facts_free(&facts);
    return program_fail(call, e);
}

int run_verify(const struct invocation *call)
{
    struct probe probe = {
        .client_certificate = call_value(call, CA_CLIENT_CERT, NULL),
        .client_key = call_value(call, CA_CLIENT_KEY, NULL),
    };
    struct facts facts = {0};
    char room[PATH_MAX];
    uint64_t days;
    struct err e;
    bool good;

    if (option_number(call, CA_DAYS_LEFT, 0, CA_DAYS_MAX, 0, &days, &e) != 0 ||
        host_port_parse(call->arguments[0], &probe.host, probe.port, &e) != 0)
        return program_misused(call, &e);
    if ((probe.client_certificate == NULL) != (probe.client_key == NULL)) {
        err_set(&e, ERR_INVALID, "--client-cert and --client-key go together");
        return program_misused(call, &e);
    }
    probe.days_left = (unsigned)days;
    probe.ca = trusted(call, room, sizeof(room));
    if (probe_run(&probe, &facts, &good, &e) != 0) {
        facts_free(&facts);
        return tell_unreachable(call, &e);
    }
    call_answer(call, &facts, NULL);
    return good ? EXIT_DONE : EXIT_REFUSED;
}

int run_hosts(const struct invocation *call)
{
    struct hosts hosts = {.n = 0};
    struct err e;

    if (hosts_of_machine(&hosts, &e) != 0)
        return call_fail(call, &e);
    for (size_t i = 0; i < hosts.n; i++)
        printf("%s\n", hosts.items[i].text);
    return EXIT_DONE;
}
