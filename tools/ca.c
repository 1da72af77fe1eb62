#include "tools/ca.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "tools/certificate.h"

/* base */
#include "registry/base/file.h"

/* A certificate and its key in the directory. */
struct pair {
    char certificate[PATH_MAX];
    char key[PATH_MAX];
};

static int name_pair(struct pair *pair, const char *directory, const char *what, struct err *e)
{
    if ((size_t)snprintf(pair->certificate, PATH_MAX, "%s/%s.crt", directory, what) >= PATH_MAX ||
        (size_t)snprintf(pair->key, PATH_MAX, "%s/%s.key", directory, what) >= PATH_MAX)
        return err_set(e, ERR_INVALID, "the name of the directory is too long");
    return 0;
}

static int refuse_present(const struct pair *pair, struct err *e)
{
    const char *const paths[] = {pair->certificate, pair->key};

    for (size_t i = 0; i < 2; i++) {
        if (access(paths[i], F_OK) == 0)
            return err_set(e, ERR_EXISTS, "%s is there already; --force replaces it", paths[i]);
        if (errno != ENOENT)
            return err_errno(e, "%s", paths[i]);
    }
    return 0;
}

/* The key first: who finds the new certificate finds its key, too. `chain` (or NULL) follows the certificate in its
 * file. */
static int write_pair(const struct pair *pair, const struct certificate *made, const struct certificate *chain,
                      struct err *e)
{
    struct sbuf certificate = {0}, key = {0};
    int rc = -1;

    if (certificate_put(made, &certificate, e) != 0 ||
        (chain != NULL && certificate_put(chain, &certificate, e) != 0) || certificate_put_key(made, &key, e) != 0)
        goto done;
    if (file_replace(pair->key, key.p, key.n, 0600, e) == 0)
        rc = file_replace(pair->certificate, certificate.p, certificate.n, 0644, e);
done:
    if (key.p != NULL)
        explicit_bzero(key.p, key.n);
    sbuf_free(&key);
    sbuf_free(&certificate);
    return rc;
}

int ca_init(const char *directory, const char *common_name, unsigned days, bool force, struct err *e)
{
    struct certificate *authority;
    struct pair pair = {0};
    int rc;

    if (name_pair(&pair, directory, "ca", e) != 0 || file_mkdirs(directory, 0700, e) != 0)
        return -1;
    if (!force && refuse_present(&pair, e) != 0)
        return -1;
    authority = certificate_make_authority(common_name, days, e);
    if (authority == NULL)
        return -1;
    rc = write_pair(&pair, authority, NULL, e);
    certificate_free(&authority);
    return rc;
}

int ca_issue_server(const char *directory, const struct hosts *hosts, unsigned days, bool force, struct err *e)
{
    struct certificate *authority, *server;
    struct pair ca = {0}, pair = {0};
    int rc = -1;

    if (hosts->n == 0)
        return err_set(e, ERR_INVALID, "a server certificate needs at least one host");
    if (name_pair(&ca, directory, "ca", e) != 0 || name_pair(&pair, directory, "server", e) != 0)
        return -1;
    if (!force && refuse_present(&pair, e) != 0)
        return -1;
    authority = certificate_read(ca.certificate, ca.key, e);
    if (authority == NULL)
        return err_wrap(e, "no usable authority (\"berth-ca init\" makes one)");
    server = certificate_make_server(authority, hosts, days, e);
    if (server != NULL)
        rc = write_pair(&pair, server, authority, e);
    certificate_free(&server);
    certificate_free(&authority);
    return rc;
}

static int check_origin(const struct certificate *certificate, const char *directory, struct err *e)
{
    struct certificate *authority;
    struct pair ca = {0};
    int rc;

    if (name_pair(&ca, directory, "ca", e) != 0)
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
