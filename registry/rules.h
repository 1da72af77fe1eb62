/*
 * The access rules in force: those of the section `access` of the configuration, or of a file of their own, followed
 * while they change.
 *
 * A loop holds the rules that it works with and looks at each question whether there are newer ones, so that an answer
 * takes no lock. What was decided of a request stands: an upload that runs is not cut when its owner loses the right
 * to push.
 *
 * Thread: rules_in_force() on the loop; open, refresh and close on one at a time.
 */
#ifndef BERTH_REGISTRY_RULES_H
#define BERTH_REGISTRY_RULES_H

#include "auth/access.h"
#include "registry/config/config.h"
#include "registry/net/loop.h"

struct rules;
struct ruleset; /* one version of them */

/* `environment` is that of the configuration, which may hold rules as well. Both must outlive the rules. ERR_INVALID
 * names file, line and remedy. Blocks. */
struct rules *rules_open(const struct config *config, char *const *environment, struct err *e);
/* When no loop holds any. */
void rules_close(struct rules **rules);

/* Read the file again if it changed, or anyway when `force` is set. A file that is malformed, half-written or gone
 * leaves the rules before in force and is logged. Returns whether new rules are in force. Blocks. */
bool rules_refresh(struct rules *rules, bool force);

/* Append where the rules in force come from and, unless it is NULL, to `lines` each of them in a line. Returns how many
 * there are. Any thread. */
size_t rules_describe(struct rules *rules, struct sbuf *source, struct sbuf *lines);

/* NULL: there are none, and who is logged in may do everything. Valid until the loop asks again. */
const struct access *rules_in_force(struct loop *loop);
/* Let go of the rules that the loop holds, at its end. */
void rules_let_go(struct loop *loop);

#endif
