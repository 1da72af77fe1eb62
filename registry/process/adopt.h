/*
 * A data directory of root's becomes that of the user who is going to serve it.
 *
 * What is given: a directory that is empty or holds nothing but Berth's own parts, and these parts. It may also hold
 * "docker", distribution's tree, which is never touched, and "lost+found". A directory with anything else in it is left
 * alone, for it was not made for this.
 *
 * Parts first, the directory itself last, each folder after what is in it: who was cut off starts again, and a folder
 * that is not root's any more has been done. Nothing is given out of a folder that others than root may write to: so
 * nobody but root can have put anything there, and no name in it leads out of the tree.
 *
 * Thread: main, as root, before anybody becomes that user. Blocks for as long as there are files to give.
 */
#ifndef BERTH_PROCESS_ADOPT_H
#define BERTH_PROCESS_ADOPT_H

#include "registry/base/err.h"
#include "registry/process/run_as.h"

/* Give `path`, made if it is missing, to `user`. 0 also when it is somebody else's already, holds what is not known, or
 * has parts that others may have put there: whether he may write there is run_as_check()'s to say. */
int adopt_directory(const char *path, const struct run_as *user, struct err *e);

#endif
