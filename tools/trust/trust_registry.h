/*
 * What a registry is called by the clients that are to trust it.
 *
 * Docker (moby: registry.hostCertsDir), containerd (core/remotes/docker/config: HostDirFromRoot) and Podman, Buildah
 * and Skopeo (containers/image: dockerCertDir) look in the folder that is named like the registry in the image's name,
 * letter by letter; on Linux none of them changes colons or brackets. So
 *
 *     registry.example.com:5000/app    registry.example.com:5000
 *     registry.example.com/app         registry.example.com          (port 443 is meant)
 *     registry.example.com:443/app     registry.example.com:443
 *     [2001:db8::5]:5000/app           [2001:db8::5]:5000
 *
 * The second and the third are one server, and the port is usually left out: a registry given with :443 gets both
 * folders.
 *
 * A first component without a dot, a colon or brackets other than "localhost" is no registry to these clients but the
 * beginning of a name at Docker Hub (reference grammar of distribution).
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_REGISTRY_H
#define BERTH_TOOLS_TRUST_TRUST_REGISTRY_H

#include <stddef.h>

/* tools */
#include "tools/hosts.h"
#include "registry/base/err.h"

enum { TRUST_NAME_ROOM = HOST_ROOM + 16, TRUST_NAMES = 2 };

struct trust_registry {
    struct host host;
    unsigned port;                            /* 443 when none was given */
    char names[TRUST_NAMES][TRUST_NAME_ROOM]; /* the folders; the first is what it is called in messages */
    size_t name_count;
    char connect[TRUST_NAME_ROOM]; /* HOST:PORT, an IPv6 address in brackets */
    char plain[TRUST_NAME_ROOM];   /* as a file name without brackets and colons, different for each registry */
};

/* Read HOST[:PORT] as it stands in image names; host names in lower case, addresses in their shortest form. ERR_INVALID
 * says what to write instead. */
int trust_registry_parse(const char *text, struct trust_registry *out, struct err *e);

#endif
