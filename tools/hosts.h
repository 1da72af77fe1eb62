/*
 * Host names and addresses: what may stand in a certificate, and what this machine is called.
 *
 * Thread: one; hosts_of_machine() may ask the name service and wait for it, a few seconds at most.
 */
#ifndef BERTH_TOOLS_HOSTS_H
#define BERTH_TOOLS_HOSTS_H

#include <stddef.h>

#include "registry/base/err.h"

enum host_kind { HOST_NAME, HOST_ADDRESS, HOST_EMAIL, HOST_URI }; /* the last two name people and programs */

enum { HOST_ROOM = 256, HOSTS_MAX = 100 };

/* A host as it goes into a certificate: names in lower case, addresses in their shortest form. */
struct host {
    enum host_kind kind;
    char text[HOST_ROOM];
};

struct hosts {
    struct host items[HOSTS_MAX]; /* none twice, in the order they came */
    size_t n;
};

/* Read one host: a name (RFC 1123, underscores allowed), a wildcard ("*.example.org"), an IPv4 or an IPv6 address.
 * ERR_INVALID says what is wrong and what to write instead. */
int host_parse(const char *text, struct host *out, struct err *e);

/* Add one, unless it is there already. ERR_TOO_LARGE past HOSTS_MAX. */
int hosts_add(struct hosts *hosts, const char *text, struct err *e);

/* Add an e-mail address (RFC 5321, ASCII), a URI (absolute, RFC 3986), or an address of a host. */
int hosts_add_email(struct hosts *hosts, const char *text, struct err *e);
int hosts_add_uri(struct hosts *hosts, const char *text, struct err *e);
int hosts_add_address(struct hosts *hosts, const char *text, struct err *e);

enum { PORT_ROOM = 6 };

/* Read "HOST:PORT", "HOST", "[IPv6]:PORT", "[IPv6]" or "IPv6"; without a port it is 443. */
int host_port_parse(const char *text, struct host *host, char port[PORT_ROOM], struct err *e);

/* The names and addresses of this machine: full name if the name service knows one, short name, addresses other than
 * link-local ones, then localhost, 127.0.0.1 and ::1. */
int hosts_of_machine(struct hosts *hosts, struct err *e);

#endif
