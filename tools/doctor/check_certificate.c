/* The server's certificate and its key. */
#include "tools/doctor/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"

/* registry */
#include "registry/config/address.h"

/* tools */
#include "tools/certificate/certificate.h"
#include "tools/doctor/advice.h"
#include "tools/hosts.h"

enum { DAY_S = 24 * 60 * 60, SOON_DAYS = 14 };

static struct certificate *read_certificate(const struct patient *p)
{
    return certificate_read(p->config->tls_certificate, NULL, NULL);
}

/* ---- the files ---- */

/* Made by berth-ca, next to its authority? */
static bool is_of_berth_ca(const char *certificate)
{
    return access(beside(certificate, "ca.key"), F_OK) == 0;
}

/* `host` is to be in it, besides this machine's names. */
static void advise_new(struct patient *p, const char *certificate, const char *host)
{
    const char *blank = host[0] == '\0' ? "" : " ";

    if (is_of_berth_ca(certificate))
        advise(p, "berth-ca server --force --dir %s $(berth-ca hosts)%s%s", word(directory_of(certificate)), blank,
               host);
    else
        advise(p,
               "ask your authority or ACME client for a new one%s%s, or make one: berth-ca init --dir DIR && berth-ca "
               "server --dir DIR $(berth-ca hosts)%s%s",
               blank[0] == '\0' ? "" : " for ", host, blank, host);
}

static void check_key(struct patient *p)
{
    const char *path = p->config->tls_key;
    struct certificate *pair;
    struct stat st;
    struct err e;

    if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        complain(p, SEVERITY_ERROR, "everybody on this machine may read the private key %s", path);
        advise(p, "chmod o-rwx %s, and have a new certificate made with a new key if strangers log in here",
               word(path));
    }
    check_readable(p, path);
    pair = certificate_read(p->config->tls_certificate, path, &e);
    if (pair == NULL) {
        complain(p, SEVERITY_ERROR, "http.tls.key: %s", e.text);
        if (e.code == ERR_DENIED && access(path, R_OK) == 0)
            advise(p, "openssl pkey -in %s -out NEW-KEY takes its passphrase off; keep it readable for the server only",
                   word(path));
        else if (e.code == ERR_NOT_FOUND)
            advise(p, "set http.tls.key to the file with the key of %s", word(p->config->tls_certificate));
        else
            advise(p, "set http.tls.certificate and http.tls.key to two files that were made together");
        return;
    }
    if (certificate_check_strength(pair, &e) != 0) {
        complain(p, SEVERITY_ERROR, "%s: %s", p->config->tls_certificate, e.text);
        advise_new(p, p->config->tls_certificate, "");
    }
    certificate_free(&pair);
}

/* ---- the certificate ---- */

static void check_time(struct patient *p, const struct examination *x)
{
    const char *path = p->config->tls_certificate;
    int64_t now = p->world->now_s, left_days = (x->until - now) / DAY_S;
    char when[CLOCK_TEXT_ROOM];

    if (x->until < now) {
        clock_text(x->until, when);
        complain(p, SEVERITY_ERROR, "%s expired at %s", path, when);
    } else if (x->from > now) {
        clock_text(x->from, when);
        complain(p, SEVERITY_ERROR, "%s is not valid before %s", path, when);
        advise(p, "check this machine's clock: date -u; or wait");
        return;
    } else if (left_days < SOON_DAYS && x->until - now < (x->until - x->from) / 3) {
        complain(p, SEVERITY_WARNING, "%s ends in %" PRId64 " days", path, left_days);
    } else {
        return;
    }
    if (is_of_berth_ca(path))
        advise(p, "berth-ca renew %s --dir %s, daily from cron; the server takes it up by itself",
               word(strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1), word(directory_of(path)));
    else
        advise(p, "renew it, for example: certbot renew; the server takes the new file up by itself");
}

void check_certificate(struct patient *p)
{
    const char *path = p->config->tls_certificate;
    struct certificate *certificate;
    struct examination x;
    struct err e;

    check_readable(p, path);
    certificate = certificate_read(path, NULL, &e);
    if (certificate == NULL) {
        complain(p, SEVERITY_ERROR, "http.tls.certificate: %s", e.text);
        advise_new(p, path, "");
        return;
    }
    certificate_examine(certificate, NULL, 0, &x);
    certificate_free(&certificate);
    check_key(p);
    check_time(p, &x);
    if (!x.serves) {
        complain(p, SEVERITY_ERROR, "%s is not meant for servers: its key usages lack serverAuth", path);
        advise_new(p, path, "");
    }
    if (x.authority) {
        complain(p, SEVERITY_WARNING, "%s is an authority's certificate: who gets hold of its key can make any other",
                 path);
        advise(p, "keep the authority's key elsewhere, and have it sign one for the server: berth-ca server --dir DIR "
                  "HOST...");
    } else if (x.self_signed) {
        complain(p, SEVERITY_WARNING, "%s is signed by itself: every client has to be given every new one", path);
        advise(p, "make an authority once: berth-ca init --dir DIR && berth-ca server --dir DIR HOST...");
    }
    if (x.weak_signature) {
        complain(p, SEVERITY_ERROR, "%s or one of its chain is signed over SHA-1 or MD5, which clients refuse", path);
        advise_new(p, path, "");
    }
}

/* ---- names ---- */

/* Only the name counts here, not the validity. */
static bool covers(const struct certificate *certificate, const char *text)
{
    char port[PORT_ROOM];
    struct host host;
    struct err e;

    return host_port_parse(text, &host, port, &e) == 0 &&
           (certificate_covers(certificate, &host, 0, &e) == 0 || strncmp(e.text, "it does not cover", 17) != 0);
}

static void check_wanted(struct patient *p, const struct certificate *certificate, enum severity severity,
                         const char *from, const char *host)
{
    char host_only[HOST_ROOM] = "", port[PORT_ROOM];
    struct host parsed;

    if (covers(certificate, host))
        return;
    if (host_port_parse(host, &parsed, port, NULL) == 0)
        snprintf(host_only, sizeof(host_only), "%s", parsed.text);
    complain(p, severity, "%s does not cover %s (%s): clients that call it so refuse it", p->config->tls_certificate,
             host, from);
    advise_new(p, p->config->tls_certificate, host_only);
}

/* None of this machine's names would do? localhost and its like are no names that others use. */
static void check_own_names(struct patient *p, const struct certificate *certificate)
{
    struct hosts own = {.n = 0};
    struct sbuf list = {0};
    struct err e;

    if (hosts_of_machine(&own, &e) != 0)
        return;
    for (size_t i = 0; i < own.n; i++) {
        if (advice_is_local(own.items[i].text))
            continue;
        if (covers(certificate, own.items[i].text)) {
            sbuf_free(&list);
            return;
        }
        sbuf_printf(&list, "%s%s", list.n == 0 ? "" : ", ", own.items[i].text);
    }
    if (list.n > 0) {
        complain(p, SEVERITY_WARNING, "%s covers none of this host's names and addresses: %s",
                 p->config->tls_certificate, sbuf_text(&list));
        advise_new(p, p->config->tls_certificate, "");
    }
    sbuf_free(&list);
}

void check_names(struct patient *p)
{
    struct certificate *certificate = read_certificate(p);
    const struct config *config = p->config;
    struct examination x;
    struct address address;

    if (certificate == NULL)
        return;
    certificate_examine(certificate, NULL, 0, &x);
    if (!x.named) {
        complain(p, SEVERITY_ERROR,
                 "%s names its host in the subject only, where clients do not look any more (RFC 9525)",
                 config->tls_certificate);
        advise_new(p, config->tls_certificate, "");
        certificate_free(&certificate);
        return;
    }
    for (size_t i = 0; i < p->request->host_count; i++)
        check_wanted(p, certificate, SEVERITY_ERROR, "--host", p->request->hosts[i]);
    if (config->http_host != NULL && strncasecmp(config->http_host, "https://", 8) == 0)
        check_wanted(p, certificate, SEVERITY_ERROR, "http.host", config->http_host + 8);
    if (strcmp(config->http_net, "tcp") == 0 && address_parse(str_of(config->http_addr), true, &address, NULL) == 0 &&
        address.host.n > 0) {
        char *host = str_dup(address.host);

        if (!advice_is_local(host) && strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0)
            check_wanted(p, certificate, SEVERITY_WARNING, "http.addr", host);
        free(host);
    } else if (p->request->host_count == 0 && config->http_host == NULL) {
        check_own_names(p, certificate);
    }
    certificate_free(&certificate);
}

/* ---- chain ---- */

void check_chain(struct patient *p)
{
    static const char *const names[] = {"ca.crt", "ca.pem", "chain.pem", "fullchain.pem"};
    const char *path = p->config->tls_certificate;
    struct certificate *certificate = read_certificate(p);
    char *neighbours[4];
    struct examination x;

    if (certificate == NULL)
        return;
    for (size_t i = 0; i < 4; i++)
        neighbours[i] = str_dup(str_of(beside(path, names[i])));
    certificate_examine(certificate, neighbours, 4, &x);
    for (size_t i = 0; i < 4; i++)
        free(neighbours[i]);
    certificate_free(&certificate);
    if (x.misplaced > 0) {
        complain(p, SEVERITY_ERROR, "%s: certificate %u in it did not sign the one before it", path, x.misplaced + 1);
        advise(p, "put them in order: the server's first, then the one that signed it, and so on up; nothing else");
    }
    if (x.incomplete) {
        complain(p, SEVERITY_ERROR, "%s lacks the certificate of \"%s\", which clients do not have", path, x.issuer);
        advise(p, "append it: cat SERVER.pem INTERMEDIATE.pem >%s; of an ACME client take the full chain", word(path));
    }
}
