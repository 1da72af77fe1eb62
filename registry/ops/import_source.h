/* docker://HOST[:PORT][/REPOSITORY[:TAG|@DIGEST]]: what of another registry is wanted. Thread: no shared state. */
#ifndef BERTH_OPS_IMPORT_SOURCE_H
#define BERTH_OPS_IMPORT_SOURCE_H

#include "registry/base/err.h"
#include "registry/base/options.h"
#include "registry/base/str.h"
#include "storage/digest.h"
#include "storage/reference.h"

#define IMPORT_SOURCE_PREFIX "docker://"

enum { IMPORT_HOST_MAX = 261 }; /* a name of DNS, a colon, a port */

struct import_source {
    char host[IMPORT_HOST_MAX + 1];
    char repository[REPOSITORY_NAME_MAX + 1]; /* empty: all */
    char tag[TAG_MAX + 1];                    /* empty: all of them, or the digest */
    char digest[DIGEST_TEXT_MAX];             /* empty: none */
};

/* A directory and another registry take different options. ERR_INVALID names one that the source of `call` does not take. */
int import_check_options(const struct invocation *call, struct err *e);
/* ERR_INVALID says how one is written. */
int import_source_parse(const char *text, struct import_source *out, struct err *e);

#endif
