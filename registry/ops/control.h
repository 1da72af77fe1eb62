/*
 * The server's end of <root>/control: runs operations (op.h) that the commands of `berth` ask for (wire.h).
 *
 * Only root and the user that the server runs as are let in, CONTROL_MOST commands at a time; whoever is one too many,
 * or asks for what this server does not do, is told so. A command whose asker is gone ends between two of its steps.
 *
 * Thread: control_start() and control_stop() are for the thread that starts and stops the server. Inside there are one
 * that accepts, and one for each command, of low priority.
 */
#ifndef BERTH_OPS_CONTROL_H
#define BERTH_OPS_CONTROL_H

#include "registry/base/err.h"
#include "registry/config/config.h"
#include "registry/live.h"
#include "storage/store.h"

enum { CONTROL_MOST = 8 };

struct control;
struct server;

/* All outlive it, and the store is open: so the directory is ours, and a socket that is there is left over. `server` is
 * for the operations that are about it. */
struct control *control_start(const struct config *config, const struct live *live, const struct store *store,
                              struct server *server, struct err *e);
/* What runs is cancelled; waits for that. */
void control_stop(struct control **control);

#endif
