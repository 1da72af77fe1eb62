#include "tools/doctor/advice.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* config */
#include "registry/config/address.h"

/* tools */
#include "tools/certificate/certificate.h"
#include "tools/hosts.h"
#include "tools/trust/trust_registry.h"

bool advice_is_local(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* ---- what it is called ---- */

static bool covers(const struct certificate *certificate, const struct host *host)
{
    struct err e;

    return certificate == NULL || certificate_covers(certificate, host, 0, &e) == 0;
}

/* The first name with a dot, else the first address, else the first of all; of those that the certificate covers. */
static const struct host *best_of(const struct hosts *own, const struct certificate *certificate)
{
    const struct host *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < own->n; i++) {
        const struct host *host = &own->items[i];
        int rank = advice_is_local(host->text)                                     ? 1
                   : host->kind == HOST_NAME && strchr(host->text, '.') != NULL    ? 4
                   : host->kind == HOST_ADDRESS && strchr(host->text, ':') == NULL ? 3
                                                                                   : 2;

        if (rank > best_rank && covers(certificate, host)) {
            best = host;
            best_rank = rank;
        }
    }
    return best;
}

static void join(const char *host, const char *port, char out[TRUST_NAME_ROOM])
{
    bool brackets = strchr(host, ':') != NULL && host[0] != '[';

    snprintf(out, TRUST_NAME_ROOM, "%s%s%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "",
             port[0] == '\0' || strcmp(port, "443") == 0 ? "" : ":",
             port[0] == '\0' || strcmp(port, "443") == 0 ? "" : port);
}

static void name_of_machine(const struct patient *p, const char *port, char out[TRUST_NAME_ROOM])
{
    struct certificate *certificate = p->config->tls_certificate == NULL
                                          ? NULL
                                          : certificate_read(p->config->tls_certificate, NULL, NULL);
    struct hosts own = {.n = 0};
    const struct host *best = NULL;

    if (hosts_of_machine(&own, NULL) == 0)
        best = best_of(&own, certificate);
    join(best == NULL ? "HOST" : best->text, port, out);
    certificate_free(&certificate);
}

static void registry_name(const struct patient *p, char out[TRUST_NAME_ROOM])
{
    struct address address = {.port = {"", 0}};
    const char *rest = p->config->http_host == NULL ? NULL : strstr(p->config->http_host, "://");
    char port[PORT_ROOM] = "", host[TRUST_NAME_ROOM] = "";

    if (strcmp(p->config->http_net, "tcp") == 0 &&
        address_parse(str_of(p->config->http_addr), true, &address, NULL) == 0) {
        snprintf(port, sizeof(port), "%.*s", (int)address.port.n, address.port.p);
        snprintf(host, sizeof(host), "%.*s", (int)address.host.n, address.host.p);
    }
    if (p->request->host_count > 0 && (strchr(p->request->hosts[0], ':') != NULL))
        snprintf(out, TRUST_NAME_ROOM, "%s", p->request->hosts[0]);
    else if (p->request->host_count > 0)
        join(p->request->hosts[0], port, out);
    else if (rest != NULL)
        snprintf(out, TRUST_NAME_ROOM, "%s", rest + 3);
    else if (advice_is_local(host))
        join(host, port, out); /* nobody else reaches it */
    else
        name_of_machine(p, port, out);
}

/* ---- the lines ---- */

/* The file that clients need; NULL: it is not here, or none is needed (*public). */
static const char *authority_file(const struct patient *p, bool *public)
{
    const char *path = p->config->tls_certificate, *beside_it = beside(path, "ca.crt");
    struct certificate *certificate = certificate_read(path, NULL, NULL);
    struct certificate *authority = certificate_read(beside_it, NULL, NULL);
    struct examination x = {.self_signed = false};
    const char *found = NULL;

    if (certificate != NULL)
        certificate_examine(certificate, NULL, 0, &x);
    if (x.self_signed)
        found = path;
    else if (certificate != NULL && authority != NULL && certificate_signed_by(certificate, authority, NULL) == 0)
        found = beside_it;
    *public = certificate != NULL && certificate_is_known(certificate);
    certificate_free(&certificate);
    certificate_free(&authority);
    return found;
}

static void put_hosts_toml(const char *name, const char *scheme, const char *ca, struct sbuf *out)
{
    sbuf_printf(out,
                "  containerd   /etc/containerd/certs.d/%s/hosts.toml with [host.\"%s://%s\"]%s\n"
                "               (and config_path = \"/etc/containerd/certs.d\" in its config.toml)\n",
                name, scheme, name, ca);
}

static void put_tls(const struct patient *p, const char *name, struct sbuf *out)
{
    bool public;
    const char *ca = authority_file(p, &public);

    if (public) {
        sbuf_printf(out, "  nothing to copy: the authority is one that systems trust\n");
    } else {
        sbuf_printf(out, "  copy %s there as ca.crt, then\n", ca == NULL ? "the authority's certificate" : word(ca));
        sbuf_printf(out, "  Docker       install -D -m 0644 ca.crt /etc/docker/certs.d/%s/ca.crt\n", name);
        sbuf_printf(out, "  Podman       install -D -m 0644 ca.crt /etc/containers/certs.d/%s/ca.crt\n", name);
        sbuf_printf(out, "  containerd   install -D -m 0644 ca.crt /etc/containerd/certs.d/%s/ca.crt\n", name);
        put_hosts_toml(name, "https", " and ca = \"ca.crt\"", out);
        sbuf_printf(out, "  or all at once: berth-trust install %s --ca %s USER@HOST...\n", name,
                    ca == NULL ? "ca.crt" : word(ca));
    }
    if (p->config->client_cas.n > 0)
        sbuf_printf(out,
                    "  clients need a certificate, too: client.cert and client.key beside ca.crt (berth-ca client, "
                    "berth-trust install --client-cert)\n");
}

/* What is allowed for one registry here is a hole for whoever stands between. */
static void put_plain(const char *name, struct sbuf *out)
{
    sbuf_printf(out, "  plain HTTP: only for a trial, never for production\n");
    sbuf_printf(out, "  Docker       {\"insecure-registries\": [\"%s\"]} in /etc/docker/daemon.json, and restart it\n",
                name);
    sbuf_printf(out,
                "  Podman       [[registry]] location = \"%s\" insecure = true in /etc/containers/registries.conf\n",
                name);
    put_hosts_toml(name, "http", "", out);
}

void advice_put(const struct patient *p, struct sbuf *out)
{
    char given[TRUST_NAME_ROOM];
    struct trust_registry registry;
    const char *name = given;

    if (strcmp(p->config->http_net, "unix") == 0)
        return;
    registry_name(p, given);
    if (trust_registry_parse(given, &registry, NULL) == 0)
        name = registry.names[0];
    sbuf_printf(out, "\nOn each host that uses it as %s:\n", name);
    if (p->config->tls_certificate != NULL)
        put_tls(p, name, out);
    else if (p->config->http_host != NULL && strncasecmp(p->config->http_host, "https://", 8) == 0)
        sbuf_printf(out, "  what the proxy in front of it needs, which speaks TLS\n");
    else
        put_plain(name, out);
    if (p->config->auth == CONFIG_AUTH_HTPASSWD)
        sbuf_printf(out, "  docker login %s\n", name);
}
