/*
 * Numbers as Prometheus reads them: its text exposition format, version 0.0.4. A family begins with its head; its samples
 * follow, each a name, labels between braces and a value.
 *
 * Labels are text of the form `route="blob",method="GET"`, made by expose_label() where a value is not ours; "" is none.
 *
 * Thread: any; no state.
 */
#ifndef BERTH_OBSERVE_EXPOSITION_H
#define BERTH_OBSERVE_EXPOSITION_H

#include <stdint.h>

#include "registry/base/buckets.h"
#include "registry/base/str.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `type`: counter, gauge or histogram. `help`: one line without backslashes. */
void expose_head(struct sbuf *out, const char *name, const char *type, const char *help);
void expose_number(struct sbuf *out, const char *name, const char *labels, int64_t value);
/* `value` divided by ten to the power of `digits`. */
void expose_decimal(struct sbuf *out, const char *name, const char *labels, uint64_t value, unsigned digits);
/* All samples of a histogram with these labels. */
void expose_histogram(struct sbuf *out, const char *name, const char *labels, const struct scale *scale,
                      const struct bucket_counts *counts);

/* Append one more label, behind a comma if others are there. Whatever `value` is, it ends neither the label nor the line,
 * and what is not UTF-8, which would spoil the whole answer for its reader, is shown as U+FFFD. */
void expose_label(struct sbuf *labels, const char *key, struct str value);

#endif
