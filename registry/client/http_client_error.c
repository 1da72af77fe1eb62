#include "registry/client/http_client_error.h"

#include <string.h>

#include "registry/base/str.h"
#include "registry/client/http_client.h"

/* What stands behind the text. */
enum detail { DETAIL_NONE, DETAIL_CURL, DETAIL_ERRNO };

static const struct {
    CURLcode code;
    enum err_code becomes;
    enum detail detail;
    const char *what;
    const char *remedy;
} table[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_IO, DETAIL_NONE, "its name cannot be resolved",
     "look at the name, and at this machine's DNS"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_IO, DETAIL_NONE, "the proxy's name cannot be resolved",
     "look at http_proxy and https_proxy in the environment"},
    {CURLE_COULDNT_CONNECT, ERR_IO, DETAIL_ERRNO, "cannot connect",
     "is it running, and does a firewall let this through?"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED, DETAIL_CURL, "its certificate is not to be trusted",
     "name the file of the authority that issued it"},
    {CURLE_SSL_CACERT_BADFILE, ERR_INVALID, DETAIL_CURL, "the authorities' certificates cannot be used",
     "look at the CA file, and install ca-certificates"},
    {CURLE_SSL_CONNECT_ERROR, ERR_IO, DETAIL_CURL, "no TLS connection comes about",
     "does it speak TLS 1.2 or later at this port?"},
    {CURLE_SSL_CERTPROBLEM, ERR_INVALID, DETAIL_CURL, "our client certificate or its key cannot be used",
     "look at both files; the key may not have a password"},
    {CURLE_GOT_NOTHING, ERR_IO, DETAIL_NONE, "it closed the connection without an answer",
     "try again; does it want https?"},
    {CURLE_RECV_ERROR, ERR_IO, DETAIL_NONE, "the connection broke off", "try again"},
    {CURLE_SEND_ERROR, ERR_IO, DETAIL_NONE, "the connection broke off", "try again"},
    {CURLE_PARTIAL_FILE, ERR_IO, DETAIL_NONE, "the answer broke off before its end", "try again"},
    {CURLE_OPERATION_TIMEDOUT, ERR_IO, DETAIL_NONE, "it takes too long", "try again when it is less busy"},
    {CURLE_TOO_MANY_REDIRECTS, ERR_IO, DETAIL_NONE, "it redirects again and again", "look at its configuration"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_DENIED, DETAIL_NONE, "it redirects to what is not followed",
     "only http and https are, and never from https to http"},
    {CURLE_FILESIZE_EXCEEDED, ERR_TOO_LARGE, DETAIL_NONE, "the head of its answer is too long",
     "is this the right port?"},
    {CURLE_URL_MALFORMAT, ERR_INVALID, DETAIL_NONE, "an address that is no URL", "look at how it is spelt"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_IO, DETAIL_NONE, "what it says is not HTTP", "is this the right port?"},
};

/* A backslash ends it as well: some take it for a slash, and nothing in a host's name needs one. */
static size_t end_of_authority(struct str rest)
{
    size_t n = 0;

    while (n < rest.n && strchr("/?#\\", rest.p[n]) == NULL)
        n++;
    return n;
}

bool http_url_origin(struct str url, struct str *scheme, struct str *host)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f)
            return false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct str rest = str_from(url, schemes[i].n);
        size_t at;

        if (!str_eq_nocase((struct str){url.p, url.n - rest.n}, schemes[i]))
            continue;
        rest.n = end_of_authority(rest);
        while ((at = str_find(rest, '@')) < rest.n)
            rest = str_from(rest, at + 1);
        *scheme = schemes[i];
        *host = rest;
        return rest.n > 0;
    }
    return false;
}

int http_client_error(const struct http_failure *failure, const char *url, struct err *e)
{
    struct str scheme = STR(""), host = STR("the other side");
    size_t i = 0;

    http_url_origin(str_of(url), &scheme, &host);
    while (i < sizeof(table) / sizeof(table[0]) && table[i].code != failure->code)
        i++;
    if (i == sizeof(table) / sizeof(table[0]))
        return err_set(e, ERR_IO, "%.*s%.*s: %s", (int)scheme.n, scheme.p, (int)host.n, host.p, failure->unknown);
    err_set(e, table[i].becomes, "%.*s%.*s: %s%s%s; %s", (int)scheme.n, scheme.p, (int)host.n, host.p, table[i].what,
            table[i].detail == DETAIL_NONE ? "" : ": ",
            table[i].detail == DETAIL_CURL                            ? failure->detail
            : table[i].detail == DETAIL_ERRNO && failure->number != 0 ? strerror((int)failure->number)
            : table[i].detail == DETAIL_ERRNO                         ? "nobody answers"
                                                                      : "",
            table[i].remedy);
    return -1;
}
