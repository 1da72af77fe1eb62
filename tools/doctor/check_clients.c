/* What client certificates are verified against. */
#include "tools/doctor/checks.h"

#include <inttypes.h>

/* base */
#include "registry/base/clock.h"

/* tools */
#include "tools/certificate/certificate.h"

enum { DAY_S = 24 * 60 * 60, SOON_DAYS = 30 };

static void check_authority(struct patient *p, const char *path, const struct certificate *authority)
{
    struct examination x;
    struct err e;

    certificate_examine(authority, NULL, 0, &x);
    if (certificate_signs(authority, &e) != 0) {
        complain(p, SEVERITY_ERROR, "%s holds a certificate that is no authority's: no client is let in by it", path);
        advise(p, "put the certificate of the authority that signs your clients there, as ca.crt of berth-ca");
    } else if (x.until < p->world->now_s) {
        complain(p, SEVERITY_ERROR, "the authority in %s has expired: none of its clients is let in", path);
        advise(p, "make a new authority, and new certificates for its clients: berth-ca init, berth-ca client");
    } else if ((x.until - p->world->now_s) / DAY_S < SOON_DAYS) {
        complain(p, SEVERITY_WARNING, "the authority in %s ends in %" PRId64 " days, and all its clients with it", path,
                 (x.until - p->world->now_s) / DAY_S);
        advise(p, "make a new one in time, and add it to http.tls.clientcas: berth-ca init --dir NEW-DIR");
    }
}

void check_authorities(struct patient *p)
{
    const struct config_list *files = &p->config->client_cas;

    for (size_t i = 0; i < files->n; i++) {
        struct certificate *all, *one;
        struct err e;

        check_readable(p, files->items[i]);
        all = certificate_read(files->items[i], NULL, &e);
        if (all == NULL) {
            complain(p, SEVERITY_ERROR, "http.tls.clientcas: %s", e.text);
            advise(p, "set it to the certificate of the authority that signs your clients, as ca.crt of berth-ca");
            continue;
        }
        for (unsigned k = 0; (one = certificate_at(all, k)) != NULL; k++) {
            check_authority(p, files->items[i], one);
            certificate_free(&one);
        }
        certificate_free(&all);
    }
}

/* Of each list in the file some authority, in any of the files, is to be the issuer. */
static int examine(const struct patient *p, const char *path, int64_t *until, unsigned *strangers, struct err *e)
{
    const struct config_list *files = &p->config->client_cas;
    unsigned known = 0, lists = 0, missing;

    for (size_t i = 0; i < files->n; i++) {
        struct certificate *all = certificate_read(files->items[i], NULL, NULL);
        int rc = all == NULL ? 0 : crl_examine(path, all, until, &missing, &lists, e);

        if (all != NULL && rc == 0)
            known += lists - missing;
        certificate_free(&all);
        if (rc != 0)
            return -1;
    }
    *strangers = lists > known ? lists - known : 0;
    return 0;
}

void check_revocation(struct patient *p)
{
    const struct config_list *files = &p->config->client_crls;

    for (size_t i = 0; i < files->n; i++) {
        int64_t until = INT64_MAX;
        unsigned strangers;
        char when[CLOCK_TEXT_ROOM];
        struct err e;

        check_readable(p, files->items[i]);
        if (examine(p, files->items[i], &until, &strangers, &e) != 0) {
            complain(p, SEVERITY_ERROR, "http.tls.clientcrls: %s", e.text);
            advise(p, "berth-ca crl --dir DIR writes one; without one remove the key");
            continue;
        }
        if (strangers > 0) {
            complain(p, SEVERITY_ERROR, "%s is a list of another authority than those of http.tls.clientcas",
                     files->items[i]);
            advise(p, "name the list of the authority that signs your clients, as crl.pem of berth-ca");
        }
        if (until < p->world->now_s) {
            clock_text(until, when);
            complain(p, SEVERITY_WARNING, "%s should have been replaced at %s: what was revoked since is not known",
                     files->items[i], when);
            advise(p, "berth-ca crl --dir DIR, or fetch the newest list of the authority");
        }
    }
}
