/*
 * The server's certificate with its chain and key, and when people must hear that it ends.
 *
 * Thread: the housekeeper; expiry_crossed() is pure.
 */
#ifndef BERTH_NET_SERVER_CERTIFICATE_H
#define BERTH_NET_SERVER_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "registry/base/err.h"
#include "registry/net/file_set.h"

struct server_certificate;

/* From PEM: the certificate with the chain behind it, and the key. Errors name the file and what is wrong with it: no
 * certificate, half of one, an encrypted key, the key of another certificate. */
struct server_certificate *server_certificate_parse(const struct file_of_set *certificate,
                                                    const struct file_of_set *key, struct err *e);
void server_certificate_free(struct server_certificate **certificate);
/* Let connections of `context` show it. */
int server_certificate_use(const struct server_certificate *certificate, SSL_CTX *context, struct err *e);
/* When it ends, in seconds since the Unix epoch. */
uint64_t server_certificate_end_s(const struct server_certificate *certificate);

/* How much time is left, in the steps that people are told of. */
enum expiry { EXPIRY_FAR, EXPIRY_30_DAYS, EXPIRY_14_DAYS, EXPIRY_7_DAYS, EXPIRY_1_DAY, EXPIRY_OVER };

enum expiry expiry_of(uint64_t now_s, uint64_t end_s);
/* Moves `told` on to what holds now; true when that came nearer since and people must be told. A clock that is set back
 * moves it back without a word. */
bool expiry_crossed(enum expiry *told, uint64_t now_s, uint64_t end_s);

#endif
