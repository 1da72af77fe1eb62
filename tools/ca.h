/*
 * A private certificate authority in a directory: ca.crt and ca.key, and the server certificate it issues, server.crt
 * (followed by the authority's) and server.key. Keys are made with mode 0600.
 *
 * Thread: one.
 */
#ifndef BERTH_TOOLS_CA_H
#define BERTH_TOOLS_CA_H

#include <stdbool.h>

#include "registry/base/err.h"
#include "tools/hosts.h"

enum {
    CA_DAYS_DEFAULT = 3650,
    CA_DAYS_MAX = 10950,
    CA_SERVER_DAYS_DEFAULT = 825,
    CA_SERVER_DAYS_MAX = 825, /* clients on Apple's systems refuse what is valid longer */
};

/* Make the authority, and the directory (0700) if need be. ERR_EXISTS when there is one, unless `force`. */
int ca_init(const char *directory, const char *common_name, unsigned days, bool force, struct err *e);

/* Issue a server certificate. ERR_EXISTS when there is one, unless `force`; ERR_NOT_FOUND when there is no authority.
 */
int ca_issue_server(const char *directory, const struct hosts *hosts, unsigned days, bool force, struct err *e);

/* Is the certificate in `path` good for all of `hosts` for another `days` days and, unless `directory` is NULL, from
 * the authority there? ERR_INVALID says why not, ERR_NOT_FOUND that a file is missing. */
int ca_check(const char *path, const char *directory, const struct hosts *hosts, unsigned days, struct err *e);

#endif
