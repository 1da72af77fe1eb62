/*
 * Errors that carry a code for the program and a text for the person.
 *
 * A function that can fail returns -1 and fills the `struct err` its caller gave it; each layer on
 * the way up may put its own words in front with err_wrap(), so that a log line reads from the
 * outside in: "manifest library/app:1: commit: map full".
 *
 * Thread: a struct err belongs to whoever declared it; there is no global state.
 */
#ifndef BERTH_BASE_ERR_H
#define BERTH_BASE_ERR_H

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,     /* the input breaks a rule; the text says which */
    ERR_NOT_FOUND,   /* what was named is not there */
    ERR_EXISTS,      /* what was to be made is already there */
    ERR_DIGEST,      /* content does not have the digest it was announced with, or the digest is malformed */
    ERR_SIZE,        /* content does not have the length it was announced with */
    ERR_RANGE,       /* an offset that does not continue what is stored */
    ERR_REFERENCE,   /* a manifest names a blob or child that the repository does not hold */
    ERR_TOO_LARGE,   /* over a limit */
    ERR_DENIED,      /* the caller may not */
    ERR_BUSY,        /* held by somebody else, or would block: try again or elsewhere */
    ERR_EXHAUSTED,   /* the system has no more of something that comes back, such as descriptors: try again later */
    ERR_TOO_MANY,    /* the caller has as many of something as he may: try again when there are fewer */
    ERR_QUOTA,       /* over a quota: room has to be made, or the limit raised */
    ERR_UNSUPPORTED, /* known, but switched off or not served */
    ERR_NO_SPACE,    /* ENOSPC, EDQUOT */
    ERR_DAMAGED,     /* what is stored is not what was stored; the text says what repairs it */
    ERR_IO,          /* any other failure of the system underneath */
};

enum { ERR_TEXT_MAX = 480 };

struct err {
    enum err_code code;
    char text[ERR_TEXT_MAX]; /* always terminated; cut with "…" when it would not fit */
};

/* Fill `e` (may be NULL) with code and text. Returns -1, so that `return err_set(…)` reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set() from errno: the code follows errno, the text is "<what>: <strerror>". Returns -1. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "<context>: " in front of the text, keeping the code. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
