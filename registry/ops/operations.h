/* The functions of the operations, for the table in ops.c: each as op_spec.run says. What they do stands on top of
 * their files and in the table of commands, registry/program.c. */
#ifndef BERTH_OPS_OPERATIONS_H
#define BERTH_OPS_OPERATIONS_H

#include "registry/ops/op.h"

int op_retention(struct op *op, int *status, struct err *e);
int op_tags(struct op *op, int *status, struct err *e);
int op_ctl(struct op *op, int *status, struct err *e);
int op_gc(struct op *op, int *status, struct err *e);
int op_backup(struct op *op, int *status, struct err *e);
int op_export(struct op *op, int *status, struct err *e);
int op_import(struct op *op, int *status, struct err *e);
int op_scrub(struct op *op, int *status, struct err *e);
int op_fsck(struct op *op, int *status, struct err *e);
int op_du(struct op *op, int *status, struct err *e);
int op_repository(struct op *op, int *status, struct err *e);

#endif
