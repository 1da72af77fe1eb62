/*
 * `berth gc`: what the server's sweeper does (storage/sweep.h), in one go and without pauses, for a data directory that
 * no server holds; and the removal of untagged manifests (storage/untagged.h).
 *
 * A manifest that goes begins the leases of its blobs anew. So what only it named is freed a grace later, by the next
 * run or by the server, unless --grace 0s says that nobody is in the middle of anything.
 */
#include "registry/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* storage */
#include "storage/store.h"
#include "storage/sweep.h"
#include "storage/untagged.h"

/* base */
#include "registry/base/clock.h"
#include "registry/base/log.h"

/* registry */
#include "registry/config/config.h"
#include "registry/config/duration.h"

struct gc {
    const struct invocation *call;
    const struct config *config;
    struct store *store;
    uint64_t grace_s;
    bool dry_run;
    bool quiet;
    bool shows_progress;
    uint64_t manifests;
    struct sweep_freed freed;
};

/* ---- for people ---- */

enum { SIZE_TEXT_MAX = 64, TIME_TEXT_MAX = 64 };

/* "1234 bytes", "1.2 GiB" */
static const char *size_text(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(out, SIZE_TEXT_MAX, "%llu bytes", (unsigned long long)bytes);
    else
        snprintf(out, SIZE_TEXT_MAX, "%.1f %s", size, units[unit]);
    return out;
}

static const char *time_text(uint64_t seconds, char out[TIME_TEXT_MAX])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL || strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(out, TIME_TEXT_MAX, "an unknown time");
    return out;
}

static void say_manifest(const struct untagged_item *item, void *arg)
{
    const struct gc *gc = arg;
    char digest[DIGEST_TEXT_MAX], pushed[TIME_TEXT_MAX];

    if (gc->quiet || !gc->dry_run)
        return;
    digest_format(&item->digest, digest);
    printf("would remove manifest %.*s@%s: no tag leads to it, pushed %s\n", (int)item->repository.n,
           item->repository.p, digest, time_text(item->pushed, pushed));
}

static void say_blob(const struct sweep_item *item, void *arg)
{
    const struct gc *gc = arg;
    char digest[DIGEST_TEXT_MAX], size[SIZE_TEXT_MAX], since[TIME_TEXT_MAX];

    if (gc->quiet || !gc->dry_run)
        return;
    digest_format(&item->digest, digest);
    printf("would remove blob %s, %s: %s %s\n", digest, size_text(item->size, size),
           item->reason == SWEEP_UNREFERENCED ? "no manifest names it, last needed"
                                              : "no repository knows it, here since",
           time_text(item->since, since));
}

static void say_progress(const struct gc *gc)
{
    char size[SIZE_TEXT_MAX];

    if (gc->shows_progress)
        fprintf(stderr, "\r%llu blobs, %s\033[K", (unsigned long long)gc->freed.blobs,
                size_text(gc->freed.bytes, size));
}

static void say_result(const struct gc *gc)
{
    const char *would = gc->dry_run ? "would be " : "";
    char size[SIZE_TEXT_MAX];

    if (gc->shows_progress)
        fprintf(stderr, "\r\033[K");
    if (gc->quiet)
        return;
    if (gc->call->given[OPTION_DELETE_UNTAGGED])
        printf("%llu untagged manifests %sremoved%s\n", (unsigned long long)gc->manifests, would,
               gc->manifests == 0 ? ""
               : gc->grace_s > 0  ? "; the blobs that only they name go when the grace is over"
               : gc->dry_run      ? "; the blobs that only they name would go with them"
                                  : "");
    printf("%llu blobs %sremoved, %s (%llu in bytes) %sfreed\n", (unsigned long long)gc->freed.blobs, would,
           size_text(gc->freed.bytes, size), (unsigned long long)gc->freed.bytes, would);
}

/* ---- the work ---- */

static int remove_untagged(struct gc *gc, struct err *e)
{
    const struct untagged_options options = {
        .grace_s = gc->grace_s, .now = clock_wall_s(), .dry_run = gc->dry_run, .item = say_manifest, .arg = gc};

    return untagged_remove(gc->store->meta, &options, &gc->manifests, e);
}

static int remove_blobs(struct gc *gc, struct err *e)
{
    const struct sweep_options options = {.grace_s = gc->grace_s, .dry_run = gc->dry_run, .item = say_blob, .arg = gc};
    struct sweep *sweep = sweep_new(gc->store, &options, e);
    bool more = true;
    int rc = sweep == NULL ? -1 : 0;

    while (rc == 0 && more) {
        rc = sweep_step(sweep, clock_wall_s(), &gc->freed, &more, e);
        say_progress(gc);
    }
    sweep_free(&sweep);
    return rc;
}

/* The error names the process; a server among them does the same work itself. */
static void explain_busy(const struct config *config, struct err *e)
{
    const struct err held = *e;

    if (config->garbage_collection.enabled && !config->readonly)
        err_set(e, ERR_BUSY,
                "%s; or leave it: a server frees space by itself, every %llu s what nobody has needed for %llu s, logs "
                "\"swept\" and counts berth_swept_bytes_total (http.debug)",
                held.text, (unsigned long long)config->garbage_collection.interval_s,
                (unsigned long long)config->garbage_collection.grace_s);
}

/* NULL: error. Opening would make a directory that is not there: of a wrong name, say. */
static struct store *open_store(const struct config *config, struct err *e)
{
    const char *root = config->root_directory;
    struct store *store;
    struct stat st;

    if (stat(root, &st) != 0) {
        if (errno == ENOENT)
            err_set(e, ERR_NOT_FOUND, "data directory %s is not there; is this the configuration?", root);
        else
            err_errno(e, "data directory %s", root);
        return NULL;
    }
    store = store_open(root, e);
    if (store == NULL && e->code == ERR_BUSY)
        explain_busy(config, e);
    return store;
}

static int collect(struct gc *gc, struct err *e)
{
    int rc = 0;

    gc->store = open_store(gc->config, e);
    if (gc->store == NULL)
        return -1;
    if (gc->call->given[OPTION_DELETE_UNTAGGED])
        rc = remove_untagged(gc, e);
    if (rc == 0)
        rc = remove_blobs(gc, e);
    say_result(gc);
    store_close(&gc->store);
    return rc;
}

static int take_grace(const struct invocation *call, uint64_t *grace_s, struct err *e)
{
    uint64_t nanoseconds;

    if (!call->given[OPTION_GRACE])
        return 0;
    if (duration_parse(str_of(call->values[OPTION_GRACE]), &nanoseconds, e) != 0)
        return err_wrap(e, "--grace");
    *grace_s = nanoseconds / 1000000000 + (nanoseconds % 1000000000 != 0);
    return 0;
}

int command_gc(const struct invocation *call)
{
    struct gc gc = {.call = call, .dry_run = call->given[OPTION_DRY_RUN], .quiet = call->given[OPTION_QUIET]};
    struct config *config;
    struct err e = {0};
    uint64_t grace_s = 0;
    int rc;

    if (take_grace(call, &grace_s, &e) != 0)
        return program_misused(call, &e);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, 0); /* only the answer is wanted */
    config = config_load(call->argument_count > 0 ? call->arguments[0] : NULL, environ, &e);
    if (config == NULL)
        return program_fail(call, &e);
    gc.config = config;
    gc.grace_s = call->given[OPTION_GRACE] ? grace_s : config->garbage_collection.grace_s;
    gc.shows_progress = !gc.quiet && !gc.dry_run && isatty(STDERR_FILENO);
    rc = collect(&gc, &e);
    config_free(&config);
    return rc == 0 ? EXIT_DONE : program_fail(call, &e);
}

/* ---- distribution's short options ---- */

static const struct {
    char letter;
    const char *option;
} short_options[] = {{'d', "--dry-run"}, {'m', "--delete-untagged"}, {'q', "--quiet"}};

static const char *long_form(char letter)
{
    for (size_t i = 0; i < sizeof(short_options) / sizeof(short_options[0]); i++)
        if (short_options[i].letter == letter)
            return short_options[i].option;
    return NULL;
}

/* "-dm": how many options are in it; 0 when it holds anything else. */
static size_t count_letters(const char *word)
{
    size_t n = 0;

    if (word[0] != '-')
        return 0;
    while (word[n + 1] != '\0' && long_form(word[n + 1]) != NULL)
        n++;
    return word[n + 1] == '\0' ? n : 0;
}

char **gc_spell_out(int *argc, char **argv)
{
    size_t room = (size_t)*argc + 1;
    char **out;
    int n = 0;

    if (*argc < 2 || strcmp(argv[1], "garbage-collect") != 0)
        return argv;
    for (int i = 2; i < *argc; i++)
        room += count_letters(argv[i]);
    out = xcalloc(room, sizeof(*out));
    for (int i = 0; i < *argc; i++) {
        size_t letters = i < 2 ? 0 : count_letters(argv[i]);

        if (letters == 0)
            out[n++] = argv[i];
        for (size_t l = 1; l <= letters; l++)
            out[n++] = (char *)(uintptr_t)long_form(argv[i][l]);
    }
    *argc = n;
    return out;
}
