/* What the commands of `berth` that are operations do: run here, or ask the server that holds the data directory. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "registry/base/log.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/op.h"
#include "registry/ops/output.h"
#include "registry/process/run_as.h"

enum { REQUEST_MS = 10 * 1000, PATIENCE_MS = 3000, PAUSE_MS = 100 };

struct command {
    const struct invocation *call;
    const struct op_spec *spec;
    const struct config *config;
    struct live live;
    char directory[PATH_MAX];
    struct sbuf secret;
    struct op_output output;
};

/* ---- here ---- */

static int run_here(struct command *command, const struct store *store, struct err *e)
{
    struct op op = {.call = command->call,
                    .config = command->config,
                    .live = &command->live,
                    .store = store,
                    .directory = command->directory,
                    .secret = {command->secret.p, command->secret.n},
                    .output = &command->output};
    int status;

    output_catch_signals();
    status = op_run(command->spec, &op, e);
    output_finish(&command->output);
    return status;
}

/* ---- in the server ---- */

/* Whoever holds the directory and does not listen: no server, or one that is not there yet or any more. */
static int not_a_server(const char *root, struct err *e)
{
    struct sbuf path = {0}, text = {0};
    struct str pid;
    int rc;

    sbuf_printf(&path, "%s/berth.lock", root);
    rc = file_read(sbuf_text(&path), PATH_MAX, &text, NULL);
    pid = rc == 0 ? str_trim((struct str){text.p, str_find((struct str){text.p, text.n}, '\n')}) : STR("");
    err_set(e, ERR_BUSY,
            "data directory %s is in use by process %.*s, which takes no commands: another command of berth, or a "
            "server that starts or stops; try again when it is done",
            root, pid.n > 0 ? (int)pid.n : 1, pid.n > 0 ? pid.p : "?");
    sbuf_free(&path);
    sbuf_free(&text);
    return -1;
}

/* Returns a descriptor, or -1. */
static int connect_to_server(const char *root, struct err *e)
{
    struct sockaddr_un address;
    int directory, rc = -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(e, "socket");
    if (control_address(root, &address, &directory, e) == 0) {
        rc = connect(fd, (const struct sockaddr *)&address, sizeof(address));
        if (rc != 0 && (errno == ENOENT || errno == ECONNREFUSED))
            not_a_server(root, e);
        else if (rc != 0)
            err_errno(e, "%s/control", root);
        close(directory);
    }
    if (rc == 0)
        return fd;
    close(fd);
    return -1;
}

/* The end: its bytes are a status and an error's text. */
static int take_end(struct str bytes, int *status, struct err *e)
{
    *status = bytes.n > 0 ? (unsigned char)bytes.p[0] : EXIT_REFUSED;
    bytes = str_from(bytes, 1);
    *e = (struct err){0};
    if (bytes.n > 0)
        err_set(e, ERR_IO, "%.*s", (int)bytes.n, bytes.p);
    return 0;
}

/* Show what comes, to the end. */
static int take_frames(struct command *command, int fd, int *status, struct err *e)
{
    char bytes[FRAME_MAX];
    struct {
        uint8_t kind;
        uint32_t length;
    } __attribute__((packed)) head;

    for (;;) {
        if (wire_receive(fd, -1, &head, sizeof(head), WIRE_FOREVER_MS, e) != 0)
            return -1;
        head.length = ntohl(head.length);
        if (head.length > sizeof(bytes))
            return err_set(e, ERR_INVALID, "it says what this berth (" BERTH_VERSION ") does not understand");
        if (wire_receive(fd, -1, bytes, head.length, WIRE_FOREVER_MS, e) != 0)
            return -1;
        if (head.kind == FRAME_END)
            return take_end((struct str){bytes, head.length}, status, e);
        output_show(&command->output, head.kind, (struct str){bytes, head.length});
    }
}

static int run_there(struct command *command, int fd, struct err *e)
{
    struct sbuf request = {0};
    int status = EXIT_REFUSED;
    int rc = -1;

    if (request_build(command->call, command->directory, command->output.terminal, &request, e) == 0) {
        /* One that refuses says why, and reads nothing. */
        if (wire_send(fd, -1, request.p, request.n, REQUEST_MS, NULL) == 0)
            secret_send(fd, -1, (struct str){command->secret.p, command->secret.n}, REQUEST_MS, NULL);
        rc = take_frames(command, fd, &status, e);
        if (rc != 0)
            err_wrap(e, "the server did not finish");
    }
    output_finish(&command->output);
    sbuf_free(&request);
    return rc == 0 ? status : EXIT_REFUSED;
}

/* ---- either ---- */

/* Opening would make a directory that is not there: of a wrong name, say. */
static int check_root(const char *root, struct stat *st, struct err *e)
{
    if (stat(root, st) == 0)
        return 0;
    if (errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "data directory %s is not there; is this the configuration?", root);
    return err_errno(e, "data directory %s", root);
}

/* Either the store, or a connection to the server that holds it. A server that starts has the one before the other: it
 * is given some time. */
static int open_either(const struct command *command, struct store **store, int *fd, struct err *e)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    const char *root = command->config->root_directory;
    bool alone = command->spec->when == OP_UNCHANGED;
    bool repairs = alone && !command->call->given[OPTION_DRY_RUN];
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    for (;;) {
        *store = repairs ? store_open_for_repair(root, e) : store_open(root, e);
        if (*store != NULL)
            return 0;
        if (e->code != ERR_BUSY || alone)
            return -1;
        *fd = connect_to_server(root, e);
        if (*fd >= 0)
            return 0;
        if (e->code != ERR_BUSY || clock_monotonic_ms() >= until_ms)
            return -1;
        nanosleep(&pause, NULL);
    }
}

/* Root becomes, for good, who serves the directory: what root made there the server could neither read nor replace. The
 * lock tells who that is, and before there is one the directory does. */
static int open_as_owner(const struct command *command, struct stat *st, struct store **store, int *fd, struct err *e)
{
    const char *root = command->config->root_directory;
    struct sbuf path = {0};
    struct run_as owner;

    sbuf_printf(&path, "%s/berth.lock", root);
    (void)lstat(sbuf_text(&path), st);
    sbuf_free(&path);
    if (st->st_uid == 0)
        return open_either(command, store, fd, e);
    if (run_as_owner(st->st_uid, st->st_gid, command->spec->takes_files, &owner, e) != 0)
        return err_wrap(e, "become the owner of the data directory %s", root);
    if (open_either(command, store, fd, e) == 0)
        return 0;
    return e->code == ERR_DENIED ? err_wrap(e, "as user %s, who owns its lock", owner.name) : -1;
}

/* A server knows root, wherever its directory is; where there is none, somebody else may have to open it. */
static int open_as_root(const struct command *command, struct stat *st, struct store **store, int *fd, struct err *e)
{
    if (command->spec->when != OP_UNCHANGED)
        *fd = connect_to_server(command->config->root_directory, e);
    return *fd >= 0 ? 0 : open_as_owner(command, st, store, fd, e);
}

/* What is about a server needs one. */
static int run_served(struct command *command, struct err *e)
{
    const char *root = command->config->root_directory;
    int fd = connect_to_server(root, e), status;

    if (fd < 0 && e->code != ERR_BUSY)
        return EXIT_REFUSED;
    if (fd < 0) {
        err_set(e, ERR_NOT_FOUND, "no server serves the data directory %s just now; is this its configuration?", root);
        return EXIT_NOT_FOUND;
    }
    *e = (struct err){0};
    status = run_there(command, fd, e);
    close(fd);
    return status;
}

/* Returns the exit status; e->text is empty when there was no error. */
static int run(struct command *command, struct err *e)
{
    struct store *store = NULL;
    struct stat st;
    int fd = -1, rc, status;

    if (check_root(command->config->root_directory, &st, e) != 0)
        return e->code == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_REFUSED;
    if (command->spec->when == OP_SERVED)
        return run_served(command, e);
    rc = geteuid() == 0 ? open_as_root(command, &st, &store, &fd, e) : open_either(command, &store, &fd, e);
    if (rc != 0)
        return EXIT_REFUSED;
    *e = (struct err){0};
    status = store != NULL ? run_here(command, store, e) : run_there(command, fd, e);
    store_close(&store);
    if (fd >= 0)
        close(fd);
    return status;
}

/* The configuration: --config, or the first argument of a command whose that is. */
static int find_config(const struct command *command, const char **path, struct err *e)
{
    const struct invocation *call = command->call;
    bool named = command->spec->names_config && call->argument_count > 0;

    *path = call->values[OPTION_CONFIG];
    if (named && *path != NULL)
        return err_set(e, ERR_INVALID, "the configuration is named twice: %s and --config %s", call->arguments[0],
                       *path);
    if (named)
        *path = call->arguments[0];
    return 0;
}

int command_op(const struct invocation *call)
{
    struct command command = {
        .call = call,
        .spec = op_find(call->command->name, call->argument_count > 0 ? call->arguments[0] : NULL),
        .output = {.fd = -1, .stop = -1, .program = call->program->name, .terminal = isatty(STDERR_FILENO)}};
    struct config *config;
    struct err e = {0};
    const char *path;
    int status;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0); /* only the answer is wanted */
    signal(SIGPIPE, SIG_IGN);
    if (find_config(&command, &path, &e) != 0)
        return program_misused(call, &e);
    if (getcwd(command.directory, sizeof(command.directory)) == NULL)
        snprintf(command.directory, sizeof(command.directory), "/");
    config = config_load(path, environ, &e);
    if (config == NULL)
        return program_fail(call, &e);
    command.config = config;
    live_init(&command.live, config);
    if (command.spec->secret == NULL || command.spec->secret(call, &command.secret, &e) == 0)
        status = run(&command, &e);
    else
        status = e.code == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_REFUSED;
    sbuf_wipe(&command.secret);
    config_free(&config);
    if (output_signal() != 0)
        raise(output_signal());
    if (e.text[0] != '\0')
        fprintf(stderr, "%s: %s\n", call->program->name, e.text);
    return status;
}
