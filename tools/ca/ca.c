#include "tools/ca/ca.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* auth */
#include "auth/htpasswd.h"

/* base */
#include "registry/base/file.h"

/* What a previous authority left behind would be wrong under a new one. */
static int put_aside(const char *directory, const char *name, struct err *e)
{
    struct sbuf path = {0};
    int rc;

    sbuf_printf(&path, "%s/%s", directory, name);
    rc = ca_file_keep(sbuf_text(&path), NULL, e);
    if (rc == 0)
        unlink(path.p); /* not there, or copied */
    sbuf_free(&path);
    return rc;
}

int ca_init(const struct ca *ca, const char *common_name, const struct ca_order *order, const char *passphrase,
            struct err *e)
{
    struct certificate *authority;
    struct ca_index *index;
    struct ca_pair pair = {0};
    int rc;

    if (ca_pair_name(&pair, ca->directory, "ca", e) != 0)
        return -1;
    if (!order->force && ca_pair_refuse_present(&pair, e) != 0)
        return -1;
    authority = certificate_make_authority(common_name, order->key, order->days, e);
    if (authority == NULL)
        return -1;
    rc = file_mkdirs(ca->directory, 0700, e);
    index = rc == 0 ? ca_index_open(ca->directory, INDEX_EDIT, e) : NULL;
    if (index == NULL || put_aside(ca->directory, "issued", e) != 0 || put_aside(ca->directory, "crl.pem", e) != 0)
        rc = -1;
    else
        rc = ca_pair_write(&pair, authority, NULL, passphrase, e);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}

struct certificate *ca_authority(const struct ca *ca, struct err *e)
{
    struct certificate *authority;
    struct ca_pair pair = {0};

    if (ca_pair_name(&pair, ca->directory, "ca", e) != 0)
        return NULL;
    authority = certificate_read_with(pair.certificate, pair.key, ca->passphrase, e);
    if (authority == NULL && e != NULL && (e->code == ERR_NOT_FOUND || e->code == ERR_INVALID))
        err_wrap(e, "no usable authority (\"berth-ca init\" makes one)");
    return authority;
}

/* Write a new certificate down before anybody has it. */
static int record(struct ca_index *index, const struct certificate *made, struct err *e)
{
    struct summary summary;

    if (certificate_summarize(made, &summary, e) != 0)
        return -1;
    ca_index_add(index, &summary);
    return ca_index_save(index, e);
}

static int name_server(const struct ca *ca, const char *out, struct ca_pair *pair, struct err *e)
{
    struct ca_pair own = {0};

    if (ca_pair_name(&own, ca->directory, "ca", e) != 0 ||
        ca_pair_name(pair, ca->directory, out == NULL ? "server" : out, e) != 0)
        return -1;
    if (strcmp(own.key, pair->key) == 0)
        return err_set(e, ERR_INVALID, "--out %s: these are the authority's own files", out);
    return 0;
}

int ca_issue_server(const struct ca *ca, const struct hosts *hosts, const struct ca_order *order, struct ca_pair *pair,
                    struct err *e)
{
    struct certificate *authority, *server = NULL;
    struct ca_index *index;
    int rc = -1;

    if (hosts->n == 0)
        return err_set(e, ERR_INVALID, "a server certificate needs at least one host");
    if (name_server(ca, order->out, pair, e) != 0 || (!order->force && ca_pair_refuse_present(pair, e) != 0))
        return -1;
    authority = ca_authority(ca, e);
    if (authority == NULL)
        return -1;
    index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        server = certificate_make_server(authority, hosts, order->key, order->days, e);
    if (server != NULL && record(index, server, e) == 0)
        rc = ca_pair_write(pair, server, authority, NULL, e);
    certificate_free(&server);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}

/* A user's name is a common name and the name of a directory. */
static int check_user(const char *user, struct err *e)
{
    if (htpasswd_check_name(str_of(user), e) != 0)
        return -1;
    if (strlen(user) > COMMON_NAME_MAX)
        return err_set(e, ERR_INVALID, "a user's name in a certificate has at most %d bytes", COMMON_NAME_MAX);
    if (strchr(user, '/') != NULL || user[0] == '.')
        return err_set(e, ERR_INVALID, "%s: a user's name holds no \"/\" and begins with no dot", user);
    return 0;
}

static int write_p12(const struct ca_pair *pair, const struct certificate *client, const struct certificate *authority,
                     const char *password, struct err *e)
{
    struct sbuf path = {0}, bytes = {0};
    int rc = certificate_put_pkcs12(client, authority, password, &bytes, e);

    sbuf_printf(&path, "%.*s.p12", (int)(strlen(pair->key) - strlen(".key")), pair->key);
    if (rc == 0)
        rc = file_replace(sbuf_text(&path), bytes.p, bytes.n, 0600, e);
    sbuf_free(&path);
    sbuf_free(&bytes);
    return rc;
}

/* The directory of a client, made if need be, and the names in it. */
static int prepare_client(const struct ca *ca, const char *user, const struct ca_order *order, struct ca_pair *pair,
                          struct err *e)
{
    struct sbuf directory = {0};
    int rc;

    if (order->out != NULL)
        sbuf_str(&directory, str_of(order->out));
    else
        sbuf_printf(&directory, "%s/clients/%s", ca->directory, user);
    rc = ca_pair_name_client(pair, sbuf_text(&directory), e);
    if (rc == 0 && !order->force)
        rc = ca_pair_refuse_present(pair, e);
    if (rc == 0)
        rc = file_mkdirs(directory.p, 0700, e);
    sbuf_free(&directory);
    return rc;
}

int ca_issue_client(const struct ca *ca, const char *user, const struct hosts *names, const struct ca_order *order,
                    const char *p12_password, struct ca_pair *pair, struct err *e)
{
    struct certificate *authority, *client = NULL;
    struct ca_index *index = NULL;
    int rc = -1;

    if (check_user(user, e) != 0)
        return -1;
    authority = ca_authority(ca, e);
    if (authority == NULL)
        return -1;
    if (prepare_client(ca, user, order, pair, e) == 0)
        index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        client = certificate_make_client(authority, user, names, order->key, order->days, e);
    if (client != NULL && record(index, client, e) == 0)
        rc = ca_pair_write(pair, client, NULL, NULL, e);
    if (rc == 0 && p12_password != NULL)
        rc = write_p12(pair, client, authority, p12_password, e);
    certificate_free(&client);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}

static int check_origin(const struct certificate *certificate, const char *directory, struct err *e)
{
    struct certificate *authority;
    struct ca_pair ca = {0};
    int rc;

    if (ca_pair_name(&ca, directory, "ca", e) != 0)
        return -1;
    authority = certificate_read(ca.certificate, NULL, e);
    if (authority == NULL)
        return -1;
    rc = certificate_signed_by(certificate, authority, e);
    certificate_free(&authority);
    return rc;
}

int ca_check(const char *path, const char *directory, const struct hosts *hosts, unsigned days, struct err *e)
{
    struct certificate *certificate = certificate_read(path, NULL, e);
    int rc;

    if (certificate == NULL)
        return -1;
    rc = directory == NULL ? 0 : check_origin(certificate, directory, e);
    for (size_t i = 0; rc == 0 && i < hosts->n; i++)
        rc = certificate_covers(certificate, &hosts->items[i], days, e);
    certificate_free(&certificate);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
