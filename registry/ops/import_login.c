/* Who logs in to a registry that is imported from, and whom it may be certified by: found out where the command was typed. */
#include "registry/ops/operations.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"
#include "registry/base/secret.h"

/* registry */
#include "registry/client/login_file.h"
#include "registry/commands/commands.h"
#include "registry/ops/import_source.h"

#define IMPORT_PASSWORD_VARIABLE "BERTH_IMPORT_PASSWORD"

enum { AUTHORITIES_MAX = 48 * 1024 }; /* so that it fits into a request with the login */

static int read_file(const char *path, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_errno(e, "%s", path);
    rc = secret_read(fd, "password", out, n, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

static int ask(const char *name, const char *host, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    struct sbuf who = {0};
    struct err why = {0};
    int rc;

    sbuf_printf(&who, "%s at %s", name, host);
    rc = secret_ask("password", sbuf_text(&who), false, out, n, &why);
    sbuf_free(&who);
    if (rc == 0)
        return 0;
    return err_set(e, why.code, "%s%s", why.text,
                   why.code == ERR_UNSUPPORTED ? "; use --password-file or the variable " IMPORT_PASSWORD_VARIABLE
                                               : "");
}

static int take_password(const struct invocation *call, const char *host, char out[SECRET_ROOM], size_t *n,
                         struct err *e)
{
    const char *variable = getenv(IMPORT_PASSWORD_VARIABLE);

    if (call->given[OPTION_PASSWORD_FILE])
        return read_file(call->values[OPTION_PASSWORD_FILE], out, n, e);
    if (variable == NULL)
        return ask(call->values[OPTION_USER], host, out, n, e);
    *n = strlen(variable);
    if (*n == 0 || *n >= SECRET_ROOM)
        return err_set(e, ERR_INVALID,
                       "the variable " IMPORT_PASSWORD_VARIABLE " has %zu bytes; 1 to %d make a password", *n,
                       SECRET_ROOM - 1);
    memcpy(out, variable, *n + 1);
    return 0;
}

/* RFC 7617 §2: a colon would end the name. */
static int take_user(const struct invocation *call, const char *host, struct sbuf *out, struct err *e)
{
    const char *name = call->values[OPTION_USER];
    char password[SECRET_ROOM];
    size_t n = 0;
    int rc;

    if (name[0] == '\0' || strchr(name, ':') != NULL)
        return err_set(e, ERR_INVALID, "--user: a name has at least a letter and no colon");
    rc = take_password(call, host, password, &n, e);
    if (rc == 0) {
        sbuf_printf(out, "%s:", name);
        sbuf_put(out, password, n);
    }
    explicit_bzero(password, sizeof(password));
    return rc;
}

/* A file that nobody named may be absent, and what it holds may be of no use; then nobody logs in. */
static void look_into(const char *directory, const char *name, const char *host, struct sbuf *out)
{
    struct sbuf path = {0};
    struct err e;

    if (directory == NULL || out->n > 0)
        return;
    sbuf_printf(&path, "%s/%s", directory, name);
    if (login_file_find(sbuf_text(&path), host, out, &e) != 0 && e.code != ERR_NOT_FOUND)
        fprintf(stderr, "berth: going on without a login: %s\n", e.text);
    sbuf_free(&path);
}

static int take_login(const struct invocation *call, const char *host, struct sbuf *out, struct err *e)
{
    if (call->given[OPTION_USER])
        return take_user(call, host, out, e);
    if (call->given[OPTION_PASSWORD_FILE])
        return err_set(e, ERR_INVALID, "--password-file: whose? name who logs in with --user");
    if (call->given[OPTION_AUTHFILE]) {
        if (login_file_find(call->values[OPTION_AUTHFILE], host, out, e) != 0)
            return -1;
        return out->n > 0 ? 0 : err_set(e, ERR_INVALID, "%s has no login for %s", call->values[OPTION_AUTHFILE], host);
    }
    look_into(getenv("XDG_RUNTIME_DIR"), "containers/auth.json", host, out);
    if (getenv("DOCKER_CONFIG") != NULL)
        look_into(getenv("DOCKER_CONFIG"), "config.json", host, out);
    else
        look_into(getenv("HOME"), ".docker/config.json", host, out);
    return 0;
}

/* A server has a /home and a /tmp of its own, and another user: what its administrator names is read here. */
static int take_authorities(const struct invocation *call, struct sbuf *out, struct err *e)
{
    struct sbuf pem = {0};
    int rc;

    if (!call->given[OPTION_CA])
        return 0;
    rc = file_read_regular(call->values[OPTION_CA], AUTHORITIES_MAX, &pem, e);
    if (rc == 0)
        sbuf_str(out, (struct str){pem.p, pem.n});
    sbuf_free(&pem);
    return rc == 0 ? 0 : err_wrap(e, "--ca");
}

int op_import_secret(const struct invocation *call, struct sbuf *out, struct err *e)
{
    struct import_source source;

    if (import_check_options(call, e) != 0 || import_source_parse(call->arguments[0], &source, e) != 0 ||
        take_login(call, source.host, out, e) != 0)
        return -1;
    sbuf_put(out, "", 1);
    return take_authorities(call, out, e);
}
