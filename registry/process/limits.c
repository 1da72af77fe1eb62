#include "registry/process/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "registry/base/log.h"

enum {
    WANTED = 65536,           /* descriptors: more than the connections below need */
    CONNECTIONS_MOST = 10000, /* without a configured number: 40 KiB each when idle over TLS */
    PER_CONNECTION = 2,       /* its socket, and a blob or an upload */
    PER_WORKER = 2,           /* a directory or a record, and a file, for a moment */
    OURS = 64,                /* loops, listeners, LMDB, logs, directories, files that are followed */
};

size_t limits_raise_descriptors(void)
{
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return OURS;
    if (limit.rlim_cur < limit.rlim_max) {
        more = (struct rlimit){limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    if (limit.rlim_max < WANTED) {
        more = (struct rlimit){WANTED, WANTED};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0) /* root may */
            limit = more;
        else if (errno != EPERM)
            log_warn("the limit on descriptors stays at %llu: %s", (unsigned long long)limit.rlim_cur,
                     strerrordesc_np(errno));
    }
    return limit.rlim_cur > SIZE_MAX ? SIZE_MAX : (size_t)limit.rlim_cur;
}

size_t limits_connections(const struct config *config, size_t descriptors, unsigned workers)
{
    size_t busy = OURS + (size_t)PER_WORKER * workers;
    size_t kept = busy < descriptors / 2 ? busy : descriptors / 2; /* few descriptors mean few jobs, too */
    size_t possible = descriptors > kept + PER_CONNECTION ? (descriptors - kept) / PER_CONNECTION : 1;
    uint64_t wanted = config->limits.connections;

    if (wanted > possible) {
        log_warn("http.limits.connections %llu needs more than the %zu descriptors there are: at most %zu connections; "
                 "raise the limit (ulimit -n, LimitNOFILE=)",
                 (unsigned long long)wanted, descriptors, possible);
        return possible;
    }
    if (wanted > 0)
        return (size_t)wanted;
    return possible < CONNECTIONS_MOST ? possible : CONNECTIONS_MOST;
}
