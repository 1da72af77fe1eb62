/* The operations there are. Their commands and options are in registry/commands/program.c. */
#include "registry/ops/op.h"

#include <pthread.h>
#include <string.h>

#include "registry/ops/import_source.h"
#include "registry/ops/operations.h"

static const struct op_spec specs[] = {
    {.name = "ctl", .when = OP_SERVED, .run = op_ctl},
    {.name = "du", .when = OP_ANYTIME, .run = op_du},
    {.name = "gc", .when = OP_ALONE, .changes = true, .names_config = true, .run = op_gc},
    {.name = "backup", .when = OP_ALONE, .run = op_backup},
    {.name = "import",
     .prefix = IMPORT_SOURCE_PREFIX,
     .when = OP_ANYTIME,
     .changes = true,
     .secret = op_import_secret,
     .run = op_import_remote},
    {.name = "import", .when = OP_ALONE, .changes = true, .takes_files = true, .run = op_import},
    {.name = "export", .when = OP_ALONE, .takes_files = true, .run = op_export},
    {.name = "retention", .when = OP_ALONE, .changes = true, .run = op_retention},
    {.name = "tags", .when = OP_ANYTIME, .run = op_tags},
    {.name = "garbage-collect", .when = OP_ALONE, .changes = true, .names_config = true, .run = op_gc},
    {.name = "scrub", .when = OP_ALONE, .changes = true, .run = op_scrub},
    {.name = "fsck", .when = OP_UNCHANGED, .changes = true, .run = op_fsck},
    {.name = "repository", .when = OP_ANYTIME, .run = op_repository},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `alone` */
static const struct op_spec *alone;                      /* the one under way, or NULL */

static bool fits(const struct op_spec *spec, const char *name, const char *argument)
{
    if (strcmp(spec->name, name) != 0)
        return false;
    return spec->prefix == NULL || (argument != NULL && str_starts(str_of(argument), str_of(spec->prefix)));
}

const struct op_spec *op_find(const char *name, const char *argument)
{
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
        if (fits(&specs[i], name, argument))
            return &specs[i];
    return NULL;
}

static int begin(const struct op_spec *spec, struct err *e)
{
    int rc = 0;

    if (spec->when == OP_ANYTIME || spec->when == OP_SERVED)
        return 0;
    pthread_mutex_lock(&lock);
    if (alone != NULL)
        rc = err_set(e, ERR_BUSY, "%s is under way, and %s has to wait for it; try again when it is done", alone->name,
                     spec->name);
    else
        alone = spec;
    pthread_mutex_unlock(&lock);
    return rc;
}

static void end(const struct op_spec *spec)
{
    if (spec->when == OP_ANYTIME || spec->when == OP_SERVED)
        return;
    pthread_mutex_lock(&lock);
    alone = NULL;
    pthread_mutex_unlock(&lock);
}

int op_run(const struct op_spec *spec, struct op *op, struct err *e)
{
    int status = EXIT_DONE;
    int rc = begin(spec, e);

    if (rc == 0) {
        rc = spec->run(op, &status, e);
        end(spec);
    }
    if (rc == 0)
        *e = (struct err){0};
    else if (status == EXIT_DONE)
        status = e->code == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_REFUSED;
    return status;
}
