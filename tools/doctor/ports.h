/* Who listens on a TCP port of this machine, as the kernel tells below /proc: nothing is bound to find out. */
#ifndef BERTH_TOOLS_DOCTOR_PORTS_H
#define BERTH_TOOLS_DOCTOR_PORTS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct port_holder {
    pid_t pid;     /* 0: not told to us */
    char name[64]; /* of its program; "another program" when it is not told */
};

/* Is there a listener that keeps others from `address` (its port counts)? Addresses of all hosts keep from any of their
 * family. */
bool port_is_taken(const char *proc, const struct sockaddr *address, struct port_holder *holder);

#endif
