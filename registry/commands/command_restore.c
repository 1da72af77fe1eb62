/* `berth restore`: a data directory from a backup (storage/backup/restore.h). No server and no store is open. */
#include "registry/commands/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* storage */
#include "storage/backup/restore.h"

/* base */
#include "registry/base/log.h"
#include "registry/base/size_text.h"

/* registry */
#include "registry/config/config.h"

struct restoring {
    bool shows_progress;
};

static void clear_line(const struct restoring *r)
{
    if (r->shows_progress)
        fputs("\r\033[K", stderr);
}

static void show_progress(const struct restore_result *so_far, void *arg)
{
    const struct restoring *r = arg;
    char done[SIZE_TEXT_ROOM], all[SIZE_TEXT_ROOM];

    if (r->shows_progress)
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " blobs, %s of %s\033[K", so_far->blobs, so_far->snapshot.blobs,
                size_text(so_far->bytes, done), size_text(so_far->snapshot.bytes, all));
}

static void show_lost(const struct digest *d, const char *reason, void *arg)
{
    char text[DIGEST_TEXT_MAX];

    clear_line(arg);
    digest_format(d, text);
    fprintf(stderr, "berth: blob %s is not restored: %s\n", text, reason);
}

static void say_result(const struct invocation *call, const char *to, const struct restore_result *r)
{
    char size[SIZE_TEXT_ROOM];

    if (call->given[OPTION_JSON])
        printf("{\"snapshot\": \"%s\", \"blobs\": {\"count\": %" PRIu64 ", \"size\": %" PRIu64 ", \"lost\": %" PRIu64
               "}}\n",
               r->snapshot.stamp, r->blobs, r->bytes, r->lost);
    else if (!call->given[OPTION_QUIET])
        printf("%s is as it was at %s: %" PRIu64 " blobs, %s, each verified%s\n", to, r->snapshot.stamp,
               r->blobs - r->lost, size_text(r->bytes, size), r->lost == 0 ? "" : "; others are missing, see above");
    if (geteuid() == 0 && !call->given[OPTION_QUIET])
        fprintf(stderr, "berth: it belongs to root now; if the server runs as another user: chown -R USER: %s\n", to);
}

static int restore_to(const struct invocation *call, const char *to)
{
    struct restoring r = {.shows_progress = !call->given[OPTION_QUIET] && isatty(STDERR_FILENO)};
    const struct restore_options options = {
        .backup = call->arguments[0],
        .stamp = call->values[OPTION_SNAPSHOT],
        .to = to,
        .link = call->given[OPTION_LINK],
        .incomplete = call->given[OPTION_INCOMPLETE],
        .progress = show_progress,
        .lost = show_lost,
        .arg = &r,
    };
    struct restore_result result;
    struct err e = {0};
    int rc = restore_run(&options, &result, &e);

    clear_line(&r);
    if (rc != 0)
        return program_fail(call, &e);
    say_result(call, to, &result);
    return result.lost == 0 ? EXIT_DONE : EXIT_REFUSED;
}

int command_restore(const struct invocation *call)
{
    struct config *config;
    struct err e = {0};
    int status;

    if (call->given[OPTION_TO] && call->given[OPTION_CONFIG]) {
        err_set(&e, ERR_INVALID, "--to and --config both name the data directory; give one of them");
        return program_misused(call, &e);
    }
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0); /* only the answer is wanted */
    if (call->given[OPTION_TO])
        return restore_to(call, call->values[OPTION_TO]);
    config = config_load(call->values[OPTION_CONFIG], environ, &e);
    if (config == NULL)
        return program_fail(call, &e);
    status = restore_to(call, config->root_directory);
    config_free(&config);
    return status;
}
