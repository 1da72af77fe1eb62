/* Where a plain-HTTP request is to be sent instead. Thread: any; no state. */
#ifndef BERTH_REGISTRY_REDIRECT_H
#define BERTH_REGISTRY_REDIRECT_H

#include <stdbool.h>

#include "registry/base/str.h"

/* A Host field's value without its port (RFC 9112 §3.2): a DNS name, an IPv4 address, or an IPv6 address without its
 * brackets. False for anything else, a zone included. `host` borrows. */
bool redirect_host(struct str field, struct str *host);
/* Append "https://HOST[:PORT]": the host in brackets when it is an IPv6 address, the port unless it is empty or
 * 443. */
void redirect_put_origin(struct str host, struct str port, struct sbuf *out);
/* Path and query that can stand in a Location as they are: from a slash on, without blanks, control bytes and bytes
 * that are not ASCII. */
bool redirect_target_valid(struct str target);

#endif
