#include "registry/net/refusal_log.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/bn.h>

#include "registry/base/clock.h"
#include "registry/base/log.h"
#include "registry/observe/metrics.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t second;     /* of the monotonic clock; under lock, as what follows */
static unsigned lines;      /* in that second */
static unsigned suppressed; /* since the last line */

/* May a line be written now? Then `before` is the number of those that were not. */
static bool take_turn(unsigned *before)
{
    uint64_t now = clock_monotonic_ms() / 1000;
    bool mine;

    pthread_mutex_lock(&lock);
    if (now != second) {
        second = now;
        lines = 0;
    }
    mine = lines < REFUSALS_PER_SECOND;
    lines += mine;
    *before = suppressed;
    suppressed = mine ? 0 : suppressed + 1;
    pthread_mutex_unlock(&lock);
    return mine;
}

/* At most 20 bytes long by RFC 5280 §4.1.2.2; a longer one is cut. */
static void put_serial(const X509 *certificate, char out[64])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *digits = number == NULL ? NULL : BN_bn2hex(number);

    snprintf(out, 64, ", serial %.40s", digits == NULL ? "unreadable" : digits);
    OPENSSL_free(digits);
    BN_free(number);
}

void refusal_log(const char *address, const char *reason, const X509 *certificate)
{
    char serial[64] = "";
    unsigned before;

    metric_add(METRIC_CLIENT_CERTIFICATES_REFUSED, 1);
    if (!take_turn(&before))
        return;
    if (certificate != NULL)
        put_serial(certificate, serial);
    if (before > 0)
        log_info("%u more client certificates were refused", before);
    log_info("client certificate refused: %s (from %s%s)", reason, address, serial);
}
