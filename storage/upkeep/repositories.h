/*
 * A walk over all repositories that have manifests, for work that takes its time: nothing is held while one is visited.
 *
 * Thread: the reader's. Blocks.
 */
#ifndef BERTH_STORAGE_REPOSITORIES_H
#define BERTH_STORAGE_REPOSITORIES_H

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/meta/meta.h"

/* 0, or -1 with an error, which ends the walk. May read, and wait for changes. */
typedef int repository_visit(struct str repository, void *arg, struct err *e);

/* In byte order. One that comes or goes meanwhile may be visited or not. A failure names the repository. */
int repositories_each(struct meta_reader *reader, repository_visit *visit, void *arg, struct err *e);

#endif
