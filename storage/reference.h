/*
 * Names: the grammar of OCI distribution-spec "Pulling manifests".
 *   <name>: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*, at most 255 bytes
 *   <tag>:  [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
 */
#ifndef BERTH_STORAGE_REFERENCE_H
#define BERTH_STORAGE_REFERENCE_H

#include <stdbool.h>

#include "registry/base/str.h"

enum { REPOSITORY_NAME_MAX = 255, TAG_MAX = 128 };

bool repository_name_valid(struct str name);
bool tag_valid(struct str tag);

#endif
