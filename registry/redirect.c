#include "registry/redirect.h"

#include "registry/config/address.h"

/* RFC 1123 §2.1: labels of 1 to 63 bytes, neither beginning nor ending with a hyphen; one dot may stand at the end. */
static bool labels_valid(struct str name)
{
    while (name.n > 0) {
        size_t dot = str_find(name, '.');

        if (dot == 0 || dot > 63 || name.p[0] == '-' || name.p[dot - 1] == '-')
            return false;
        name = str_from(name, dot + 1);
    }
    return true;
}

bool redirect_host(struct str field, struct str *host)
{
    struct address address;

    if (address_parse(field, false, &address, NULL) != 0 || address.host.n == 0)
        return false;
    *host = address.host;
    if (str_find(*host, ':') < host->n)
        return str_find(*host, '%') == host->n; /* a zone is the client's own (RFC 6874 §1) */
    return labels_valid(*host);
}

void redirect_put_origin(struct str host, struct str port, struct sbuf *out)
{
    bool v6 = str_find(host, ':') < host.n;

    sbuf_printf(out, v6 ? "https://[%.*s]" : "https://%.*s", (int)host.n, host.p);
    if (port.n > 0 && !str_eq(port, STR("443")))
        sbuf_printf(out, ":%.*s", (int)port.n, port.p);
}

bool redirect_target_valid(struct str target)
{
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || (unsigned char)target.p[i] >= 0x7f)
            return false;
    return target.n > 0 && target.p[0] == '/';
}
