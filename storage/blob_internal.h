/* What the files about blobs on disk share: blob.c (one store), blob_transfer.c (from one store to another). */
#ifndef BERTH_STORAGE_BLOB_INTERNAL_H
#define BERTH_STORAGE_BLOB_INTERNAL_H

#include "storage/blob.h"

enum { BLOB_FOLDER_MAX = 6 + 1 + 2 + 1 }; /* "sha256/ab" with terminator */

struct blob_store {
    int root; /* -1: opened for reading only */
    int dir;  /* <root>/blobs; all names below are relative to it */
};

/* Of a folder or a file below blobs/. */
struct blob_name {
    char folder[BLOB_FOLDER_MAX];
    char file[BLOB_NAME_MAX];
    char text[DIGEST_TEXT_MAX]; /* for people */
};

void blob_name_of(const struct digest *d, struct blob_name *out);
/* The name of folder number `folder` below blobs/, and the number of the one that `d` belongs into. */
void blob_folder_name(unsigned folder, char out[BLOB_FOLDER_MAX]);
unsigned blob_folder_of(const struct digest *d);
/* Blocks. */
int blob_sync_folder(int dir, const char *folder, struct err *e);

#endif
