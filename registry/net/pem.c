#include "registry/net/pem.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

int pem_error(const struct file_of_set *file, struct err *e)
{
    unsigned long code = ERR_peek_error(); /* the first is the cause */
    const char *reason = ERR_SYSTEM_ERROR(code) ? strerrordesc_np(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s %s: %s", file->key, file->path, reason == NULL ? "unknown error" : reason);
}

/* A block has four rows of dashes: a file cut in the middle of a row that begins or ends one does not parse as one, and
 * would look like a shorter file. */
static bool is_whole(struct str text)
{
    static const struct str dashes = STR("-----");
    size_t rows = 0;

    for (const char *p = text.p, *end = text.p + text.n; p != NULL && p < end;) {
        p = memmem(p, (size_t)(end - p), dashes.p, dashes.n);
        if (p != NULL) {
            rows++;
            p += dashes.n;
        }
    }
    return rows % 4 == 0;
}

/* After the last block: did reading end because there are no more? */
static int check_end(const struct file_of_set *file, int found, const char *what, struct err *e)
{
    unsigned long last = ERR_peek_last_error();

    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return pem_error(file, e);
    ERR_clear_error();
    if (!is_whole(file->text))
        return err_set(e, ERR_INVALID, "%s %s: ends in the middle of a PEM block; write the whole file", file->key,
                       file->path);
    if (found == 0)
        return err_set(e, ERR_INVALID, "%s %s: holds no %s; write at least one in PEM form", file->key, file->path,
                       what);
    return 0;
}

STACK_OF(X509) * pem_certificates(const struct file_of_set *file, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(file->text.n == 0 ? "" : file->text.p, (int)file->text.n);
    STACK_OF(X509) *all = sk_X509_new_null();
    X509 *one;

    ERR_clear_error();
    while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        sk_X509_push(all, one);
    BIO_free(bio);
    if (check_end(file, sk_X509_num(all), "certificate", e) == 0)
        return all;
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

STACK_OF(X509_CRL) * pem_crls(const struct file_of_set *file, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(file->text.n == 0 ? "" : file->text.p, (int)file->text.n);
    STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
    X509_CRL *one;

    ERR_clear_error();
    while ((one = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL)
        sk_X509_CRL_push(all, one);
    BIO_free(bio);
    if (check_end(file, sk_X509_CRL_num(all), "revocation list (X509 CRL)", e) == 0)
        return all;
    sk_X509_CRL_pop_free(all, X509_CRL_free);
    return NULL;
}

uint64_t pem_time_s(const ASN1_TIME *time)
{
    struct tm broken;
    time_t seconds;

    if (time == NULL)
        return UINT64_MAX;
    if (!ASN1_TIME_to_tm(time, &broken))
        return 0;
    seconds = timegm(&broken);
    return seconds < 0 ? 0 : (uint64_t)seconds;
}
