/* Passes. A text is opened only if it is the one way to write what was found in it, and no input is a pass of ours. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "auth/bearer.h"

enum { NOW = 1700000000 };

/* Issue what the input claims to be: all but the HMAC, 32 bytes at the end, must be the same text. */
static void check_text(const struct bearer *bearer, struct str pass, const struct bearer_claim *claim)
{
    struct sbuf again = {0};
    size_t sealed = (size_t)(10 + strlen(claim->name)) * 8 / 6; /* characters that hold no bit of the HMAC */

    HOLDS(bearer_issue(bearer, str_of(claim->name), STR(""), claim->expires_s - 1, 1, &again, NULL) == 0);
    HOLDS(again.n == pass.n && memcmp(again.p, pass.p, sealed) == 0);
    sbuf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bearer *bearer;
    struct str pass = fuzz_text(data, size);
    struct bearer_claim claim;

    if (bearer == NULL)
        bearer = bearer_new();
    if (!bearer_open(pass, &claim))
        return 0;
    HOLDS(size <= BEARER_TEXT_MAX);
    HOLDS(!bearer_check(bearer, &claim, STR(""), NOW));
    HOLDS(!bearer_check(bearer, &claim, STR("$hash"), claim.expires_s - 1));
    check_text(bearer, pass, &claim);
    return 0;
}
