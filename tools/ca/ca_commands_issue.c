/*
 * berth-ca: commands that make certificates, or get them elsewhere.
 */
#include "tools/ca/ca_commands.h"

#include <stdio.h>
#include <string.h>

/* Answer with the files of a pair: JSON, or the sentence. Frees `facts` and `text`. */
static int answer_pair(const struct invocation *call, const struct ca_pair *pair, struct facts *facts,
                       struct sbuf *text)
{
    facts_text(facts, "certificate", str_of(pair->certificate));
    facts_text(facts, "key", str_of(pair->key));
    call_answer(call, facts, sbuf_text(text));
    sbuf_free(text);
    return EXIT_DONE;
}

int run_init(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct secret secret = {.n = 0};
    struct facts facts = {0};
    struct sbuf text = {0};
    struct ca_order order;
    struct ca_pair pair;
    struct err e;
    bool encrypt = call->given[CA_PASSPHRASE] || call->given[CA_PASSPHRASE_FILE] || call->given[CA_PASSPHRASE_STDIN];
    int rc = 0;

    if (call_order(call, CA_DAYS_MAX, CA_DAYS_DEFAULT, &order, &e) != 0)
        return program_misused(call, &e);
    if (ca_pair_name(&pair, ca.directory, "ca", &e) != 0 ||
        (!order.force && ca_pair_refuse_present(&pair, &e) != 0)) /* before somebody types a passphrase for nothing */
        return call_fail(call, &e);
    if (encrypt)
        rc = call_new_passphrase(call, &secret, &e);
    if (rc == 0)
        rc = ca_init(&ca, call_value(call, CA_NAME, "Berth registry CA"), &order, encrypt ? secret.text : NULL, &e);
    explicit_bzero(&secret, sizeof(secret));
    if (rc != 0)
        return call_fail(call, &e);
    sbuf_printf(&text, "%s is what clients need to trust; keep %s secret\n", pair.certificate, pair.key);
    return answer_pair(call, &pair, &facts, &text);
}

int run_server(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct hosts hosts = {.n = 0};
    struct facts facts = {0};
    struct sbuf text = {0};
    struct ca_order order;
    struct ca_pair pair = {0};
    struct err e;

    if (call_order(call, CA_SERVER_DAYS_MAX, CA_SERVER_DAYS_DEFAULT, &order, &e) != 0 ||
        call_hosts(call, 0, &hosts, &e) != 0)
        return program_misused(call, &e);
    if (ca_issue_server(&ca, &hosts, &order, &pair, &e) != 0)
        return call_fail(call, &e);
    sbuf_printf(&text, "%s and %s are for http.tls.certificate and http.tls.key\n", pair.certificate, pair.key);
    return answer_pair(call, &pair, &facts, &text);
}

/* --dns, --email, --uri and --ip, each as often as one likes. */
static int take_names(const struct invocation *call, struct hosts *names, struct err *e)
{
    static const struct {
        enum ca_option option;
        int (*add)(struct hosts *hosts, const char *text, struct err *e);
    } kinds[] = {{CA_DNS, hosts_add}, {CA_EMAIL, hosts_add_email}, {CA_URI, hosts_add_uri}, {CA_IP, hosts_add_address}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *value;

        for (size_t n = 0; (value = option_value(call, kinds[i].option, n)) != NULL; n++) {
            if (kinds[i].add(names, value, e) != 0)
                return err_wrap(e, "--%s", call->program->options[kinds[i].option].name);
            if (kinds[i].option == CA_DNS && names->items[names->n - 1].kind == HOST_ADDRESS)
                return err_set(e, ERR_INVALID, "--dns %s: an address is given with --ip", value);
        }
    }
    return 0;
}

static void tell_client(const struct invocation *call, const struct ca_pair *pair, const struct secret *secret,
                        struct facts *facts, struct sbuf *text)
{
    char p12[PATH_MAX];

    sbuf_printf(text, "%s and %s go to /etc/docker/certs.d/HOST:PORT/ of who uses them\n", pair->certificate,
                pair->key);
    if (!call->given[CA_PKCS12] || ca_pair_sibling(pair, ".p12", p12, NULL) != 0)
        return;
    sbuf_printf(text, "%s holds both for browsers and key stores\n", p12);
    facts_text(facts, "pkcs12", str_of(p12));
    if (call->given[CA_GENERATE]) {
        sbuf_printf(text, "its password, shown this once: %s\n", secret->text);
        facts_text(facts, "password", str_of(secret->text));
    }
}

int run_client(const struct invocation *call)
{
    const char *user = call->arguments[0];
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct secret secret = {.n = 0};
    struct hosts names = {.n = 0};
    struct facts facts = {0};
    struct sbuf text = {0};
    struct ca_order order;
    struct ca_pair pair = {0};
    struct err e;
    int rc = 0;

    if (call_order(call, CA_DAYS_MAX, CA_CLIENT_DAYS_DEFAULT, &order, &e) != 0 || take_names(call, &names, &e) != 0 ||
        ca_check_user(user, &e) != 0)
        return program_misused(call, &e);
    if (!call->given[CA_PKCS12] &&
        (call->given[CA_GENERATE] || call->given[CA_PASSWORD_FILE] || call->given[CA_PASSWORD_STDIN])) {
        err_set(&e, ERR_INVALID, "a password is for --pkcs12; client.key has none");
        return program_misused(call, &e);
    }
    if (call->given[CA_PKCS12])
        rc = call_password(call, user, &secret, &e);
    if (rc == 0)
        rc = ca_issue_client(&ca, user, &names, &order, call->given[CA_PKCS12] ? secret.text : NULL, &pair, &e);
    if (rc == 0) {
        tell_client(call, &pair, &secret, &facts, &text);
        answer_pair(call, &pair, &facts, &text);
    }
    explicit_bzero(&secret, sizeof(secret));
    return rc == 0 ? EXIT_DONE : call_fail(call, &e);
}

static int take_subject(const struct invocation *call, const struct hosts *hosts, struct subject *subject,
                        struct err *e)
{
    *subject = (struct subject){
        .common_name = strlen(hosts->items[0].text) <= COMMON_NAME_MAX ? hosts->items[0].text : NULL,
        .country = call_value(call, CA_COUNTRY, NULL),
        .state = call_value(call, CA_STATE, NULL),
        .locality = call_value(call, CA_LOCALITY, NULL),
        .organisation = call_value(call, CA_ORGANISATION, NULL),
        .unit = call_value(call, CA_UNIT, NULL),
        .email = call_value(call, CA_EMAIL, NULL),
    };
    if (option_value(call, CA_EMAIL, 1) != NULL)
        return err_set(e, ERR_INVALID, "a request takes one --email");
    return subject_check(subject, e);
}

static void tell_csr(const struct ca_pair *pair, bool made_key, struct facts *facts, struct sbuf *text)
{
    char request[PATH_MAX] = "";

    if (ca_pair_sibling(pair, ".csr", request, NULL) == 0)
        facts_text(facts, "request", str_of(request));
    facts_bool(facts, "new key", made_key);
    sbuf_printf(text,
                "%s is for the authority; %s %s and stays here\n"
                "\"berth-ca import FILE…\" takes the answer\n",
                request, pair->key, made_key ? "is new" : "was there before");
}

int run_csr(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct hosts hosts = {.n = 0};
    struct facts facts = {0};
    struct sbuf text = {0};
    struct ca_order order;
    struct ca_pair pair = {0};
    struct subject subject;
    struct err e;
    bool made_key;

    if (call_order(call, 1, 1, &order, &e) != 0 || call_hosts(call, 0, &hosts, &e) != 0 ||
        take_subject(call, &hosts, &subject, &e) != 0)
        return program_misused(call, &e);
    if (ca_request(&ca, &subject, &hosts, &order, &pair, &made_key, &e) != 0)
        return call_fail(call, &e);
    tell_csr(&pair, made_key, &facts, &text);
    return answer_pair(call, &pair, &facts, &text);
}

int run_import(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct ca_order order = {.out = call_value(call, CA_OUT, NULL)};
    struct facts facts = {0};
    struct sbuf text = {0};
    struct ca_pair pair = {0};
    struct err e;
    size_t strangers;

    if (ca_import(&ca, &order, call->arguments, (size_t)call->argument_count, &pair, &strangers, &e) != 0)
        return call_fail(call, &e);
    sbuf_printf(&text, "%s and %s are for http.tls.certificate and http.tls.key\n", pair.certificate, pair.key);
    if (strangers > 0)
        sbuf_printf(&text, "%zu certificate%s did not belong to the chain and %s left out\n", strangers,
                    strangers == 1 ? "" : "s", strangers == 1 ? "was" : "were");
    facts_number(&facts, "left out", (int64_t)strangers);
    return answer_pair(call, &pair, &facts, &text);
}

static void tell_renewed(const struct ca_renewed *renewed, const struct ca_renewal *how, struct facts *facts,
                         struct sbuf *text)
{
    facts_bool(facts, "renewed", renewed->done);
    facts_number(facts, "days left", renewed->days_left);
    if (!renewed->done) {
        sbuf_printf(text, "nothing to do: %s is good for another %d days (--days-left %u)\n", renewed->pair.certificate,
                    renewed->days_left, how->days_left);
        return;
    }
    facts_bool(facts, "new key", how->new_key);
    facts_text(facts, "certificate before", str_of(renewed->kept.certificate));
    facts_text(facts, "key before", str_of(renewed->kept.key));
    sbuf_printf(text, "renewed: %s, good for %d days; before: %s\n", renewed->pair.certificate, renewed->days_left,
                renewed->kept.certificate);
    sbuf_printf(text, "%s: %s; before: %s\n", how->new_key ? "new key" : "same key", renewed->pair.key,
                renewed->kept.key);
    if (renewed->stale_p12)
        sbuf_printf(text, "client.p12 beside it still holds the certificate from before; \"berth-ca client --force "
                          "--pkcs12\" makes all of them anew\n");
}

int run_renew(const struct invocation *call)
{
    struct passphrase passphrase;
    struct ca ca = call_ca(call, &passphrase);
    struct ca_renewal how = {.new_key = call->given[CA_NEW_KEY]};
    struct ca_renewed renewed;
    struct facts facts = {0};
    struct sbuf text = {0};
    uint64_t days_left, days;
    struct err e;

    if (option_number(call, CA_DAYS_LEFT, 0, CA_DAYS_MAX, CA_DAYS_LEFT_DEFAULT, &days_left, &e) != 0 ||
        option_number(call, CA_DAYS, 1, CA_DAYS_MAX, 0, &days, &e) != 0)
        return program_misused(call, &e);
    how.days_left = (unsigned)days_left;
    how.days = (unsigned)days;
    if (ca_renew(&ca, call->arguments[0], &how, &renewed, &e) != 0)
        return call_fail(call, &e);
    tell_renewed(&renewed, &how, &facts, &text);
    return answer_pair(call, &renewed.pair, &facts, &text);
}
