#include "registry/config/config_source.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "registry/base/file.h"
#include "registry/config/config_env.h"

enum { FILE_LIMIT = 1 << 20 };

/* One that is there but out of reach is chosen too: to pass it over would serve with rules nobody wrote. */
static bool exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

const char *config_source_find(const char *path, char *const *environment, const char *const *candidates)
{
    if (path == NULL)
        path = config_env_get(environment, "REGISTRY_CONFIGURATION_PATH");
    for (; path == NULL && *candidates != NULL; candidates++)
        if (exists(*candidates))
            path = *candidates;
    return path;
}

int config_source_read(const char *path, struct sbuf *out, struct err *e)
{
    const char *remedy;
    struct stat st;
    struct err cause;

    /* A container runtime makes a directory where the file to be mounted is missing on the host. */
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID,
                       "%s: a directory; name a file, and if it is mounted, see that it exists on the host", path);
    if (file_read(path, FILE_LIMIT, out, &cause) == 0)
        return 0;
    remedy = cause.code == ERR_NOT_FOUND   ? "check the path, or leave it out to look in the usual places"
             : cause.code == ERR_DENIED    ? "let the user that Berth runs as read it"
             : cause.code == ERR_TOO_LARGE ? "a configuration is no longer than that"
                                           : "the configuration must be a readable file";
    return err_set(e, cause.code, "%s; %s", cause.text, remedy);
}
