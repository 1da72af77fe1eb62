#include "registry/net/peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "registry/net/body.h"
#include "registry/net/client_certificate.h"

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6  ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
           : address->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)address)->sin_port)
                                           : 0;
}

void peer_of_socket(struct peer *peer, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);

    memset(peer, 0, sizeof(*peer));
    strcpy(peer->text, "-");
    if (getpeername(fd, (struct sockaddr *)&address, &n) != 0 || address.ss_family == AF_UNIX)
        return;
    network_address_of((const struct sockaddr *)&address, &peer->address);
    peer->port = port_of(&address);
    if (getnameinfo((const struct sockaddr *)&address, n, peer->text, sizeof(peer->text), NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(peer->text, "-");
}

enum peer_certificate peer_certificate(const struct driven *connection, struct str *name, struct err *why)
{
    return client_certificate_judge(connection->peer.certificate, name, why);
}
