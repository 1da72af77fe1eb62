/*
 * Addresses of clients, and networks that they are in.
 *
 * An IPv4 address is kept as the IPv6 address that stands for it (::ffff:a.b.c.d, RFC 4291 §2.5.5.2), so that a client
 * which reaches a socket for both is the same client, whichever way it came.
 *
 * Thread: any; no state.
 */
#ifndef BERTH_AUTH_NETWORK_H
#define BERTH_AUTH_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

struct network_address {
    bool known; /* false: a Unix socket, say; in no network */
    uint8_t bytes[16];
};

/* From accept(2) or getpeername(2); not known for other families than AF_INET and AF_INET6. */
void network_address_of(const struct sockaddr *from, struct network_address *out);
/* "192.0.2.1" or "2001:db8::1", without brackets, port or zone. False when it is neither. */
bool network_address_parse(struct str text, struct network_address *out);
/* False when either is not known. */
/* Did it come by IPv4? */
bool network_address_is_ipv4(const struct network_address *address);
bool network_address_equal(const struct network_address *a, const struct network_address *b);

struct network {
    uint8_t bytes[16]; /* bits behind the prefix are zero */
    unsigned prefix;   /* bits of `bytes`, 0 to 128 */
};

/* CIDR (RFC 4632, RFC 4291 §2.3): "10.0.0.0/8", "2001:db8::/32"; an address alone is a network of one. ERR_INVALID for
 * bits behind the prefix, with the network that was meant. */
int network_parse(struct str text, struct network *out, struct err *e);
/* An IPv6 network shorter than /96 holds no IPv4 address: "::/0" is not everybody; "::/0" and "0.0.0.0/0" are. */
bool network_contains(const struct network *network, const struct network_address *address);

#endif
