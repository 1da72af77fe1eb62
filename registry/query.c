#include "registry/query.h"

#include <stdlib.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(struct str text, bool is_path, char *out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];

        if (c == '%') {
            int high = i + 2 <= text.n - 1 ? hex_value(text.p[i + 1]) : -1;
            int low = i + 2 <= text.n - 1 ? hex_value(text.p[i + 2]) : -1;

            c = high < 0 || low < 0 ? 0 : high << 4 | low;
            if (c == 0 || (is_path && c == '/'))
                return false;
            i += 2;
        } else if (c == '+' && !is_path) {
            c = ' ';
        }
        out[(*n)++] = (char)c;
    }
    return true;
}

bool query_valid(struct str query)
{
    char *decoded = xmalloc(query.n);
    size_t n;
    bool ok = percent_decode(query, false, decoded, &n);

    free(decoded);
    return ok;
}

bool query_get(struct str query, const char *key, size_t index, struct sbuf *out)
{
    while (query.n > 0) {
        size_t end = str_find(query, '&');
        struct str pair = {query.p, end};
        size_t equals = str_find(pair, '=');

        if (str_eq((struct str){pair.p, equals}, str_of(key)) && index-- == 0) {
            struct str value = str_from(pair, equals + 1);
            char *decoded = xmalloc(value.n);
            size_t n;
            bool ok = percent_decode(value, false, decoded, &n);

            out->n = 0;
            if (ok)
                sbuf_put(out, decoded, n);
            sbuf_text(out);
            free(decoded);
            return ok;
        }
        query = str_from(query, end + 1);
    }
    return false;
}
