#include "tools/doctor/proc.h"

#include <string.h>

bool proc_line(struct str *rest, struct str *line)
{
    if (rest->n == 0)
        return false;
    *line = (struct str){rest->p, str_find(*rest, '\n')};
    *rest = str_from(*rest, line->n + 1);
    return true;
}

size_t proc_words(struct str line, struct str *out, size_t room)
{
    size_t n = 0;

    for (line = str_trim(line); line.n > 0 && n < room; line = str_trim(line)) {
        size_t end = 0;

        while (end < line.n && line.p[end] != ' ' && line.p[end] != '\t')
            end++;
        out[n++] = (struct str){line.p, end};
        line = str_from(line, end);
    }
    return n;
}

struct str proc_last(struct str word)
{
    size_t at = word.n;

    while (at > 0 && word.p[at - 1] != ':')
        at--;
    return str_from(word, at);
}

bool proc_hex(struct str word, uint32_t *out)
{
    static const char digits[] = "0123456789abcdef";

    *out = 0;
    for (size_t i = 0; i < word.n; i++) {
        char c = (char)(word.p[i] >= 'A' && word.p[i] <= 'F' ? word.p[i] + ('a' - 'A') : word.p[i]);
        const char *at = c == '\0' ? NULL : strchr(digits, c);

        if (at == NULL)
            return false;
        *out = *out << 4 | (uint32_t)(at - digits);
    }
    return word.n > 0 && word.n <= 8;
}
