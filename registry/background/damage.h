/*
 * Damage that scrubbing finds, in words and numbers.
 *
 * Thread: any; damage_text() blocks.
 */
#ifndef BERTH_BACKGROUND_DAMAGE_H
#define BERTH_BACKGROUND_DAMAGE_H

#include "storage/upkeep/scrub.h"

/* Append "blob sha256:…, 1.2 MiB, is damaged: its bytes have another digest; moved to quarantine/…; needed by a:1". */
void damage_text(struct meta_reader *reader, const struct scrub_finding *finding, struct sbuf *out);
/* Count it for /metrics. */
void damage_metrics(const struct scrub_count *count);

#endif
