#include "registry/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *terminated)
{
    return (struct str){terminated, terminated == NULL ? 0 : strlen(terminated)};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Not strncasecmp(): that stops at a NUL, and asks the locale. */
bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

int str_cmp(struct str a, struct str b)
{
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common == 0 ? 0 : memcmp(a.p, b.p, common);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

size_t str_find(struct str s, char byte)
{
    const char *hit = s.n == 0 ? NULL : memchr(s.p, byte, s.n);

    return hit == NULL ? s.n : (size_t)(hit - s.p);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool str_has_only(struct str s, struct str marks)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alphanumeric(s.p[i]) && str_find(marks, s.p[i]) == marks.n)
            return false;
    return true;
}

bool str_is_token(struct str s)
{
    return s.n > 0 && str_has_only(s, STR("!#$%&'*+-.^_`|~"));
}

struct str str_from(struct str s, size_t from)
{
    return from >= s.n ? (struct str){s.n == 0 ? s.p : s.p + s.n, 0} : (struct str){s.p + from, s.n - from};
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

char *str_dup(struct str s)
{
    char *copy = xmalloc(s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

void hex_encode(const uint8_t *raw, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(const char *text, size_t n, uint8_t *raw)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        raw[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void reserve(struct sbuf *b, size_t more)
{
    size_t wanted = b->n + more + 1; /* one for sbuf_text()'s terminator */
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;

    if (wanted <= b->capacity)
        return;
    while (capacity < wanted)
        capacity *= 2;
    b->p = xrealloc(b->p, capacity);
    b->capacity = capacity;
}

void sbuf_put(struct sbuf *b, const void *bytes, size_t n)
{
    reserve(b, n);
    if (n > 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

void sbuf_str(struct sbuf *b, struct str s)
{
    sbuf_put(b, s.p, s.n);
}

void sbuf_u64(struct sbuf *b, uint64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    sbuf_put(b, digits + first, sizeof(digits) - first);
}

void sbuf_printf(struct sbuf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    reserve(b, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

/* Length of the well-formed UTF-8 sequence at `p` (RFC 3629 §4), 0 when there is none. */
size_t str_utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t length = p[0] < 0x80                   ? 1
                    : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                    : (p[0] & 0xf0) == 0xe0       ? 3
                    : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                  : 0;

    if (length == 0 || length > s.n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

/* How many bytes in front stand for themselves in a JSON string: mostly all of them. */
static size_t plain_length(const unsigned char *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

void sbuf_json(struct sbuf *b, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    sbuf_put(b, "\"", 1);
    for (size_t i = 0; i < s.n;) {
        size_t plain = plain_length(p + i, s.n - i);
        size_t length = plain > 0 ? plain : str_utf8_length(str_from(s, i));

        if (plain > 0) {
            sbuf_put(b, p + i, plain);
        } else if (length == 0) {
            sbuf_printf(b, "\\ufffd");
            length = 1;
        } else if (p[i] == '"' || p[i] == '\\') {
            sbuf_printf(b, "\\%c", p[i]);
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            sbuf_printf(b, "\\u%04x", p[i]);
        } else {
            sbuf_put(b, p + i, length);
        }
        i += length;
    }
    sbuf_put(b, "\"", 1);
}

void sbuf_percent(struct sbuf *b, struct str s)
{
    static const char marks[] = {'-', '.', '_', '~'};

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (is_alphanumeric((char)c) || memchr(marks, c, sizeof(marks)) != NULL)
            sbuf_put(b, &c, 1);
        else
            sbuf_printf(b, "%%%02X", c);
    }
}

const char *sbuf_text(struct sbuf *b)
{
    reserve(b, 0);
    b->p[b->n] = '\0';
    return b->p;
}

void sbuf_free(struct sbuf *b)
{
    free(b->p);
    *b = (struct sbuf){0};
}

void sbuf_wipe(struct sbuf *b)
{
    if (b->p != NULL)
        explicit_bzero(b->p, b->capacity);
    sbuf_free(b);
}

void *xmalloc(size_t n)
{
    return xrealloc(NULL, n);
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (p == NULL)
        abort();
    return p;
}

void *xrealloc(void *p, size_t n)
{
    void *grown = realloc(p, n == 0 ? 1 : n);

    if (grown == NULL)
        abort();
    return grown;
}
