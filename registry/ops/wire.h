/*
 * What a command of `berth` and the server say to each other on <root>/control.
 *
 * The command says two things, the server answers in frames until the end:
 *
 *   request  u32 length, then words, each ended by a NUL: REQUEST_MAGIC, "terminal" or nothing (is progress wanted?),
 *            the command's directory, and the command line from the name of the program on
 *   secret   u32 length, then what the command line does not say: a password, for the operation that wants one; else
 *            nothing. It is in no list of processes and in no log, and whoever receives it wipes it
 *   frame    u8 kind, u32 length, that many bytes
 *
 *   kind  bytes
 *   o     a piece of the standard output
 *   n     a remark: one line without its newline
 *   p     what is being done: as a remark
 *   e     the end: u8 exit status, then an error's text or nothing
 *
 * Numbers are big-endian. Nobody trusts what he reads: lengths are bounded, and whoever neither sends nor reads what he
 * should is left after a time.
 *
 * Thread: any; each connection is one thread's. Everything here may block as long as its deadline says.
 */
#ifndef BERTH_OPS_WIRE_H
#define BERTH_OPS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/options.h"
#include "registry/base/str.h"

#define REQUEST_MAGIC "berth-control-2"

#define WIRE_FOREVER_MS (UINT64_MAX / 2)

enum { REQUEST_MAX = 64 * 1024, WIRE_SECRET_MAX = 64 * 1024, REQUEST_WORDS_MAX = 4096, FRAME_MAX = 32 * 1024 };

enum frame_kind { FRAME_OUTPUT = 'o', FRAME_NOTE = 'n', FRAME_PROGRESS = 'p', FRAME_END = 'e' };

/* Words of a request, taken apart. All of them point into `bytes`. */
struct request_words {
    struct sbuf bytes;
    bool terminal;
    const char *directory;
    char **argv; /* ends with NULL */
    int argc;
    struct sbuf secret; /* no part of `bytes` */
};

/* `stop` is a descriptor that becomes readable when nothing is to be waited for any longer; -1: none. Each of these has
 * `ms` for all it does: ERR_BUSY when they are over or `stop` came. ERR_IO: the other side is gone. */
int wire_send(int fd, int stop, const void *bytes, size_t n, uint64_t ms, struct err *e);
int wire_receive(int fd, int stop, void *bytes, size_t n, uint64_t ms, struct err *e);

/* A frame of at most FRAME_MAX bytes. */
int frame_send(int fd, int stop, enum frame_kind kind, struct str bytes, uint64_t ms, struct err *e);

/* Read a request and its secret, and take it apart. ERR_INVALID: it is none. `words` is to be freed in any case, which
 * wipes the secret. */
int request_receive(int fd, int stop, uint64_t ms, struct request_words *words, struct err *e);
void request_words_free(struct request_words *words);

/* What follows a request; may be empty, and has WIRE_SECRET_MAX bytes at most. */
int secret_send(int fd, int stop, struct str secret, uint64_t ms, struct err *e);

/* What a command says: the request that asks for `call`, appended to `out`. ERR_TOO_LARGE. */
int request_build(const struct invocation *call, const char *directory, bool terminal, struct sbuf *out, struct err *e);

/* The address of <root>/control, whatever the length of the path: it names the directory by an open descriptor, which
 * is put into *directory and must stay open until the address was used. */
struct sockaddr_un;
int control_address(const char *root, struct sockaddr_un *out, int *directory, struct err *e);

#endif
