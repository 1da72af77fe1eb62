#include "storage/reference.h"

static bool alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Bytes of [a-z0-9]+ at `i`. */
static size_t word_length(struct str s, size_t i)
{
    size_t start = i;

    while (i < s.n && alphanumeric(s.p[i]))
        i++;
    return i - start;
}

/* Bytes of what may stand between two words at `i`: "/", ".", "_", "__" or any number of "-". */
static size_t separator_length(struct str s, size_t i)
{
    size_t start = i;

    switch (s.p[i]) {
    case '/':
    case '.':
        return 1;
    case '_':
        return i + 1 < s.n && s.p[i + 1] == '_' ? 2 : 1;
    case '-':
        while (i < s.n && s.p[i] == '-')
            i++;
        return i - start;
    default:
        return 0;
    }
}

/* The grammar is words with separators between them: a path component must begin and end with a word as well, so "/" is
 * one more separator. */
bool repository_name_valid(struct str name)
{
    size_t i = 0;

    if (name.n > REPOSITORY_NAME_MAX)
        return false;
    for (;;) {
        size_t word = word_length(name, i), separator;

        i += word;
        if (word == 0 || i == name.n)
            return word > 0;
        separator = separator_length(name, i);
        if (separator == 0)
            return false;
        i += separator;
    }
}

static bool tag_byte(char c)
{
    return alphanumeric(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

bool tag_valid(struct str tag)
{
    if (tag.n == 0 || tag.n > TAG_MAX || !tag_byte(tag.p[0]))
        return false;
    for (size_t i = 1; i < tag.n; i++) {
        if (!tag_byte(tag.p[i]) && tag.p[i] != '.' && tag.p[i] != '-')
            return false;
    }
    return true;
}
