/* What the configuration forbids in manifests: validation.manifests of distribution. Thread: any. */
#ifndef BERTH_API_MANIFEST_POLICY_H
#define BERTH_API_MANIFEST_POLICY_H

#include "registry/config/config.h"
#include "storage/manifest.h"

/* Marks as optional the children that validation.manifests.indexes.platforms does not ask for. ERR_INVALID when a layer
 * has URLs that validation.manifests.urls does not allow; with neither list set, URLs are for layers of a
 * non-distributable media type only (distribution refuses those too; the OCI conformance suite pushes them). Nothing is
 * refused when validation is disabled. */
int manifest_policy_apply(const struct config *config, struct manifest *manifest, struct err *e);

#endif
