/*
 * `berth import docker://HOST[/REPOSITORY[:TAG]]`: images of another registry over the wire, all or chosen ones. What goes
 * wrong with a tag or a repository is told, and the others go on; DESIGN.md has the picture.
 */
#include "registry/ops/operations.h"

#include <stdlib.h>
#include <string.h>

/* storage */
#include "storage/quota.h"

/* base */
#include "registry/base/pattern.h"
#include "registry/base/quote.h"

/* registry */
#include "registry/commands/commands.h"
#include "registry/ops/import_batch.h"
#include "registry/ops/import_source.h"

struct names {
    char **p;
    size_t n;
};

struct import {
    struct op *op;
    struct import_source source;
    struct pattern *patterns; /* of --repository */
    size_t pattern_count;
    struct crew crew;
    struct quotas *quotas;
    struct import_report report;
    struct sbuf progress;
};

/* A list being fetched, by a hand. */
struct listing {
    const struct import *import;
    const char *repository; /* NULL: the catalog */
    struct names names;
    struct names refused; /* against the grammar, quoted */
    int rc;
    struct err err;
};

static void names_add(struct names *names, struct str name)
{
    if ((names->n & (names->n - 1)) == 0)
        names->p = xrealloc(names->p, (names->n == 0 ? 1 : 2 * names->n) * sizeof(*names->p));
    names->p[names->n++] = str_dup(name);
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->p[i]);
    free(names->p);
    *names = (struct names){0};
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once: pages of a list that changes meanwhile may repeat a name. */
static void names_sort(struct names *names)
{
    size_t n = 0;

    if (names->n > 0)
        qsort(names->p, names->n, sizeof(*names->p), by_text);
    for (size_t i = 0; i < names->n; i++) {
        if (n > 0 && strcmp(names->p[n - 1], names->p[i]) == 0)
            free(names->p[i]);
        else
            names->p[n++] = names->p[i];
    }
    names->n = n;
}

/* ---- what is wanted ---- */

static bool repository_is_wanted(const struct import *import, struct str name)
{
    for (size_t i = 0; i < import->pattern_count; i++)
        if (pattern_matches(&import->patterns[i], STR(""), name))
            return true;
    return import->pattern_count == 0;
}

static bool tag_is_wanted(const struct import *import, struct str tag)
{
    const char *glob;

    for (size_t i = 0; (glob = option_value(import->op->call, OPTION_TAG, i)) != NULL; i++)
        if (pattern_glob_matches(str_of(glob), tag))
            return true;
    return !import->op->call->given[OPTION_TAG];
}

/* Any bytes until here. */
static int take_name(struct str name, void *arg, struct err *e)
{
    struct listing *listing = arg;
    bool tag = listing->repository != NULL;
    char said[QUOTE_MAX];

    (void)e;
    if (tag ? !tag_valid(name) : !repository_name_valid(name)) {
        if (listing->refused.n <= REPORT_LISTED)
            names_add(&listing->refused, str_of(quote(name, said)));
    } else if (tag ? tag_is_wanted(listing->import, name) : repository_is_wanted(listing->import, name)) {
        names_add(&listing->names, name);
    }
    return 0;
}

static void list(struct hand *hand, size_t i, void *arg)
{
    struct listing *listing = arg;

    (void)i;
    listing->rc = listing->repository == NULL
                      ? remote_catalog(hand->remote, take_name, listing, &listing->err)
                      : remote_tags(hand->remote, listing->repository, take_name, listing, &listing->err);
}

static bool watch_list(size_t done, void *arg)
{
    const struct listing *listing = arg;
    const struct import *import = listing->import;

    (void)done;
    if (!import->report.quiet)
        op_progress(import->op, "%s: looking", listing->repository == NULL ? "the catalog" : import->progress.p);
    return op_cancelled(import->op);
}

/* `names` gets what is wanted of it. ERR_BUSY when it was cancelled. */
static int list_names(struct import *import, const char *repository, struct names *names, struct err *e)
{
    struct listing listing = {.import = import, .repository = repository};
    const struct crew_work work = {.count = 1, .work = list, .watch = watch_list, .arg = &listing};
    int rc = 0;

    if (!crew_run(&import->crew, &work))
        rc = err_set(e, ERR_BUSY, "cancelled; what was copied stays, and running it again goes on from there");
    else if (listing.rc != 0) {
        *e = listing.err;
        rc = -1;
    }
    for (size_t i = 0; rc == 0 && i < listing.refused.n; i++)
        report_problem(&import->report, repository == NULL ? "the catalog" : repository, listing.refused.p[i]);
    names_clear(&listing.refused);
    names_sort(&listing.names);
    *names = listing.names;
    return rc;
}

/* ---- a repository ---- */

static int copy_all(struct import *import, struct tree_source *source, const struct str *references, size_t n,
                    struct err *e)
{
    const struct import_batch batch = {.op = import->op,
                                       .crew = &import->crew,
                                       .source = source,
                                       .quotas = import->quotas,
                                       .report = &import->report,
                                       .overwrite = import->op->call->given[OPTION_OVERWRITE],
                                       .dry_run = import->report.dry_run,
                                       .progress = import->progress.p};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i += BATCH_MAX)
        rc = batch_copy(&batch, references + i, n - i < BATCH_MAX ? n - i : BATCH_MAX, e);
    return rc;
}

static int copy_tags(struct import *import, struct tree_source *source, const struct names *tags, struct err *e)
{
    struct str *references = xcalloc(tags->n + 1, sizeof(*references));
    int rc;

    for (size_t i = 0; i < tags->n; i++)
        references[i] = str_of(tags->p[i]);
    rc = copy_all(import, source, references, tags->n, e);
    free(references);
    return rc;
}

/* What goes wrong with one repository does not end the others; -1 ends all. */
static int copy_repository(struct import *import, const char *repository, struct err *e)
{
    const struct import_source *from = &import->source;
    struct tree_source source = {.config = import->op->config,
                                 .repository = repository,
                                 .referrers = !import->op->call->given[OPTION_NO_REFERRERS],
                                 .all_tags = from->tag[0] == '\0' && !import->op->call->given[OPTION_TAG]};
    const struct str named = str_of(from->digest[0] != '\0' ? from->digest : from->tag);
    struct names tags = {0};
    int rc = 0;

    import->report.repositories++;
    if (named.n > 0) {
        source.all_tags = false;
        return copy_all(import, &source, &named, 1, e);
    }
    if (list_names(import, repository, &tags, e) == 0)
        rc = copy_tags(import, &source, &tags, e);
    else if (e->code == ERR_BUSY && atomic_load(&import->crew.cancelled))
        rc = -1;
    else
        report_problem(&import->report, repository, e->text);
    names_clear(&tags);
    return rc;
}

/* Names that --repository spells out need no catalog, which not everybody may see. */
static bool take_spelt_out(const struct import *import, struct names *out)
{
    for (size_t i = 0; i < import->pattern_count; i++)
        if (!repository_name_valid(str_of(import->patterns[i].text)))
            return false;
    for (size_t i = 0; i < import->pattern_count; i++)
        names_add(out, str_of(import->patterns[i].text));
    return import->pattern_count > 0;
}

/* Not everybody may see a catalog, and not every registry has one. */
static int explain(struct err *e)
{
    const struct err why = *e;

    if (why.code != ERR_DENIED && why.code != ERR_NOT_FOUND && why.code != ERR_UNSUPPORTED)
        return -1;
    return err_set(e, why.code, "%s; or name the repositories, with --repository", why.text);
}

static int find_repositories(struct import *import, struct names *out, struct err *e)
{
    if (import->source.repository[0] != '\0')
        names_add(out, str_of(import->source.repository));
    else if (!take_spelt_out(import, out) && list_names(import, NULL, out, e) != 0)
        return explain(e);
    names_sort(out);
    if (out->n == 0)
        return err_set(e, ERR_NOT_FOUND, "%s has no repository of such a name", import->source.host);
    return 0;
}

static int copy_repositories(struct import *import, struct err *e)
{
    struct names repositories = {0};
    int rc = find_repositories(import, &repositories, e);

    for (size_t i = 0; rc == 0 && i < repositories.n; i++) {
        import->progress.n = 0;
        sbuf_printf(&import->progress, "%zu of %zu: %s", i + 1, repositories.n, repositories.p[i]);
        sbuf_text(&import->progress);
        rc = copy_repository(import, repositories.p[i], e);
    }
    names_clear(&repositories);
    return rc;
}

/* ---- set-up ---- */

static int take_patterns(struct import *import, struct err *e)
{
    const struct invocation *call = import->op->call;
    const char *text;

    if (call->given[OPTION_REPOSITORY] && import->source.repository[0] != '\0')
        return err_set(e, ERR_INVALID, "the repository is named twice: %s and --repository", call->arguments[0]);
    if (call->given[OPTION_TAG] && (import->source.tag[0] != '\0' || import->source.digest[0] != '\0'))
        return err_set(e, ERR_INVALID, "the tag is named twice: %s and --tag", call->arguments[0]);
    for (size_t i = 0; (text = option_value(call, OPTION_REPOSITORY, i)) != NULL; i++) {
        import->patterns = xrealloc(import->patterns, (i + 1) * sizeof(*import->patterns));
        if (pattern_parse(str_of(text), &import->patterns[i], e) != 0)
            return err_wrap(e, "--repository");
        import->pattern_count++;
    }
    return 0;
}

static struct quotas *open_quotas(const struct config *config)
{
    struct quota_rule *rules = xcalloc(config->quota_count + 1, sizeof(*rules));
    struct quotas *quotas;

    for (size_t i = 0; i < config->quota_count; i++)
        rules[i] = (struct quota_rule){.path = config->quotas[i].path, .limit = config->quotas[i].limit};
    quotas = config->quota_count == 0 ? NULL : quotas_new(rules, config->quota_count);
    free(rules);
    return quotas;
}

/* The secret is what op_import_secret() made. */
static int open_crew(struct import *import, uint64_t jobs, struct err *e)
{
    const struct op *op = import->op;
    size_t end = str_find(op->secret, '\0');
    const struct remote_options options = {
        .host = import->source.host,
        .plain_http = op->call->given[OPTION_PLAIN_HTTP],
        .http = {.authorities = str_from(op->secret, end + 1), .insecure = op->call->given[OPTION_INSECURE]},
        .credentials = {op->secret.p, end}};

    return crew_open(&import->crew, (unsigned)jobs, &options, op->store, e);
}

int op_import_remote(struct op *op, int *status, struct err *e)
{
    struct import import = {.op = op};
    uint64_t jobs;
    int rc;

    if (import_source_parse(op->call->arguments[0], &import.source, e) != 0 || take_patterns(&import, e) != 0 ||
        option_number(op->call, OPTION_JOBS, 1, CREW_MAX, CREW_DEFAULT, &jobs, e) != 0) {
        *status = EXIT_USAGE;
        rc = -1;
    } else if ((rc = open_crew(&import, jobs, e)) == 0) {
        import.quotas = open_quotas(op->config);
        report_open(&import.report, op);
        rc = copy_repositories(&import, e);
        if (rc == 0 || import.report.repositories > 0)
            report_say(&import.report);
        if (rc == 0 && !report_is_whole(&import.report))
            *status = EXIT_REFUSED;
        report_close(&import.report);
        quotas_free(&import.quotas);
        crew_close(&import.crew);
    }
    for (size_t i = 0; i < import.pattern_count; i++)
        pattern_clear(&import.patterns[i]);
    free(import.patterns);
    sbuf_free(&import.progress);
    return rc;
}
