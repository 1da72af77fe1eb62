/*
 * Is a certificate good for what it is meant for?
 */
#include "tools/certificate/certificate_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* libraries */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

int64_t time_of(const ASN1_TIME *time)
{
    struct tm tm;

    return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

int days_until(const ASN1_TIME *end)
{
    int days = 0, seconds = 0;

    return ASN1_TIME_diff(&days, &seconds, NULL, end) != 1 ? -1 : seconds < 0 && days == 0 ? -1 : days;
}

int certificate_days_left(const struct certificate *certificate)
{
    return days_until(X509_get0_notAfter(certificate->x509));
}

int certificate_covers(const struct certificate *certificate, const struct host *host, unsigned days, struct err *e)
{
    X509 *x509 = certificate->x509;
    int left = certificate_days_left(certificate);
    int found;

    if (X509_cmp_current_time(X509_get0_notBefore(x509)) >= 0)
        return err_set(e, ERR_INVALID, "it is not valid yet");
    if (left < 0)
        return err_set(e, ERR_INVALID, "it has expired");
    if ((unsigned)left < days)
        return err_set(e, ERR_INVALID, "it expires in %d days", left);
    if (host->kind == HOST_ADDRESS)
        found = X509_check_ip_asc(x509, host->text, 0);
    else
        found = X509_check_host(x509, host->text, strlen(host->text), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
    return found == 1 ? 0 : err_set(e, ERR_INVALID, "it does not cover %s", host->text);
}

int certificate_serves(const struct certificate *certificate, struct err *e)
{
    if (X509_check_ca(certificate->x509) == 1)
        return err_set(e, ERR_INVALID, "it is an authority's, not a server's");
    if (X509_check_purpose(certificate->x509, X509_PURPOSE_SSL_SERVER, 0) == 1)
        return 0;
    return err_set(e, ERR_INVALID, "its key usage or extended key usage does not allow TLS servers");
}

int certificate_signs(const struct certificate *certificate, struct err *e)
{
    if (X509_check_ca(certificate->x509) == 1)
        return 0;
    return err_set(e, ERR_INVALID,
                   "it is no authority's: its basic constraints or key usage do not let it sign others");
}

int certificate_signed_by(const struct certificate *certificate, const struct certificate *authority, struct err *e)
{
    int rc = X509_verify(certificate->x509, X509_get0_pubkey(authority->x509)) == 1 ? 0 : -1;

    ERR_clear_error();
    return rc == 0 ? 0 : err_set(e, ERR_INVALID, "it was not signed by that authority");
}

bool serial_text(const ASN1_INTEGER *serial, char out[SERIAL_TEXT_ROOM])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
    char *text = number == NULL ? NULL : BN_bn2hex(number);
    bool fits = text != NULL && strlen(text) < SERIAL_TEXT_ROOM;

    if (fits) {
        const char *sign = text[0] == '-' ? "-" : "", *digits = text + strlen(sign);

        digits += strspn(digits, "0");
        snprintf(out, SERIAL_TEXT_ROOM, "%s%s", sign, digits[0] == '\0' ? "0" : digits);
        for (char *p = out; *p != '\0'; p++)
            *p = (char)(*p >= 'A' && *p <= 'F' ? *p + ('a' - 'A') : *p);
    }
    OPENSSL_free(text);
    BN_free(number);
    return fits;
}

const char *kind_of(X509 *x509)
{
    uint32_t uses;

    if (X509_check_ca(x509) == 1)
        return "authority";
    uses = (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) == 0 ? 0 : X509_get_extended_key_usage(x509);
    return (uses & XKU_SSL_SERVER) != 0 ? "server" : (uses & XKU_SSL_CLIENT) != 0 ? "client" : "other";
}

/* The common name, if it is one that can be printed and kept on a line. */
static bool common_name(const X509 *x509, struct sbuf *out)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int n = at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

    if (n > 0)
        text_escape(out, (struct str){(const char *)text, (size_t)n});
    OPENSSL_free(text);
    ERR_clear_error();
    return n > 0;
}

static void first_host(const X509 *x509, struct sbuf *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    struct sbuf name = {0};
    enum host_kind kind;

    for (int i = 0; name.n == 0 && i < sk_GENERAL_NAME_num(names); i++)
        name_text(sk_GENERAL_NAME_value(names, i), &kind, &name);
    text_escape(out, (struct str){name.p, name.n});
    sbuf_free(&name);
    GENERAL_NAMES_free(names);
}

int certificate_summarize(const struct certificate *certificate, struct summary *out, struct err *e)
{
    X509 *x509 = certificate->x509;
    struct sbuf name = {0};

    *out = (struct summary){
        .kind = kind_of(x509),
        .from = time_of(X509_get0_notBefore(x509)),
        .until = time_of(X509_get0_notAfter(x509)),
    };
    if (!serial_text(X509_get0_serialNumber(x509), out->serial) || out->serial[0] == '-' || out->serial[0] == '0')
        return err_set(e, ERR_INVALID, "its serial number is not positive, or longer than RFC 5280 allows");
    if (!common_name(x509, &name))
        first_host(x509, &name);
    if (name.n >= sizeof(out->name))
        name.n = sizeof(out->name) - 1;
    if (name.n > 0)
        memcpy(out->name, name.p, name.n);
    sbuf_free(&name);
    return 0;
}
