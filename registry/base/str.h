/*
 * Byte strings: borrowed slices, a growing buffer, hexadecimal, and JSON text.
 *
 * A `struct str` borrows: it never owns memory and need not be terminated. A `struct sbuf` owns its
 * bytes and grows; running out of memory for one aborts the program, so callers bound what a client
 * can make it hold.
 */
#ifndef BERTH_BASE_STR_H
#define BERTH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

struct str str_of(const char *terminated);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts(struct str s, struct str prefix);
/* Order of memcmp, then length. */
int str_cmp(struct str a, struct str b);
/* Position of `byte`, or `s.n` when it is not there. */
size_t str_find(struct str s, char byte);
/* Is every byte an ASCII letter or digit, or one of `marks`? True of an empty one. */
bool str_has_only(struct str s, struct str marks);
/* A token of HTTP (RFC 9110 §5.6.2)? */
bool str_is_token(struct str s);
/* The bytes from `from` to the end; empty when `from` is past it. */
struct str str_from(struct str s, size_t from);
/* Without blanks and tabs at either end. */
struct str str_trim(struct str s);
/* Bytes of the character that a text of one byte at least begins with; 0 when that is not UTF-8 (RFC 3629). */
size_t str_utf8_length(struct str s);
/* Decimal digits only, no sign, no blanks. False when empty, malformed or over UINT64_MAX. */
bool str_to_u64(struct str s, uint64_t *out);
/* Terminated copy made with malloc; aborts when out of memory. */
char *str_dup(struct str s);

/* Lower-case hexadecimal, 2*n characters, not terminated. */
void hex_encode(const uint8_t *raw, size_t n, char *out);
/* Exactly 2*n lower-case digits from `text`; false on anything else. */
bool hex_decode(const char *text, size_t n, uint8_t *raw);

struct sbuf {
    char *p;
    size_t n;
    size_t capacity;
};

void sbuf_put(struct sbuf *b, const void *bytes, size_t n);
void sbuf_str(struct sbuf *b, struct str s);
/* In decimal. */
void sbuf_u64(struct sbuf *b, uint64_t number);
void sbuf_printf(struct sbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes; control characters, quotes and invalid UTF-8 are escaped (RFC 8259 §7). */
void sbuf_json(struct sbuf *b, struct str s);
/* Percent-encode all but RFC 3986 unreserved characters. */
void sbuf_percent(struct sbuf *b, struct str s);
/* The text with a terminator that is not counted in n. The buffer keeps owning it. */
const char *sbuf_text(struct sbuf *b);
void sbuf_free(struct sbuf *b);
/* The same for secrets: their bytes are overwritten first. What it outgrew while it was filled is not. */
void sbuf_wipe(struct sbuf *b);

/* malloc and friends that abort instead of failing: for small things of fixed size. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);

#endif
