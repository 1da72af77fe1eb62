/*
 * Certificates taken back: the index says it first, then the revocation list says it to everybody else.
 *
 * A verifier that finds a revocation list past its nextUpdate refuses every certificate of the authority. So the list
 * is good until the authority ends unless somebody asks for less: a list nobody renews must not stop a registry.
 */
#include "tools/ca/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

/* Write the list of all that the index has as revoked, under the next number. */
static int write_crl(const struct ca *ca, const struct certificate *authority, struct ca_index *index, unsigned days,
                     struct err *e)
{
    struct revocation *revoked = xcalloc(index->n + 1, sizeof(*revoked));
    struct sbuf text = {0}, path = {0};
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < index->n; i++) {
        if (index->items[i].revoked == 0)
            continue;
        snprintf(revoked[n].serial, sizeof(revoked[n].serial), "%s", index->items[i].serial);
        revoked[n].when = index->items[i].revoked;
        revoked[n++].reason = index->items[i].reason;
    }
    index->crl_number++;
    rc = ca_index_save(index, e); /* no two lists have one number, whatever comes between */
    if (rc == 0)
        rc = crl_put(authority, revoked, n, index->crl_number, days, &text, e);
    sbuf_printf(&path, "%s/crl.pem", ca->directory);
    if (rc == 0)
        rc = file_replace(sbuf_text(&path), text.p, text.n, 0644, e);
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
static int mark_file(const char *path, const struct certificate *authority, struct ca_index *index, const char *reason,
                     size_t *count, struct err *e)
{
    struct certificate *certificate = certificate_read(path, NULL, e);
    struct summary summary;
    struct issued *item;
    int rc = -1;

    if (certificate == NULL)
        return -1;
    if (certificate_signed_by(certificate, authority, e) != 0 || certificate_summarize(certificate, &summary, e) != 0)
        err_wrap(e, "%s", path);
    else if (strcmp(summary.kind, "authority") == 0)
        err_set(e, ERR_INVALID, "%s: an authority cannot revoke itself; have its clients trust another", path);
    else
        rc = 0;
    if (rc == 0) {
        item = ca_index_find(index, summary.serial);
        *count = mark(item != NULL ? item : ca_index_add(index, &summary), reason);
    }
    certificate_free(&certificate);
    return rc;
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

static int mark_named(struct ca_index *index, const char *what, const char *reason, size_t *count, struct err *e)
{
    char serial[SERIAL_TEXT_ROOM];
    struct issued *item;
    size_t found = 0;
    int64_t now = (int64_t)clock_wall_s();

    for (size_t i = 0; i < index->n; i++) {
        if (strcmp(index->items[i].name, what) != 0 || index->items[i].until < now)
            continue;
        found++;
        *count += mark(&index->items[i], reason);
    }
    if (found > 0)
        return 0;
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

int ca_revoke(const struct ca *ca, const char *what, const char *reason, unsigned days, size_t *count, struct err *e)
{
    struct certificate *authority = ca_authority(ca, e);
    struct ca_index *index = NULL;
    int rc = -1;

    *count = 0;
    if (authority != NULL)
        index = ca_index_open(ca->directory, INDEX_EDIT, e);
    if (index != NULL && ca_is_path(what))
        rc = mark_file(what, authority, index, reason, count, e);
    else if (index != NULL)
        rc = mark_named(index, what, reason, count, e);
    if (rc == 0)
        rc = write_crl(ca, authority, index, days, e);
    ca_index_close(&index);
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
        rc = write_crl(ca, authority, index, days, e);
    ca_index_close(&index);
    certificate_free(&authority);
    return rc;
}
