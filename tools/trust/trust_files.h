/*
 * What hosts get to trust a registry, and to be known to it: certificates and a key, read, checked and written anew, so
 * that nothing else that a file may hold leaves this machine.
 *
 * Thread: one.
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_FILES_H
#define BERTH_TOOLS_TRUST_TRUST_FILES_H

/* base */
#include "registry/base/err.h"

struct trust_files {
    char *ca;          /* PEM certificates; NULL: none given */
    char *certificate; /* the client's, then what stands between it and its authority; NULL: none given */
    char *key;         /* of the client, unencrypted PKCS#8; NULL: none given */
};

/* Read the certificates that hosts are to trust. ERR_NOT_FOUND when the file is not there, ERR_INVALID when it holds no
 * certificate, or one that is over or that an authority issued to somebody else: clients built on OpenSSL trust
 * nothing by it, and the others only until it is renewed. One that signed itself is taken. */
int trust_files_read_ca(struct trust_files *files, const char *path, struct err *e);
/* Read a client's certificate and the key that belongs to it. ERR_INVALID also when the key needs a passphrase: nobody
 * could type it on the hosts. */
int trust_files_read_client(struct trust_files *files, const char *certificate, const char *key, struct err *e);
/* Wipes the key. */
void trust_files_free(struct trust_files *files);

#endif
