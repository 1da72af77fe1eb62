/*
 * Certificates taken back: the index says it first, then the revocation list says it to everybody else.
 *
 * A verifier that finds a revocation list past its nextUpdate refuses every certificate of the authority. So the list
 * is good until the authority ends unless somebody asks for less: a list nobody renews must not stop a registry.
 */
#include "tools/ca/ca.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

/* An index from before the list that is there has forgotten what that list says. */
static int refuse_older(const char *directory, const char *path, const struct ca_index *index, struct err *e)
{
    struct err why = {0};
    uint64_t number;

    if (crl_number(path, &number, &why) != 0)
        return why.code == ERR_NOT_FOUND ? 0 : err_set(e, why.code, "%s; move it away to have one made", why.text);
    if (number <= index->crl_number)
        return 0;
    return err_set(e, ERR_INVALID,
                   "%s has number %" PRIu64 ", but %s/issued ends with %" PRIu64 ": it is lost or old, and what was "
                   "revoked since would be good again; restore %s/issued from a backup",
                   path, number, directory, index->crl_number, directory);
}

int ca_put_crl(const struct ca *ca, const struct certificate *authority, struct ca_index *index, unsigned days,
               struct err *e)
{
    struct revocation *revoked = xcalloc(index->n + 1, sizeof(*revoked));
    struct sbuf text = {0}, path = {0};
    size_t n = 0;
    int rc;

    sbuf_printf(&path, "%s/crl.pem", ca->directory);
    rc = refuse_older(ca->directory, sbuf_text(&path), index, e);
    for (size_t i = 0; i < index->n; i++) {
        if (index->items[i].revoked == 0)
            continue;
        snprintf(revoked[n].serial, sizeof(revoked[n].serial), "%s", index->items[i].serial);
        revoked[n].when = index->items[i].revoked;
        revoked[n++].reason = index->items[i].reason;
    }
    index->crl_number++;
    if (rc == 0)
        rc = ca_index_save(index, e); /* no two lists have one number, whatever comes between */
    if (rc == 0)
        rc = crl_put(authority, revoked, n, index->crl_number, days, &text, e);
    if (rc == 0)
        rc = file_replace(path.p, text.p, text.n, 0644, e);
    free(revoked);
    sbuf_free(&path);
    sbuf_free(&text);
    return rc;
}

static size_t mark(struct issued *item, const char *reason)
{
    if (item->revoked != 0)
        return 0;
    item->revoked = (int64_t)clock_wall_s();
    snprintf(item->reason, sizeof(item->reason), "%s", reason);
    return 1;
}

/* One that is not in the index was issued before there was one; it is written down now. */
static int mark_file(const char *path, const struct certificate *certificate, const struct certificate *authority,
                     struct ca_index *index, const char *reason, size_t *count, struct err *e)
{
    struct summary summary;
    struct issued *item;

    if (certificate_signed_by(certificate, authority, e) != 0 || certificate_summarize(certificate, &summary, e) != 0)
        return err_wrap(e, "%s", path);
    if (strcmp(summary.kind, "authority") == 0)
        return err_set(e, ERR_INVALID, "%s: an authority cannot revoke itself; have its clients trust another", path);
    item = ca_index_find(index, summary.serial);
    if (item == NULL)
        item = ca_index_add(index, &summary, e);
    if (item == NULL)
        return err_wrap(e, "%s", path);
    *count = mark(item, reason);
    return 0;
}

/* As the index writes it: "0A:1B:2C" is what openssl prints. Empty when it is no serial number. */
static void normalise_serial(const char *text, char out[SERIAL_TEXT_ROOM])
{
    size_t n = 0;

    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    for (; *text != '\0' && n < SERIAL_TEXT_ROOM - 1; text++) {
        char c = (char)(*text >= 'A' && *text <= 'F' ? *text + ('a' - 'A') : *text);

        if (c == ':' || (c == '0' && n == 0))
            continue;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            n = 0;
            break;
        }
        out[n++] = c;
    }
    out[n] = '\0';
}

/* All that are valid under a name. Returns how many there are. */
static size_t mark_named(struct ca_index *index, const char *name, const char *reason, size_t *count)
{
    int64_t now = (int64_t)clock_wall_s();
    size_t found = 0;

    for (size_t i = 0; i < index->n; i++) {
        if (strcmp(index->items[i].name, name) != 0 || index->items[i].until < now)
            continue;
        found++;
        *count += mark(&index->items[i], reason);
    }
    return found;
}

static int mark_serial(struct ca_index *index, const char *what, const char *reason, size_t *count, struct err *e)
{
    char serial[SERIAL_TEXT_ROOM];
    struct issued *item;

    normalise_serial(what, serial);
    item = ca_index_find(index, serial);
    if (item == NULL)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: neither a certificate's file, nor the name or serial number of a valid one that was "
                       "issued here (\"berth-ca list\" shows them)",
                       what);
    *count = mark(item, reason);
    return 0;
}

/* What "revoke" was given, read before the lock is taken. */
struct culprit {
    const char *what;
    bool is_path;
    struct certificate *certificate; /* NULL: it is no path, or `why` */
    struct err why;
};

static int mark_culprit(const struct culprit *culprit, const struct certificate *authority, struct ca_index *index,
                        const char *reason, size_t *count, struct err *e)
{
    if (strchr(culprit->what, '/') == NULL && mark_named(index, culprit->what, reason, count) > 0)
        return 0;
    if (culprit->certificate != NULL)
        return mark_file(culprit->what, culprit->certificate, authority, index, reason, count, e);
    if (culprit->is_path)
        return err_set(e, culprit->why.code, "%s", culprit->why.text);
    return mark_serial(index, culprit->what, reason, count, e);
}

int ca_revoke(const struct ca *ca, const char *what, const char *reason, unsigned days, size_t *count, struct err *e)
{
    struct certificate *authority = ca_authority(ca, e);
    struct culprit culprit = {.what = what, .is_path = ca_is_path(what)};
    struct ca_index *index = NULL;
    int rc = -1;

    *count = 0;
    if (culprit.is_path)
        culprit.certificate = certificate_read(what, NULL, &culprit.why);
    if (authority != NULL)
        index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        rc = mark_culprit(&culprit, authority, index, reason, count, e);
    if (rc == 0)
        rc = ca_put_crl(ca, authority, index, days, e);
    ca_index_close(&index);
    certificate_free(&culprit.certificate);
    certificate_free(&authority);
    return rc;
}

int ca_write_crl(const struct ca *ca, unsigned days, struct err *e)
{
    struct certificate *authority = ca_authority(ca, e);
    struct ca_index *index = NULL;
    int rc = -1;

    if (authority != NULL)
        index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL)
        rc = ca_put_crl(ca, authority, index, days, e);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}
