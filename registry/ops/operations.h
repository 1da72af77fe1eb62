/* The functions of the operations, for the table in ops.c: each as op_spec.run says. What they do stands on top of
 * their files and in the table of commands, registry/commands/program.c. */
#ifndef BERTH_OPS_OPERATIONS_H
#define BERTH_OPS_OPERATIONS_H

#include "registry/ops/op.h"

int op_retention(struct op *op, int *status, struct err *e);
int op_tags(struct op *op, int *status, struct err *e);
int op_ctl(struct op *op, int *status, struct err *e);
int op_gc(struct op *op, int *status, struct err *e);
int op_backup(struct op *op, int *status, struct err *e);
int op_export(struct op *op, int *status, struct err *e);
int op_scrub(struct op *op, int *status, struct err *e);
int op_fsck(struct op *op, int *status, struct err *e);
int op_du(struct op *op, int *status, struct err *e);
int op_repository(struct op *op, int *status, struct err *e);
int op_import(struct op *op, int *status, struct err *e);
/* From docker://HOST…: another registry, over the wire. */
int op_import_remote(struct op *op, int *status, struct err *e);
/* Its op_spec.secret: what of the command's surroundings a server may not see, namely who logs in, and the authorities of
 * --ca. Both are text, the first ends with a NUL; either may be empty. The login is "name:password": of --user, with its
 * password from --password-file, $BERTH_IMPORT_PASSWORD or the terminal; else of --authfile; else of the files in which
 * Podman and Docker keep logins, when they have one. */
int op_import_secret(const struct invocation *call, struct sbuf *out, struct err *e);

#endif
