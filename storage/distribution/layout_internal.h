/* What the files layout*.c share: directories read entry by entry. */
#ifndef BERTH_STORAGE_LAYOUT_INTERNAL_H
#define BERTH_STORAGE_LAYOUT_INTERNAL_H

#include <dirent.h>

#include "storage/distribution/layout.h"

/* Leaves errno as it is. */
void close_quietly(int fd);
/* layout_open_below() of a directory, for reading. */
int directory_open(int dir, const char *path);
/* Takes `fd` (-1: errno says why), which is closed when this fails: NULL and errno. */
DIR *directory_list(int fd);
/* The next entry that is not the directory itself or the one above; NULL at the end. */
const struct dirent *directory_next(DIR *listing);
/* For people, of an errno. */
const char *why_not_opened(int number);

#endif
