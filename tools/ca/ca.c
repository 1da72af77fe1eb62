#include "tools/ca/ca.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
    index = rc == 0 ? ca_index_open(ca->directory, INDEX_NEW, e) : NULL;
    if (index == NULL || put_aside(ca->directory, "issued", e) != 0 || put_aside(ca->directory, "crl.pem", e) != 0 ||
        ca_put_crl(ca, authority, index, 0, e) != 0)
        rc = -1;
    else
        rc = ca_pair_write(&pair, authority, NULL, passphrase, e);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}

/* A key that others could read may have been read; that is for the administrator to judge. */
static void warn_readable(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        ca_warn("%s is open to others than its owner (mode %04o); \"chmod 600 %s\"", path, st.st_mode & 07777, path);
}

struct certificate *ca_authority(const struct ca *ca, struct err *e)
{
    struct certificate *authority;
    struct ca_pair pair = {0};

    if (ca_pair_name(&pair, ca->directory, "ca", e) != 0)
        return NULL;
    authority = certificate_read_with(pair.certificate, pair.key, ca->passphrase, e);
    if (authority != NULL && certificate_signs(authority, e) != 0) {
        err_wrap(e, "%s", pair.certificate);
        certificate_free(&authority);
    }
    if (authority != NULL)
        warn_readable(pair.key);
    else if (e != NULL && (e->code == ERR_NOT_FOUND || e->code == ERR_INVALID))
        err_wrap(e, "no usable authority (\"berth-ca init\" makes one, or name it with --dir)");
    return authority;
}

/* Write a new certificate down before anybody has it. */
static int record(struct ca_index *index, const struct certificate *made, struct err *e)
{
    struct summary summary;

    if (certificate_summarize(made, &summary, e) != 0 || ca_index_add(index, &summary, e) == NULL)
        return -1;
    return ca_index_save(index, e);
}

static int name_server(const struct ca *ca, const char *out, struct ca_pair *pair, struct err *e)
{
    if (ca_pair_name(pair, ca->directory, out == NULL ? "server" : out, e) != 0)
        return -1;
    return ca_pair_refuse_own(pair, ca->directory, e);
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

int ca_check_user(const char *user, struct err *e)
{
    if (htpasswd_check_name(str_of(user), e) != 0)
        return -1;
    if (strlen(user) > COMMON_NAME_MAX)
        return err_set(e, ERR_INVALID, "a user's name in a certificate has at most %d bytes", COMMON_NAME_MAX);
    if (strchr(user, '/') != NULL || user[0] == '.')
        return err_set(e, ERR_INVALID, "%s: a user's name holds no \"/\" and begins with no dot", user);
    if (!text_is_plain(str_of(user)))
        return err_set(e, ERR_INVALID, "a user's name in a certificate is UTF-8 without control characters");
    return 0;
}

static int write_p12(const struct ca_pair *pair, const struct certificate *client, const struct certificate *authority,
                     const char *password, struct err *e)
{
    char path[PATH_MAX];
    struct sbuf bytes = {0};
    int rc = ca_pair_sibling(pair, ".p12", path, e);

    if (rc == 0)
        rc = certificate_put_pkcs12(client, authority, password, &bytes, e);
    if (rc == 0)
        rc = ca_file_put_secret(path, &bytes, e);
    sbuf_free(&bytes);
    return rc;
}

/* The directory of a client, and the names in it. */
static int name_client(const struct ca *ca, const char *user, const struct ca_order *order, char directory[PATH_MAX],
                       struct ca_pair *pair, struct err *e)
{
    int n = order->out != NULL ? snprintf(directory, PATH_MAX, "%s", order->out)
                               : snprintf(directory, PATH_MAX, "%s/clients/%s", ca->directory, user);

    if (n >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the directory is too long");
    if (ca_pair_name_client(pair, directory, e) != 0 || ca_pair_refuse_own(pair, ca->directory, e) != 0)
        return -1;
    return order->force ? 0 : ca_pair_refuse_present(pair, e);
}

int ca_issue_client(const struct ca *ca, const char *user, const struct hosts *names, const struct ca_order *order,
                    const char *p12_password, struct ca_pair *pair, struct err *e)
{
    struct certificate *authority, *client = NULL;
    struct ca_index *index;
    char directory[PATH_MAX];
    int rc = -1;

    if (ca_check_user(user, e) != 0 || name_client(ca, user, order, directory, pair, e) != 0)
        return -1;
    authority = ca_authority(ca, e);
    if (authority == NULL)
        return -1;
    index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        client = certificate_make_client(authority, user, names, order->key, order->days, e);
    if (client != NULL && file_mkdirs(directory, 0700, e) == 0 && record(index, client, e) == 0)
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
    if (rc == 0)
        rc = certificate_check_strength(certificate, e);
    for (size_t i = 0; rc == 0 && i < hosts->n; i++)
        rc = certificate_covers(certificate, &hosts->items[i], days, e);
    certificate_free(&certificate);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
