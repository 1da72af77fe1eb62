#include "registry/net/file_set.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "registry/base/file.h"
#include "registry/base/file_stamp.h"

enum { DIGEST_BYTES = 32 };

struct member {
    struct file_of_set file;
    struct file_stamp stamp;
    struct sbuf bytes; /* file.text borrows them */
};

struct file_set {
    struct member *files;
    size_t n;
    bool looked;                       /* there are stamps and a digest of a former look */
    bool failed;                       /* the last look ended with an error */
    unsigned char state[DIGEST_BYTES]; /* of the bytes, or of the error's text */
};

struct file_set *file_set_new(void)
{
    return xcalloc(1, sizeof(struct file_set));
}

void file_set_free(struct file_set **set)
{
    if (*set == NULL)
        return;
    file_set_forget(*set);
    free((*set)->files);
    free(*set);
    *set = NULL;
}

void file_set_add(struct file_set *set, const char *key, const char *path)
{
    set->files = xrealloc(set->files, (set->n + 1) * sizeof(*set->files));
    set->files[set->n++] = (struct member){.file = {.key = key, .path = path}};
}

/* Take the stamps anew; true when one of them may stand for another content than before. */
static bool stamps_differ(struct file_set *set)
{
    bool differ = false;

    for (size_t i = 0; i < set->n; i++) {
        struct file_stamp now;

        file_stamp_take(set->files[i].file.path, &now, NULL); /* absent is a stamp too; reading says why */
        differ = differ || !file_stamp_same(&set->files[i].stamp, &now);
        set->files[i].stamp = now;
    }
    return differ;
}

static int read_all(struct file_set *set, struct err *e)
{
    for (size_t i = 0; i < set->n; i++) {
        struct member *f = &set->files[i];

        if (file_read(f->file.path, FILE_SET_LIMIT, &f->bytes, e) != 0)
            return err_wrap(e, "%s", f->file.key);
        f->file.text = (struct str){f->bytes.p, f->bytes.n};
    }
    return 0;
}

/* Remember what was found; false when it is what was found before. */
static bool note_state(struct file_set *set, const struct err *failure)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    unsigned char state[DIGEST_BYTES];
    bool same;

    if (hash == NULL || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
        abort();
    if (failure != NULL)
        EVP_DigestUpdate(hash, failure->text, strlen(failure->text));
    for (size_t i = 0; failure == NULL && i < set->n; i++) {
        EVP_DigestUpdate(hash, &set->files[i].bytes.n, sizeof(set->files[i].bytes.n));
        EVP_DigestUpdate(hash, set->files[i].bytes.p, set->files[i].bytes.n);
    }
    if (!EVP_DigestFinal_ex(hash, state, NULL))
        abort();
    EVP_MD_CTX_free(hash);
    same = set->looked && memcmp(state, set->state, sizeof(state)) == 0;
    memcpy(set->state, state, sizeof(state));
    set->looked = true;
    return !same;
}

int file_set_read(struct file_set *set, bool force, bool *fresh, struct err *e)
{
    bool differ = stamps_differ(set);
    struct err failure = {0};

    *fresh = false;
    if (set->looked && !set->failed && !differ && !force)
        return 0;
    file_set_forget(set);
    set->failed = read_all(set, &failure) != 0;
    *fresh = note_state(set, set->failed ? &failure : NULL) || force;
    if (set->failed) {
        *e = failure;
        file_set_forget(set);
        return -1;
    }
    if (!*fresh)
        file_set_forget(set);
    return *fresh ? 1 : 0;
}

void file_set_forget(struct file_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        struct member *f = &set->files[i];

        if (f->bytes.p != NULL)
            explicit_bzero(f->bytes.p, f->bytes.capacity);
        sbuf_free(&f->bytes);
        f->file.text = (struct str){0};
    }
}

size_t file_set_count(const struct file_set *set)
{
    return set->n;
}

const struct file_of_set *file_set_at(const struct file_set *set, size_t i)
{
    return &set->files[i].file;
}
