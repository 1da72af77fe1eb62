/* Configurations. Input: the file; then, each behind a NUL, variables of the environment. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "registry/config/config.h"

enum { VARIABLES_MAX = 8 };

/* A file in memory that holds `text`; the same for all runs. */
static const char *file_of(struct str text)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("config", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        log_set_level(LOG_LEVEL_ERROR);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text.p, text.n, 0) != (ssize_t)text.n)
        abort();
    return path;
}

static void check_config(const struct config *config)
{
    HOLDS(config->root_directory != NULL && config->http_addr != NULL && config->http_net != NULL);
    HOLDS((config->tls_certificate == NULL) == (config->tls_key == NULL));
    HOLDS(config->auth == CONFIG_AUTH_NONE || config->htpasswd_path != NULL);
    HOLDS(config->index_platforms != CONFIG_PLATFORMS_LIST || config->platform_count > 0);
    for (size_t i = 0; i < config->header_count; i++)
        HOLDS(strpbrk(config->headers[i].value, "\r\n") == NULL && config->headers[i].name[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    struct str file = fuzz_field(&rest, '\0');
    char *environment[VARIABLES_MAX + 1] = {0};
    struct config *config;
    struct err e = {0};

    for (size_t i = 0; i < VARIABLES_MAX && rest.n > 0; i++)
        environment[i] = str_dup(fuzz_field(&rest, '\0'));
    config = config_load(file_of(file), environment, &e);
    if (config != NULL)
        check_config(config);
    else
        HOLDS(e.code != ERR_NONE && e.text[0] != '\0');
    config_free(&config);
    for (size_t i = 0; i < VARIABLES_MAX; i++)
        free(environment[i]);
    return 0;
}
