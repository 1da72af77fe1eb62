#include "registry/base/rnd.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void rnd_bytes(void *out, size_t n)
{
    uint8_t *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

/* A uniformly random index below `range` (at most 256), by rejection. */
static unsigned random_below(unsigned range)
{
    unsigned usable = 256 - 256 % range;
    uint8_t byte;

    do {
        rnd_bytes(&byte, 1);
    } while (byte >= usable);
    return byte % range;
}

static void random_text(char *out, size_t n, const char *alphabet, unsigned size)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[random_below(size)];
    out[n] = '\0';
}

void rnd_hex(char *out, size_t digits)
{
    random_text(out, digits, "0123456789abcdef", 16);
}

void rnd_password(char *out, size_t n)
{
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    random_text(out, n, alphabet, sizeof(alphabet) - 1);
}
