#include "tools/ca/ca_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/rnd.h"

const char *call_value(const struct invocation *call, enum ca_option option, const char *otherwise)
{
    return call->given[option] ? call->values[option] : otherwise;
}

int call_order(const struct invocation *call, unsigned days_max, unsigned days_default, struct ca_order *order,
               struct err *e)
{
    uint64_t days;

    *order = (struct ca_order){.force = call->given[CA_FORCE], .out = call_value(call, CA_OUT, NULL)};
    if (option_number(call, CA_DAYS, 1, days_max, days_default, &days, e) != 0)
        return -1;
    order->days = (unsigned)days;
    return key_kind_parse(call_value(call, CA_KEY, "ec"), &order->key, e);
}

int call_hosts(const struct invocation *call, int first, struct hosts *hosts, struct err *e)
{
    for (int i = first; i < call->argument_count; i++)
        if (hosts_add(hosts, call->arguments[i], e) != 0)
            return -1;
    return 0;
}

void call_answer(const struct invocation *call, struct facts *facts, const char *text)
{
    struct sbuf out = {0};

    if (call->given[CA_JSON]) {
        facts_put_json(facts, &out);
        sbuf_str(&out, STR("\n"));
    } else if (text == NULL) {
        facts_put_text(facts, &out);
    } else {
        sbuf_str(&out, str_of(text));
    }
    fputs(sbuf_text(&out), stdout);
    sbuf_free(&out);
    facts_free(facts);
}

int call_fail(const struct invocation *call, const struct err *e)
{
    struct facts facts = {0};

    if (call->given[CA_JSON]) {
        facts_text(&facts, "error", str_of(e->text));
        call_answer(call, &facts, NULL);
    }
    return program_fail(call, e);
}

/* --- secrets --- */

/* What texts call what an option of that kind names. */
static const char *noun_of(enum ca_option file)
{
    return file == CA_PASSPHRASE_FILE ? "passphrase" : "password";
}

static int read_file(const char *path, const char *noun, struct secret *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = secret_read(fd, noun, out->text, &out->n, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

/* From the file or standard input that the options name; else from the terminal. */
static int take(const struct invocation *call, enum ca_option file, enum ca_option standard_input, const char *what,
                bool twice, struct secret *out, struct err *e)
{
    struct err why = {0};
    int rc;

    if (call->given[file])
        return read_file(call->values[file], noun_of(file), out, e);
    if (call->given[standard_input])
        return secret_read(STDIN_FILENO, noun_of(file), out->text, &out->n, e);
    rc = secret_ask(noun_of(file), what, twice, out->text, &out->n, &why);
    if (rc != 0 && why.code == ERR_UNSUPPORTED)
        return err_set(e, ERR_UNSUPPORTED, "there is no terminal to ask on; use --%s or --%s",
                       call->program->options[file].name, call->program->options[standard_input].name);
    return rc == 0 ? 0 : err_set(e, why.code, "%s", why.text);
}

/* For an encrypted key: the callback of struct passphrase. */
static int get_passphrase(void *context, const char *path, char *out, size_t room, size_t *n, struct err *e)
{
    const struct invocation *call = context;
    struct secret secret = {.n = 0};
    int rc = take(call, CA_PASSPHRASE_FILE, CA_PASSPHRASE_STDIN, path, false, &secret, e);

    if (rc == 0 && secret.n > room)
        rc = err_set(e, ERR_INVALID, "the passphrase is longer than %zu bytes", room);
    if (rc == 0) {
        memcpy(out, secret.text, secret.n);
        *n = secret.n;
    }
    explicit_bzero(&secret, sizeof(secret));
    return rc;
}

struct ca call_ca(const struct invocation *call, struct passphrase *passphrase)
{
    union {
        const struct invocation *call;
        void *context;
    } given = {call}; /* get_passphrase() takes it back as const */

    *passphrase = (struct passphrase){get_passphrase, given.context};
    return (struct ca){call_value(call, CA_DIR, "ca"), passphrase};
}

int call_new_passphrase(const struct invocation *call, struct secret *out, struct err *e)
{
    return take(call, CA_PASSPHRASE_FILE, CA_PASSPHRASE_STDIN, "the authority's key", true, out, e);
}

int call_password(const struct invocation *call, const char *user, struct secret *out, struct err *e)
{
    char what[300];

    if (call->given[CA_GENERATE]) {
        rnd_password(out->text, SECRET_GENERATED);
        out->n = SECRET_GENERATED;
        return 0;
    }
    snprintf(what, sizeof(what), "the PKCS #12 file of %s", user);
    return take(call, CA_PASSWORD_FILE, CA_PASSWORD_STDIN, what, true, out, e);
}
