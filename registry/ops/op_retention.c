/*
 * `berth retention [REPOSITORY…]`: deletes the tags that the rules of storage.maintenance.retention let go of, now; with
 * --dry-run says of each tag whether it would go, and why. Works whether or not the server does it by itself.
 */
#include "registry/ops/operations.h"

/* storage */
#include "storage/clock_watch.h"
#include "storage/reference.h"
#include "storage/upkeep/retention_run.h"

/* base */
#include "registry/base/clock.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/observe/metrics.h"

struct retaining {
    struct op *op;
    bool dry_run;
    uint64_t kept;
};

/* "moved 2026-11-22T10:15:30Z, last pulled 2026-11-22T10:15:30Z" */
static void put_times(struct sbuf *out, const struct retention_tag *tag)
{
    char text[CLOCK_TEXT_ROOM];

    clock_text((int64_t)tag->moved, text);
    sbuf_printf(out, "moved %s, ", text);
    clock_text((int64_t)tag->pulled, text);
    sbuf_printf(out, tag->pulled > 0 ? "last pulled %s" : "not known to have been pulled", text);
}

static void put_reason(struct sbuf *out, const struct retention_item *item)
{
    const struct retention_rule *rule = item->rule;

    switch (item->tag.verdict) {
    case RETENTION_GOES:
        put_times(out, &item->tag);
        break;
    case RETENTION_NEWEST:
        sbuf_printf(out, "one of the last %llu", (unsigned long long)rule->keep_last);
        break;
    case RETENTION_MATCHING:
        sbuf_printf(out, "its name matches %s", item->tag.matching);
        break;
    case RETENTION_YOUNG:
        put_times(out, &item->tag);
        sbuf_printf(out, "; olderthan is %llu s", (unsigned long long)rule->older_than_s);
        break;
    case RETENTION_PULLED:
        put_times(out, &item->tag);
        sbuf_printf(out, "; notpulledfor is %llu s, at the earliest since pulls are noted",
                    (unsigned long long)rule->not_pulled_for_s);
        break;
    }
}

static void say_item(const struct retention_item *item, void *arg)
{
    struct retaining *r = arg;
    bool goes = item->tag.verdict == RETENTION_GOES;
    struct sbuf line = {0};

    sbuf_str(&line, item->repository);
    if (item->rule == NULL) {
        sbuf_str(&line, STR(": all kept: no rule is for this repository"));
    } else {
        sbuf_printf(&line, ":%.*s %s: ", (int)item->tag.tag.n, item->tag.tag.p,
                    !goes        ? "kept"
                    : r->dry_run ? "would go"
                                 : "deleted");
        put_reason(&line, item);
        sbuf_printf(&line, " (%s)", item->rule->origin);
        r->kept += !goes;
    }
    op_print_str(r->op, (struct str){line.p, line.n});
    sbuf_free(&line);
}

static int retain(struct retaining *r, uint64_t *removed, struct err *e)
{
    const struct op *op = r->op;
    const struct retention_options options = {.rules = op->config->retention.rules,
                                              .now = clock_wall_s(),
                                              .dry_run = r->dry_run,
                                              .item = say_item,
                                              .interrupt = op_interrupt(r->op),
                                              .arg = r};
    int rc = 0;

    if (op->call->argument_count == 0)
        return retention_run(op->store->meta, &options, removed, e);
    for (int i = 0; i < op->call->argument_count && rc == 0; i++)
        rc = retention_run_in(op->store->meta, str_of(op->call->arguments[i]), &options, removed, e);
    return rc;
}

static int check_call(const struct op *op, int *status, struct err *e)
{
    for (int i = 0; i < op->call->argument_count; i++) {
        if (repository_name_valid(str_of(op->call->arguments[i])))
            continue;
        *status = EXIT_USAGE;
        return err_set(e, ERR_INVALID,
                       "\"%.80s\" is no name of a repository; write it without registry and tag: team/app",
                       op->call->arguments[i]);
    }
    if (op->config->retention.rules == NULL || op->config->retention.rules->n == 0)
        return err_set(e, ERR_INVALID,
                       "there are no rules; write some to storage.maintenance.retention.rules of the configuration");
    return 0;
}

/* As the server's own retention does. */
static int check_clock(const struct op *op, struct err *e)
{
    struct err why;

    if (clock_watch_check(op->store->clock, op->config->garbage_collection.grace_s, &why) == 0)
        return 0;
    return err_set(
        e, ERR_BUSY,
        "the clock was set forward lately, so that tags may look older than they are; see what would go with "
        "--dry-run, and try again when storage.maintenance.garbagecollection.grace has passed");
}

int op_retention(struct op *op, int *status, struct err *e)
{
    struct retaining r = {.op = op, .dry_run = op->call->given[OPTION_DRY_RUN]};
    uint64_t removed = 0;
    int rc;

    if (check_call(op, status, e) != 0 || (!r.dry_run && check_clock(op, e) != 0))
        return -1;
    rc = retain(&r, &removed, e);
    if (r.dry_run) {
        op_print(op, "%llu tags would go, %llu are kept by rules", (unsigned long long)removed,
                 (unsigned long long)r.kept);
        return rc;
    }
    metric_add(METRIC_EXPIRED_TAGS, removed);
    op_print(op, "%llu tags deleted%s", (unsigned long long)removed,
             removed > 0 ? "; berth tags restore puts one back" : "");
    return rc;
}
