/* Base64 (RFC 4648 §4), with padding. Thread: any; no state. */
#ifndef BERTH_BASE_BASE64_H
#define BERTH_BASE_BASE64_H

#include <stdbool.h>

#include "registry/base/str.h"

/* Append the text of `bytes`. */
void base64_put(struct sbuf *out, struct str bytes);
/* Append the bytes of `text`. False, and nothing is appended: it is no base64; line ends count as such. */
bool base64_take(struct str text, struct sbuf *out);

#endif
