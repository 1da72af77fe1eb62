/*
 * Writing distribution's tree (layout.h): folders, links and the files of manifests, for anybody to read and for root to
 * go on with. What is there and the same is left alone; what is not comes whole, by rename.
 *
 * Thread: a tree belongs to one thread, which blocks.
 */
#ifndef BERTH_STORAGE_TREE_H
#define BERTH_STORAGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/base/err.h"
#include "registry/base/str.h"
#include "storage/digest.h"

enum { TREE_FILE_MODE = 0644, TREE_FOLDER_MODE = 0755 };

struct tree {
    int top;      /* v2/ */
    int workshop; /* on the same file system, for files in the making */
    uint64_t serial;
};

/* A descriptor (O_PATH) of the folder `path` below `dir`, made with what is missing; nothing on the way may be a symbolic
 * link. -1 with an error. */
int tree_folder(int dir, const char *path, struct err *e);

/* The file `path` below v2/ holds `bytes`, and was written at `when` (wall-clock seconds). *fresh: it did not. */
int tree_write(struct tree *tree, const char *path, struct str bytes, uint64_t when, bool *fresh, struct err *e);
/* The same for a link: "repositories/<repository>/<folder>/<alg>/<hex>/link". */
int tree_link(struct tree *tree, struct str repository, const char *folder, const struct digest *d, uint64_t when,
              bool *fresh, struct err *e);
/* Remove that link and its folder. One that is not there is no error. */
int tree_unlink(struct tree *tree, struct str repository, const char *folder, const struct digest *d, struct err *e);
/* Remove a tag, first where it points to. */
int tree_remove_tag(struct tree *tree, struct str repository, const char *tag, struct err *e);

#endif
