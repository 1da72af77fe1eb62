/*
 * Certificates once more, before they end.
 *
 * With the old key, the certificate is the only file that changes, and it is replaced whole: at any moment a reader
 * meets a pair that matches. With a new key there is a moment between two renames in which it does not; the server
 * keeps what it has and looks again. Copies of both files are made before the first is replaced.
 */
#include "tools/ca/ca.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The name of a server or client in the directory, or a path. Names come first: what a cron job renews does not depend
 * on the directory that it runs in. */
static int find(const struct ca *ca, const char *what, struct ca_pair *pair, struct err *e)
{
    char directory[PATH_MAX];

    if (strchr(what, '/') != NULL)
        return ca_pair_find(pair, what, e);
    if (ca_pair_name(pair, ca->directory, what, e) != 0)
        return -1;
    if (access(pair->certificate, F_OK) == 0)
        return 0;
    if ((size_t)snprintf(directory, sizeof(directory), "%s/clients/%s", ca->directory, what) >= sizeof(directory) ||
        ca_pair_name_client(pair, directory, e) != 0)
        return err_set(e, ERR_INVALID, "the name of the directory is too long");
    if (access(pair->certificate, F_OK) == 0)
        return 0;
    if (ca_is_path(what))
        return ca_pair_find(pair, what, e);
    return err_set(e, ERR_NOT_FOUND, "%s: neither a file, nor a server or client of %s", what, ca->directory);
}

static int check_old(const struct certificate *old, const struct certificate *authority, const struct ca_renewal *how,
                     struct err *e)
{
    struct summary summary;
    struct err weak;

    if (certificate_summarize(old, &summary, e) != 0)
        return -1;
    if (strcmp(summary.kind, "authority") == 0)
        return err_set(e, ERR_INVALID,
                       "an authority is not renewed; make a new one in another directory, have clients "
                       "trust both, then issue from it");
    if (strcmp(summary.kind, "server") == 0 && how->days > CA_SERVER_DAYS_MAX)
        return err_set(e, ERR_INVALID, "a server's certificate is valid for at most %d days", CA_SERVER_DAYS_MAX);
    if (certificate_signed_by(old, authority, NULL) != 0)
        return err_set(e, ERR_INVALID, "it was issued elsewhere; \"berth-ca csr\" makes a request for that authority");
    if (!how->new_key && certificate_check_strength(old, &weak) != 0)
        return err_set(e, ERR_INVALID, "%s; --new-key makes a stronger one", weak.text);
    return 0;
}

/* Near the authority's end, a renewal every night would change everything but the date. */
static int check_gain(const struct summary *before, const struct summary *now, const struct certificate *authority,
                      struct err *e)
{
    struct summary issuer;

    if (certificate_summarize(authority, &issuer, e) != 0)
        return -1;
    if (now->until > before->until || now->until < issuer.until)
        return 0;
    return err_set(e, ERR_INVALID,
                   "the authority ends no later; make a new one in another directory, have clients trust "
                   "both, then issue from it");
}

/* Nothing is written down that will not be written. */
static int record(struct ca_index *index, const struct certificate *old, const struct certificate *made,
                  const struct certificate *authority, bool new_key, struct err *e)
{
    struct summary before, now;
    const struct issued *found;

    if (certificate_summarize(old, &before, e) != 0 || certificate_summarize(made, &now, e) != 0)
        return -1;
    if (!new_key && check_gain(&before, &now, authority, e) != 0)
        return -1;
    found = ca_index_find(index, before.serial);
    if (found != NULL && found->revoked != 0)
        return err_set(e, ERR_DENIED, "it is revoked (%s); issue a new one, if %s may have it", found->reason,
                       found->name);
    return ca_index_add(index, &now, e) == NULL ? -1 : ca_index_save(index, e);
}

/* Copies, then the new files. */
static int replace(const struct certificate *made, const struct certificate *chain, bool new_key,
                   struct ca_renewed *out, struct err *e)
{
    if (ca_pair_keep(&out->pair, &out->kept, e) != 0)
        return -1;
    if (new_key && ca_pair_write_key(&out->pair, made, NULL, e) != 0)
        return -1;
    return ca_pair_write_certificate(&out->pair, made, chain, e);
}

static bool has_p12(const struct ca_pair *pair)
{
    char path[PATH_MAX];

    return ca_pair_sibling(pair, ".p12", path, NULL) == 0 && access(path, F_OK) == 0;
}

static int renew(const struct ca *ca, const struct certificate *old, const struct ca_renewal *how,
                 struct ca_renewed *out, struct err *e)
{
    struct certificate *authority = ca_authority(ca, e), *made = NULL;
    struct ca_index *index = NULL;
    int rc = -1;

    if (authority != NULL && check_old(old, authority, how, e) == 0)
        index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        made = certificate_make_again(authority, old, how->days, how->new_key, e);
    if (made != NULL && record(index, old, made, authority, how->new_key, e) == 0)
        rc = replace(made, certificate_has_chain(old) ? authority : NULL, how->new_key, out, e);
    if (rc == 0) {
        out->done = true;
        out->days_left = certificate_days_left(made);
        out->stale_p12 = has_p12(&out->pair);
    }
    certificate_free(&made);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}

int ca_renew(const struct ca *ca, const char *what, const struct ca_renewal *how, struct ca_renewed *out, struct err *e)
{
    struct certificate *old;
    int rc = 0;

    *out = (struct ca_renewed){0};
    if (find(ca, what, &out->pair, e) != 0)
        return -1;
    old = certificate_read(out->pair.certificate, out->pair.key, e);
    if (old == NULL)
        return -1;
    out->days_left = certificate_days_left(old);
    if (out->days_left < 0 || (unsigned)out->days_left < how->days_left)
        rc = renew(ca, old, how, out, e);
    certificate_free(&old);
    return rc == 0 ? 0 : err_wrap(e, "%s", out->pair.certificate);
}
