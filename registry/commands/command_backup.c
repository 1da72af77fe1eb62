/*
 * `berth backup`: making one is an operation (ops/op_backup.c); here is what only reads directories of backups, and needs
 * neither a server nor a data directory: list and verify.
 */
#include "registry/commands/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* storage */
#include "storage/backup/backup.h"

/* base */
#include "registry/base/size_text.h"

/* registry */
#include "registry/ops/op.h"

/* ---- list ---- */

static void print_text(const struct snapshot *s)
{
    char blobs[SIZE_TEXT_ROOM], metadata[SIZE_TEXT_ROOM];

    if (s->unreadable.code != ERR_NONE)
        printf("%s  unreadable: %s\n", s->stamp, s->unreadable.text);
    else if (s->lost > 0)
        printf("%s  %" PRIu64 " blobs, %s, metadata %s; NOT COMPLETE: %" PRIu64 " blobs are missing\n", s->stamp,
               s->blobs, size_text(s->bytes, blobs), size_text(s->metadata.size, metadata), s->lost);
    else
        printf("%s  %" PRIu64 " blobs, %s, metadata %s\n", s->stamp, s->blobs, size_text(s->bytes, blobs),
               size_text(s->metadata.size, metadata));
}

/* One object per line. */
static void print_json(const struct snapshot *s)
{
    struct sbuf line = {0};

    snapshot_json(s, &line);
    puts(sbuf_text(&line));
    sbuf_free(&line);
}

static int list(const struct invocation *call, const struct backup_dir *dir, struct err *e)
{
    struct snapshot *all;
    size_t count;
    int status = EXIT_DONE;

    if (snapshots_load(dir, &all, &count, e) != 0)
        return program_fail(call, e);
    for (size_t i = 0; i < count; i++) {
        if (call->given[OPTION_JSON])
            print_json(&all[i]);
        else if (!call->given[OPTION_QUIET])
            print_text(&all[i]);
        if (all[i].unreadable.code != ERR_NONE)
            status = EXIT_REFUSED;
    }
    free(all);
    return status;
}

/* ---- verify ---- */

struct looking {
    bool shows_progress;
};

static void clear_line(const struct looking *l)
{
    if (l->shows_progress)
        fputs("\r\033[K", stderr);
}

static void show_progress(const struct verify_result *so_far, void *arg)
{
    const struct looking *l = arg;
    char size[SIZE_TEXT_ROOM];

    if (l->shows_progress)
        fprintf(stderr, "\r%" PRIu64 " blobs, %s\033[K", so_far->blobs, size_text(so_far->bytes, size));
}

static void show_problem(const char *text, void *arg)
{
    clear_line(arg);
    fprintf(stderr, "berth: %s\n", text);
}

static int verify(const struct invocation *call, const struct backup_dir *dir, struct err *e)
{
    struct looking l = {.shows_progress = !call->given[OPTION_QUIET] && isatty(STDERR_FILENO)};
    const struct verify_options options = {
        .stamp = call->values[OPTION_SNAPSHOT], .progress = show_progress, .problem = show_problem, .arg = &l};
    struct verify_result r;
    char size[SIZE_TEXT_ROOM];
    int rc = backup_verify(dir, &options, &r, e);

    clear_line(&l);
    if (rc != 0)
        return program_fail(call, e);
    if (call->given[OPTION_JSON])
        printf("{\"snapshots\": %" PRIu64 ", \"blobs\": {\"count\": %" PRIu64 ", \"size\": %" PRIu64
               "}, \"problems\": %" PRIu64 "}\n",
               r.snapshots, r.blobs, r.bytes, r.problems);
    else if (!call->given[OPTION_QUIET])
        printf("%" PRIu64 " snapshots, %" PRIu64 " blobs, %s: %" PRIu64 " problems\n", r.snapshots, r.blobs,
               size_text(r.bytes, size), r.problems);
    return r.problems == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* ---- which of them ---- */

static const struct {
    const char *name;
    int (*run)(const struct invocation *call, const struct backup_dir *dir, struct err *e);
    bool one; /* takes --snapshot */
} actions[] = {{"list", list, false}, {"verify", verify, true}};

static int check_options(const struct invocation *call, bool saves, bool one, struct err *e)
{
    static const enum command_option of_saving[] = {OPTION_CONFIG, OPTION_COPY, OPTION_VERIFY, OPTION_KEEP};

    if (call->given[OPTION_SNAPSHOT] && !one)
        return err_set(e, ERR_INVALID, "--snapshot goes with 'backup verify' and with 'restore'");
    for (size_t i = 0; !saves && i < sizeof(of_saving) / sizeof(of_saving[0]); i++)
        if (call->given[of_saving[i]])
            return err_set(e, ERR_INVALID, "--%s goes with 'backup DIR'; to look at one it is not needed",
                           call->program->options[of_saving[i]].name);
    return 0;
}

int command_backup(const struct invocation *call)
{
    struct backup_dir *dir;
    struct err e = {0};
    size_t i = 0;
    int status;

    while (i < sizeof(actions) / sizeof(actions[0]) && strcmp(call->arguments[0], actions[i].name) != 0)
        i++;
    if (call->argument_count == 1 && i < sizeof(actions) / sizeof(actions[0])) {
        err_set(&e, ERR_INVALID, "backup %s DIR: of which directory? (one of that name to save into is ./%s)",
                actions[i].name, actions[i].name);
        return program_misused(call, &e);
    }
    if (call->argument_count == 1)
        return check_options(call, true, false, &e) == 0 ? command_op(call) : program_misused(call, &e);
    if (i == sizeof(actions) / sizeof(actions[0])) {
        err_set(&e, ERR_INVALID, "backup %s? there are 'backup DIR', 'backup list DIR' and 'backup verify DIR'",
                call->arguments[0]);
        return program_misused(call, &e);
    }
    if (check_options(call, false, actions[i].one, &e) != 0)
        return program_misused(call, &e);
    dir = backup_dir_open(call->arguments[1], BACKUP_READ, &e);
    if (dir == NULL)
        return program_fail(call, &e);
    status = actions[i].run(call, dir, &e);
    backup_dir_close(&dir);
    return status;
}
