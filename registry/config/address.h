/* Network addresses as people write them: "host:port", ":5000", "[2001:db8::5]:5000". */
#ifndef BERTH_CONFIG_ADDRESS_H
#define BERTH_CONFIG_ADDRESS_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "registry/base/str.h"

/* Both parts borrow from the text. */
struct address {
    struct str host; /* name, IPv4 or IPv6 address without brackets; empty: every address of this machine */
    struct str port; /* decimal, 0 to 65535 (0: the kernel chooses); empty when there was none and none was required */
};

/* Take `text` apart and check both parts; nothing is looked up. An IPv6 address needs its brackets (RFC 3986 §3.2.2); a
 * zone
 * ("[fe80::1%eth0]:5000") is kept. ERR_INVALID says what is missing and shows the right form. Thread: any. */
int address_parse(struct str text, bool port_required, struct address *out, struct err *e);

#endif
