#include "registry/process/run_as.h"

#include <errno.h>
#include <grp.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "registry/base/str.h"
#include "registry/process/harden.h"

/* ---- who ---- */

static bool take_number(struct str text, unsigned *out)
{
    uint64_t number;

    if (!str_to_u64(text, &number) || number >= UINT32_MAX)
        return false;
    *out = (unsigned)number;
    return true;
}

static int find_group(struct str text, struct run_as *out, struct err *e)
{
    const struct group *found;

    snprintf(out->group, sizeof(out->group), "%.*s", (int)text.n, text.p);
    found = getgrnam(out->group);
    if (found != NULL)
        out->gid = found->gr_gid;
    else if (!take_number(text, &out->gid))
        return err_set(e, ERR_NOT_FOUND, "--user: there is no group %s; make it with: groupadd --system %s", out->group,
                       out->group);
    return 0;
}

/* The group that the user database gives him. */
static void take_own_group(const struct passwd *user, struct run_as *out)
{
    const struct group *found;

    out->gid = user->pw_gid;
    found = getgrgid(user->pw_gid);
    if (found != NULL)
        snprintf(out->group, sizeof(out->group), "%s", found->gr_name);
    else
        snprintf(out->group, sizeof(out->group), "%u", (unsigned)out->gid);
}

static int find_user(struct str text, bool has_group, struct run_as *out, struct err *e)
{
    const struct passwd *found;

    snprintf(out->name, sizeof(out->name), "%.*s", (int)text.n, text.p);
    found = getpwnam(out->name);
    if (found == NULL && take_number(text, &out->uid))
        found = getpwuid(out->uid);
    else if (found == NULL)
        return err_set(e, ERR_NOT_FOUND, "--user: there is no user %s; make one with: useradd --system %s", out->name,
                       out->name);
    if (found == NULL && !has_group)
        return err_set(e, ERR_NOT_FOUND, "--user: user %s is in no database, so his group is not known; write %s:GROUP",
                       out->name, out->name);
    if (found == NULL)
        return 0;
    out->uid = found->pw_uid;
    take_own_group(found, out);
    return 0;
}

int run_as_find(const char *text, struct run_as *out, struct err *e)
{
    struct str whole = str_of(text);
    size_t colon = str_find(whole, ':');
    struct str name = {whole.p, colon}, group = str_from(whole, colon + 1);
    bool has_group = colon < whole.n;

    *out = (struct run_as){0};
    if (name.n == 0 || name.n >= sizeof(out->name) || group.n >= sizeof(out->group) || (has_group && group.n == 0))
        return err_set(e, ERR_INVALID, "--user: \"%.80s\" is not NAME or NAME:GROUP", text);
    if (find_user(name, has_group, out, e) != 0 || (has_group && find_group(group, out, e) != 0))
        return -1;
    if (out->uid == 0)
        return err_set(e, ERR_INVALID, "--user: %s is root, whose rights are to be given up; name another user",
                       out->name);
    return 0;
}

/* The number alone, or what the user database has for it. A group of root's is no group of his. */
static void name_owner(uid_t uid, gid_t gid, struct run_as *out)
{
    const struct passwd *found = getpwuid(uid);

    *out = (struct run_as){.uid = uid, .gid = gid == 0 && found != NULL ? found->pw_gid : gid};
    if (found != NULL && strlen(found->pw_name) < sizeof(out->name))
        snprintf(out->name, sizeof(out->name), "%s", found->pw_name);
    else
        snprintf(out->name, sizeof(out->name), "%u", (unsigned)uid);
    snprintf(out->group, sizeof(out->group), "%u", (unsigned)out->gid);
}

/* ---- become him ---- */

static int become(const struct run_as *user, struct err *e)
{
    if ((getpwnam(user->name) != NULL ? initgroups(user->name, user->gid) : setgroups(1, &user->gid)) != 0)
        return err_errno(e, "groups of %s", user->name);
    if (setresgid(user->gid, user->gid, user->gid) != 0)
        return err_errno(e, "become group %s", user->group);
    if (setresuid(user->uid, user->uid, user->uid) != 0)
        return err_errno(e, "become %s", user->name);
    if (setuid(0) == 0)
        return err_set(e, ERR_IO, "the kernel lets %s become root again", user->name);
    return 0;
}

int run_as_become(const struct run_as *user, struct err *e)
{
    if (geteuid() == user->uid && getegid() == user->gid)
        return 0;
    if (geteuid() != 0)
        return err_set(e, ERR_DENIED, "--user: only root can become %s; start as root, or as %s without --user",
                       user->name, user->name);
    return become(user, e) == 0 ? 0 : err_wrap(e, "--user");
}

int run_as_become_keeping(const struct run_as *user, struct err *e)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return err_errno(e, "PR_SET_KEEPCAPS");
    return become(user, e);
}

int run_as_owner(uid_t uid, gid_t gid, bool takes_files, struct run_as *owner, struct err *e)
{
    uint64_t kept = 1ULL << CAP_DAC_READ_SEARCH | (takes_files ? 1ULL << CAP_FOWNER : 0);

    name_owner(uid, gid, owner);
    return run_as_become_keeping(owner, e) == 0 ? harden_keep(kept, e) : -1;
}

/* ---- may he ---- */

/* With the rights that opening has: access() would leave out capabilities. */
static bool may(const char *path, int what)
{
    return faccessat(AT_FDCWD, path, what, AT_EACCESS) == 0;
}

/* Shells take what is between single quotes as it is, but for one. A path with one is told without quotes. */
static const char *quoted(const char *path, char out[PATH_MAX + 3])
{
    bool plain = str_has_only(str_of(path), STR("/._-+:@%,")) || strchr(path, '\'') != NULL;

    snprintf(out, PATH_MAX + 3, plain ? "%s" : "'%s'", path);
    return out;
}

/* The first directory on the way to `path` that cannot be entered, into `out`; false when all can. */
static bool find_closed(const char *path, char out[PATH_MAX])
{
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash - path >= PATH_MAX)
            return false;
        snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
        if (!may(out, X_OK) && errno == EACCES)
            return true;
    }
    return false;
}

static int check_readable(const struct run_as *user, const char *key, const char *path, struct err *e)
{
    char closed[PATH_MAX], name[PATH_MAX + 3];

    if (path == NULL || may(path, R_OK) || errno != EACCES)
        return 0;
    if (find_closed(path, closed))
        return err_set(e, ERR_DENIED, "%s: user %s may not enter %s; run: chgrp %s %s && chmod g+x %s", key, user->name,
                       closed, user->group, quoted(closed, name), name);
    return err_set(e, ERR_DENIED, "%s: user %s may not read %s; run: chgrp %s %s && chmod g+r %s", key, user->name,
                   path, user->group, quoted(path, name), name);
}

static int check_list(const struct run_as *user, const char *key, const struct config_list *list, struct err *e)
{
    for (size_t i = 0; i < list->n; i++)
        if (check_readable(user, key, list->items[i], e) != 0)
            return -1;
    return 0;
}

/* May he make `path`, which does not exist? */
static int check_makeable(const struct run_as *user, const char *key, const char *path, bool is_directory,
                          struct err *e)
{
    char parent[PATH_MAX], name[PATH_MAX + 3];
    char *slash;

    if ((size_t)snprintf(parent, sizeof(parent), "%s", path) >= sizeof(parent))
        return 0; /* whoever opens it complains */
    do {
        slash = strrchr(parent, '/');
        if (slash == NULL)
            return 0;
        slash[slash == parent] = '\0';
    } while (!may(parent, F_OK) && errno == ENOENT && strcmp(parent, "/") != 0);
    if (may(parent, W_OK | X_OK))
        return 0;
    if (!is_directory)
        return err_set(e, ERR_DENIED, "%s: user %s may not make %s; run: chgrp %s %s && chmod g+wx %s", key, user->name,
                       path, user->group, quoted(parent, name), name);
    return err_set(e, ERR_DENIED, "%s: user %s may not make %s; run: install -d -m 0700 -o %s -g %s %s", key,
                   user->name, path, user->name, user->group, quoted(path, name));
}

int run_as_check_data(const struct run_as *user, const char *root, struct err *e)
{
    static const char *const parts[] = {"",      "/berth.lock",    "/blobs",        "/uploads",
                                        "/meta", "/meta/data.mdb", "/meta/lock.mdb"};
    static const char key[] = "storage.filesystem.rootdirectory";
    char path[PATH_MAX], name[PATH_MAX + 3];

    if (!may(root, F_OK) && errno == ENOENT)
        return check_makeable(user, key, root, true, e);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if ((size_t)snprintf(path, sizeof(path), "%s%s", root, parts[i]) >= sizeof(path))
            return 0;
        if (!may(path, R_OK | W_OK) && errno != ENOENT)
            return err_set(e, ERR_DENIED, "%s: user %s may not write %s; run: chown -R %s:%s %s", key, user->name, path,
                           user->name, user->group, quoted(root, name));
    }
    return 0;
}

/* A log file that is there, or the directory that it is to be made in: it is opened again when it was moved away. */
static int check_log(const struct run_as *user, const char *key, const char *path, struct err *e)
{
    char name[PATH_MAX + 3];

    if (path == NULL || may(path, W_OK))
        return 0;
    if (errno == ENOENT)
        return check_makeable(user, key, path, false, e);
    if (errno != EACCES)
        return 0;
    return err_set(e, ERR_DENIED, "%s: user %s may not write %s; run: chown %s:%s %s", key, user->name, path,
                   user->name, user->group, quoted(path, name));
}

int run_as_check_files(const struct run_as *user, const struct config *config, struct err *e)
{
    const struct {
        const char *key;
        const char *path; /* NULL: not configured */
    } files[] = {
        {"http.tls.certificate", config->tls_certificate}, {"http.tls.key", config->tls_key},
        {"auth.htpasswd.path", config->htpasswd_path},     {"access.file", config->access_file},
        {"http.acme.webroot", config->acme_webroot},
    };

    if (check_log(user, "log.file", config->log_file, e) != 0 ||
        check_log(user, "log.accesslog.file", config->accesslog_file, e) != 0)
        return -1;
    if (config->htpasswd_path != NULL && !may(config->htpasswd_path, F_OK) && errno == ENOENT &&
        check_makeable(user, "auth.htpasswd.path", config->htpasswd_path, false, e) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (check_readable(user, files[i].key, files[i].path, e) != 0)
            return -1;
    return check_list(user, "http.tls.clientcas", &config->client_cas, e) == 0
               ? check_list(user, "http.tls.clientcrls", &config->client_crls, e)
               : -1;
}

int run_as_check(const struct run_as *user, const struct config *config, struct err *e)
{
    return run_as_check_data(user, config->root_directory, e) == 0 ? run_as_check_files(user, config, e) : -1;
}
