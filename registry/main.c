/* berth: the command line. Called as `registry` it takes distribution's command line, which is the same. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "registry/base/log.h"
#include "registry/config/config.h"
#include "registry/server.h"

static const char help[] = "Berth: a private registry for container images\n"
                           "\n"
                           "Usage:\n"
                           "  berth serve [CONFIG]   serve until SIGTERM; SIGHUP reads certificate and users again\n"
                           "  berth --version\n"
                           "  berth --help\n"
                           "\n"
                           "CONFIG is YAML as the CNCF distribution registry takes it. Without it: "
                           "$REGISTRY_CONFIGURATION_PATH, else the first\n"
                           "of /etc/berth/config.yml, /etc/distribution/config.yml, /etc/docker/registry/config.yml. "
                           "Every key can be set from the\n"
                           "environment: http.addr is REGISTRY_HTTP_ADDR.\n"
                           "\n"
                           "Examples:\n"
                           "  berth serve /etc/berth/config.yml\n"
                           "  REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/srv/images berth serve\n";

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int serve(const char *path, char *const *environment)
{
    struct err e = {0};
    struct config *config = config_load(path, environment, &e);
    int rc = -1;

    if (config != NULL) {
        log_init(config->log_level, config->log_format, config->log_fields, config->log_field_count);
        rc = server_run(config, &e);
    }
    if (rc != 0)
        log_error("%s", e.text);
    config_free(&config);
    return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Signals are taken by the housekeeper with sigtimedwait(): every thread inherits them blocked. */
static void block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int usage(const char *what)
{
    fprintf(stderr, "berth: %s; see berth --help\n", what);
    return EXIT_USAGE;
}

int main(int argc, char **argv, char **environment)
{
    if (argc < 2)
        return usage("a command is missing");
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0) {
        printf("berth %s\n", BERTH_VERSION);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "serve") != 0)
        return usage("there is no such command");
    if (argc > 3)
        return usage("serve takes one configuration file");
    if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (argc == 3 && argv[2][0] == '-')
        return usage("serve takes no options");
    block_signals();
    return serve(argc == 3 ? argv[2] : NULL, environment);
}
