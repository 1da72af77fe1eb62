/*
 * Refused client certificates in the log: enough lines to find the cause, not so many that a client fills a disk.
 *
 * Thread: any.
 */
#ifndef BERTH_NET_REFUSAL_LOG_H
#define BERTH_NET_REFUSAL_LOG_H

#include <openssl/x509.h>

enum { REFUSALS_PER_SECOND = 10 };

/* "client certificate refused: <reason> (from <address>, serial <hexadecimal>)", at level info. Past
 * REFUSALS_PER_SECOND lines they are counted, and the next second's first line says how many. `certificate` may be
 * NULL. */
void refusal_log(const char *address, const char *reason, const X509 *certificate);

#endif
