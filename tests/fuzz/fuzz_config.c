/* Configurations. Input: the file; then, each behind a NUL, variables of the environment. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "registry/config/config.h"
#include "registry/config/config_effective.h"
#include "registry/config/config_show.h"

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

/* What `berth config show` prints is a configuration again. */
static void check_shown(const struct config *config, const struct config_node *root)
{
    struct config_node *effective = config_effective(config, root);
    struct sbuf yaml = {0};
    struct config *again;
    struct err e = {0};

    config_show_yaml(effective, &yaml);
    again = config_of_text("shown", (struct str){yaml.p, yaml.n}, NULL, &e);
    if (again == NULL)
        fprintf(stderr, "%s\n%.*s", e.text, (int)yaml.n, yaml.p);
    HOLDS(again != NULL);
    check_config(again);
    config_free(&again);
    config_node_free(&effective);
    sbuf_free(&yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    struct str file = fuzz_field(&rest, '\0');
    char *environment[VARIABLES_MAX + 1] = {0};
    struct config_node *root;
    struct config *config;
    struct err e = {0};

    for (size_t i = 0; i < VARIABLES_MAX && rest.n > 0; i++)
        environment[i] = str_dup(fuzz_field(&rest, '\0'));
    config = config_load_tree(file_of(file), environment, &root, &e);
    if (config != NULL) {
        check_config(config);
        check_shown(config, root);
    } else {
        HOLDS(e.code != ERR_NONE && e.text[0] != '\0' && root == NULL);
    }
    config_node_free(&root);
    config_free(&config);
    for (size_t i = 0; i < VARIABLES_MAX; i++)
        free(environment[i]);
    return 0;
}
