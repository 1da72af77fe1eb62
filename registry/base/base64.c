#include "registry/base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct sbuf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t group = 0;
        char four[4];

        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n ? (unsigned char)bytes.p[i + k] : 0);
        memset(four, '=', sizeof(four));
        for (size_t k = 0; k <= n; k++)
            four[k] = alphabet[group >> (18 - 6 * k) & 63];
        sbuf_put(out, four, sizeof(four));
    }
}

/* -1: no letter of the alphabet. */
static int value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* How many of the last four characters are padding. */
static size_t padding_of(struct str text)
{
    if (text.n == 0 || text.p[text.n - 1] != '=')
        return 0;
    return text.p[text.n - 2] == '=' ? 2 : 1;
}

bool base64_take(struct str text, struct sbuf *out)
{
    size_t padding, from = out->n;
    uint32_t group = 0;

    if (text.n % 4 != 0)
        return false;
    padding = padding_of(text);
    for (size_t i = 0; i < text.n; i++) {
        int value = i >= text.n - padding ? 0 : value_of(text.p[i]);

        if (value < 0) {
            out->n = from;
            return false;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4 == 3) {
            char three[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};

            sbuf_put(out, three, i + 1 == text.n ? 3 - padding : 3);
        }
    }
    return true;
}
