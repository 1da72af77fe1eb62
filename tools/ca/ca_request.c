/*
 * Certificates from an authority elsewhere: a request goes out, an answer comes in.
 *
 * The key that a certificate in use belongs to is never replaced here: a request for a renewal is made with the same
 * key, so that the pair on disk matches at any time between request and answer.
 */
#include "tools/ca/ca.h"

#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"

/* The pair, and the request beside it. */
static int name_files(const struct ca *ca, const struct ca_order *order, struct ca_pair *pair, char request[PATH_MAX],
                      struct err *e)
{
    const char *name = order->out == NULL ? "server" : order->out;

    if (ca_pair_name(pair, ca->directory, name, e) != 0 || ca_pair_refuse_own(pair, ca->directory, e) != 0)
        return -1;
    return ca_pair_sibling(pair, ".csr", request, e);
}

/* The key that is there, or a new one, written before anybody is asked to certify it. */
static struct certificate *take_key(const struct ca *ca, const struct ca_order *order, const struct ca_pair *pair,
                                    bool *made, struct err *e)
{
    struct certificate *key;

    *made = access(pair->key, F_OK) != 0;
    if (!*made)
        return key_read(pair->key, NULL, e);
    if (strchr(order->out == NULL ? "" : order->out, '/') == NULL && file_mkdirs(ca->directory, 0700, e) != 0)
        return NULL;
    key = key_make(order->key, e);
    if (key != NULL && ca_pair_write_key(pair, key, NULL, e) != 0)
        certificate_free(&key);
    return key;
}

int ca_request(const struct ca *ca, const struct subject *subject, const struct hosts *hosts,
               const struct ca_order *order, struct ca_pair *pair, bool *made_key, struct err *e)
{
    char request[PATH_MAX];
    struct sbuf text = {0};
    struct certificate *key;
    int rc;

    if (name_files(ca, order, pair, request, e) != 0)
        return -1;
    key = take_key(ca, order, pair, made_key, e);
    if (key == NULL)
        return -1;
    rc = request_put(key, subject, hosts, &text, e);
    if (rc == 0)
        rc = file_replace(request, text.p, text.n, 0644, e);
    sbuf_free(&text);
    certificate_free(&key);
    return rc;
}

/* Is the answer what was asked for? */
static int check_answer(const struct certificate *answer, const struct hosts *hosts, struct err *e)
{
    if (certificate_serves(answer, e) != 0)
        return -1;
    for (size_t i = 0; i < hosts->n; i++)
        if (certificate_covers(answer, &hosts->items[i], 0, e) != 0)
            return -1;
    return 0;
}

int ca_import(const struct ca *ca, const struct ca_order *order, char *const *paths, size_t n, struct ca_pair *pair,
              size_t *strangers, struct err *e)
{
    struct certificate *key, *answer;
    struct hosts hosts = {.n = 0};
    char request[PATH_MAX];
    int rc = -1;

    *strangers = 0;
    if (name_files(ca, order, pair, request, e) != 0)
        return -1;
    if (request_hosts(request, &hosts, e) != 0)
        return err_wrap(e, "no usable request (\"berth-ca csr\" makes one)");
    key = key_read(pair->key, NULL, e);
    if (key == NULL)
        return -1;
    answer = certificate_read_answer(key, paths, n, strangers, e);
    if (answer != NULL) {
        rc = check_answer(answer, &hosts, e);
        if (rc != 0)
            err_wrap(e, "the certificate does not answer %s", request);
    }
    if (rc == 0)
        rc = ca_file_keep(pair->certificate, NULL, e);
    if (rc == 0)
        rc = ca_pair_write_certificate(pair, answer, NULL, e);
    certificate_free(&answer);
    certificate_free(&key);
    return rc;
}
