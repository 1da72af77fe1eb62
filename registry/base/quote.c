#include "registry/base/quote.h"

#include <stdio.h>
#include <string.h>

static char *put(char *at, unsigned char byte)
{
    if (byte < 0x20 || byte > 0x7e)
        return at + snprintf(at, 5, "\\x%02x", byte);
    if (byte == '"' || byte == '\\')
        *at++ = '\\';
    *at++ = (char)byte;
    return at;
}

const char *quote(struct str text, char out[static QUOTE_MAX])
{
    size_t shown = text.n < QUOTE_SHOWN ? text.n : QUOTE_SHOWN;
    char *at = out;

    *at++ = '"';
    for (size_t i = 0; i < shown; i++)
        at = put(at, (unsigned char)text.p[i]);
    strcpy(at, shown < text.n ? "…\"" : "\"");
    return out;
}
