#include "tools/ca/ca_files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

enum { KEPT_FILE_MAX = 64 << 20 /* bytes */, SAME_SECOND_MAX = 100 };

static int too_long(struct err *e)
{
    return err_set(e, ERR_INVALID, "the name of the directory is too long");
}

int ca_pair_name(struct ca_pair *pair, const char *directory, const char *name, struct err *e)
{
    bool own = strchr(name, '/') != NULL;
    const char *dir = own ? "" : directory, *slash = own ? "" : "/";

    if (name[0] == '\0' || name[strlen(name) - 1] == '/')
        return err_set(e, ERR_INVALID, "\"%s\" does not name a file", name);
    if ((size_t)snprintf(pair->certificate, PATH_MAX, "%s%s%s.crt", dir, slash, name) >= PATH_MAX ||
        (size_t)snprintf(pair->key, PATH_MAX, "%s%s%s.key", dir, slash, name) >= PATH_MAX)
        return too_long(e);
    return 0;
}

int ca_pair_name_client(struct ca_pair *pair, const char *directory, struct err *e)
{
    if ((size_t)snprintf(pair->certificate, PATH_MAX, "%s/client.cert", directory) >= PATH_MAX ||
        (size_t)snprintf(pair->key, PATH_MAX, "%s/client.key", directory) >= PATH_MAX)
        return too_long(e);
    return 0;
}

int ca_pair_find(struct ca_pair *pair, const char *certificate, struct err *e)
{
    const char *slash = strrchr(certificate, '/');
    const char *dot = strrchr(certificate, '.');
    int stem = (int)(dot == NULL || (slash != NULL && dot < slash) ? strlen(certificate) : (size_t)(dot - certificate));

    if ((size_t)snprintf(pair->certificate, PATH_MAX, "%s", certificate) >= PATH_MAX ||
        (size_t)snprintf(pair->key, PATH_MAX, "%.*s.key", stem, certificate) >= PATH_MAX)
        return too_long(e);
    if (access(certificate, F_OK) != 0)
        return err_errno(e, "%s", certificate);
    if (access(pair->key, F_OK) != 0)
        return err_errno(e, "%s, the key of %s", pair->key, certificate);
    return 0;
}

int ca_pair_sibling(const struct ca_pair *pair, const char *suffix, char out[PATH_MAX], struct err *e)
{
    int stem = (int)(strlen(pair->key) - strlen(".key"));

    return (size_t)snprintf(out, PATH_MAX, "%.*s%s", stem, pair->key, suffix) >= PATH_MAX ? too_long(e) : 0;
}

static bool same_inode(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Where a path's last component begins; `directory` gets what is in front, or ".". */
static const char *split(const char *path, char directory[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    snprintf(directory, PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    return slash == NULL ? path : slash + 1;
}

/* Do both name one file, or one that is not there yet? */
static bool same_file(const char *a, const char *b)
{
    char in_a[PATH_MAX], in_b[PATH_MAX];

    if (strcmp(a, b) == 0 || same_inode(a, b))
        return true;
    return strcmp(split(a, in_a), split(b, in_b)) == 0 && same_inode(in_a, in_b);
}

int ca_pair_refuse_own(const struct ca_pair *pair, const char *directory, struct err *e)
{
    const char *const paths[] = {pair->certificate, pair->key};
    struct ca_pair own = {0};

    if (ca_pair_name(&own, directory, "ca", e) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++)
        if (same_file(paths[i], own.certificate) || same_file(paths[i], own.key))
            return err_set(e, ERR_INVALID, "%s: this is the authority's own file; --out gives another name", paths[i]);
    return 0;
}

int ca_pair_refuse_present(const struct ca_pair *pair, struct err *e)
{
    const char *const paths[] = {pair->certificate, pair->key};

    for (size_t i = 0; i < 2; i++) {
        if (access(paths[i], F_OK) == 0)
            return err_set(e, ERR_EXISTS, "%s is there already; --force replaces it", paths[i]);
        if (errno != ENOENT)
            return err_errno(e, "%s", paths[i]);
    }
    return 0;
}

int ca_pair_write_certificate(const struct ca_pair *pair, const struct certificate *made,
                              const struct certificate *chain, struct err *e)
{
    struct sbuf text = {0};
    int rc = -1;

    if (certificate_put(made, &text, e) == 0 && (chain == NULL || certificate_put(chain, &text, e) == 0) &&
        certificate_put_chain(made, &text, e) == 0)
        rc = file_replace(pair->certificate, text.p, text.n, 0644, e);
    sbuf_free(&text);
    return rc;
}

int ca_pair_write_key(const struct ca_pair *pair, const struct certificate *made, const char *passphrase, struct err *e)
{
    struct sbuf text = {0};
    int rc = certificate_put_key(made, passphrase, &text, e);

    if (rc == 0)
        rc = ca_file_put_secret(pair->key, &text, e);
    if (text.p != NULL)
        explicit_bzero(text.p, text.capacity);
    sbuf_free(&text);
    return rc;
}

int ca_pair_write(const struct ca_pair *pair, const struct certificate *made, const struct certificate *chain,
                  const char *passphrase, struct err *e)
{
    if (ca_pair_write_key(pair, made, passphrase, e) != 0)
        return -1;
    return ca_pair_write_certificate(pair, made, chain, e);
}

int ca_file_put_secret(const char *path, const struct sbuf *bytes, struct err *e)
{
    bool narrowed;

    if (file_replace_secret(path, bytes->p, bytes->n, &narrowed, e) != 0)
        return -1;
    if (narrowed)
        ca_warn("%s was open to everybody; its mode is 0600 now", path);
    return 0;
}

void ca_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("berth-ca: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

bool ca_is_path(const char *text)
{
    struct stat st;

    return strchr(text, '/') != NULL || (stat(text, &st) == 0 && S_ISREG(st.st_mode));
}

/* A name with the time in it that nobody has yet. */
static int name_kept(const char *path, char kept[PATH_MAX], struct err *e)
{
    char stamp[CLOCK_TEXT_ROOM];

    if (!clock_stamp((int64_t)clock_wall_s(), stamp))
        return err_set(e, ERR_IO, "the clock shows no time");
    for (int i = 1; i <= SAME_SECOND_MAX; i++) {
        int n = i == 1 ? snprintf(kept, PATH_MAX, "%s.%s", path, stamp)
                       : snprintf(kept, PATH_MAX, "%s.%s.%d", path, stamp, i);

        if (n >= PATH_MAX)
            return too_long(e);
        if (access(kept, F_OK) != 0)
            return errno == ENOENT ? 0 : err_errno(e, "%s", kept);
    }
    return err_set(e, ERR_EXISTS, "%s is there already; wait a second", kept);
}

static int keep(const char *path, mode_t mask, char name[PATH_MAX], struct err *e)
{
    struct sbuf text = {0};
    struct stat st;
    int rc;

    name[0] = '\0';
    if (stat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "%s", path);
    rc = name_kept(path, name, e);
    if (rc == 0)
        rc = file_read(path, KEPT_FILE_MAX, &text, e);
    if (rc == 0)
        rc = file_replace(name, text.p, text.n, st.st_mode & mask, e);
    if (text.p != NULL)
        explicit_bzero(text.p, text.capacity);
    sbuf_free(&text);
    return rc == 0 ? 0 : err_wrap(e, "keep a copy of %s", path);
}

int ca_file_keep(const char *path, char kept[PATH_MAX], struct err *e)
{
    char room[PATH_MAX];

    return keep(path, 0777, kept == NULL ? room : kept, e);
}

int ca_pair_keep(const struct ca_pair *pair, struct ca_pair *kept, struct err *e)
{
    return keep(pair->key, 0600, kept->key, e) == 0 ? keep(pair->certificate, 0777, kept->certificate, e) : -1;
}
