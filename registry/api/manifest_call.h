/* What the manifest handlers share. */
#ifndef BERTH_API_MANIFEST_CALL_H
#define BERTH_API_MANIFEST_CALL_H

#include "registry/request.h"

struct manifest_reference {
    bool is_digest;
    struct digest digest; /* when it is one; otherwise the tag is rq->target.reference */
};

/* Check the reference of the path. False: 400 was replied. */
bool manifest_reference(struct request *rq, struct manifest_reference *out);

#endif
