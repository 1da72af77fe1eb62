#include "registry/base/roff.h"

#include <stdio.h>

/* Characters that roff would take for something else, or change. */
static const struct {
    char from;
    const char *to;
} escapes[] = {
    {'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"}, {'"', "\\(dq"}, {'`', "\\(ga"},
    {'^', "\\(ha"}, {'~', "\\(ti"}, {'|', "|\\:"},   {'_', "_\\:"}, /* a line may end behind these */
};

/* The length of the UTF-8 character at `p`, and what it is; 1 and U+FFFD for what is none. */
static size_t decode(const char *p, unsigned *out)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

    *out = n == 1 ? u[0] : n == 0 ? 0xfffd : u[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            *out = 0xfffd;
            return 1;
        }
        *out = *out << 6 | (u[i] & 0x3fU);
    }
    return n == 0 ? 1 : n;
}

static void put_ascii(char c)
{
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (escapes[i].from == c) {
            fputs(escapes[i].to, stdout);
            return;
        }
    }
    putchar(c);
}

void roff_text(struct str text)
{
    unsigned character;

    for (size_t i = 0, n; i < text.n; i += n) {
        n = decode(text.p + i, &character);
        if (character < 0x80)
            put_ascii((char)character);
        else if (character == 0x2026) /* an ellipsis, which not every output device has */
            fputs("...", stdout);
        else
            printf("\\[u%04X]", character);
    }
}

void roff_line(struct str line)
{
    if (line.n > 0 && line.p[0] == '.')
        fputs("\\&", stdout);
    roff_text(line);
    putchar('\n');
}

void roff_font(char font, const char *text)
{
    printf("\\f%c", font);
    roff_text(str_of(text));
    fputs("\\fR", stdout);
}
