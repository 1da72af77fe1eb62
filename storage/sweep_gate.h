/*
 * Who may sweep: one step at a time, none while anybody holds sweeps back, and no others beside a sweep that is to be
 * alone. So a walk that somebody waits for and the one in the background do not do the same work twice, and a backup's
 * files stay.
 *
 * Thread: any. One lock, never held while another is taken or anything is waited for but the step under way.
 */
#ifndef BERTH_STORAGE_SWEEP_GATE_H
#define BERTH_STORAGE_SWEEP_GATE_H

#include <stdbool.h>

#include "registry/base/err.h"

struct sweep_gate;

struct sweep_gate *sweep_gate_new(void);
void sweep_gate_free(struct sweep_gate **gate);

/* See store_hold_sweeps() in store.h. */
void sweep_gate_hold(struct sweep_gate *gate);
void sweep_gate_release(struct sweep_gate *gate);

/* From now on only `owner` enters, until it leaves for good. Waits for the step under way. ERR_BUSY when another is. */
int sweep_gate_take(struct sweep_gate *gate, const void *owner, struct err *e);
/* Does nothing for one that is not alone. */
void sweep_gate_give_back(struct sweep_gate *gate, const void *owner);

/* Begin a step; waits for the one under way. ERR_BUSY: sweeps are held back, or another is alone. */
int sweep_gate_enter(struct sweep_gate *gate, const void *owner, struct err *e);
void sweep_gate_leave(struct sweep_gate *gate);

#endif
