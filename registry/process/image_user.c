#include "registry/process/image_user.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/process/adopt.h"
#include "registry/base/log.h"
#include "registry/process/harden.h"

static const char variable[] = "BERTH_USER";

#define BIT(capability) (1ULL << (capability))

/* What root of a container needs to become somebody else. */
static const struct {
    int capability;
    const char *name;
} needed[] = {{CAP_SETUID, "SETUID"}, {CAP_SETGID, "SETGID"}};

static const struct {
    uint64_t capabilities;
    const char *name; /* NULL: nothing is kept, and nothing said */
} levels[] = {
    {0, NULL},
    {BIT(CAP_DAC_READ_SEARCH), "CAP_DAC_READ_SEARCH"},
    {BIT(CAP_DAC_OVERRIDE), "CAP_DAC_OVERRIDE, in place of CAP_DAC_READ_SEARCH"},
};

int image_user_find(struct run_as *user, const struct run_as **out, struct err *e)
{
    const char *name = getenv(variable);

    *out = NULL;
    if (name == NULL || name[0] == '\0' || geteuid() != 0)
        return 0;
    if (run_as_find(name, user, e) != 0)
        return err_wrap(e, "%s", variable);
    user->of_image = true;
    *out = user;
    return 0;
}

static int check_rights(const struct run_as *user, uint64_t permitted, struct err *e)
{
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if ((permitted & BIT(needed[i].capability)) == 0)
            return err_set(e, ERR_DENIED,
                           "%s=%s: root of this container may not become another user, CAP_%s is missing; start it as "
                           "one (--user %u:%u), or with --cap-add SETUID --cap-add SETGID, or leave it root's (-e %s=)",
                           variable, user->name, needed[i].name, (unsigned)user->uid, (unsigned)user->gid, variable);
    return 0;
}

/* A directory of somebody else's is not for us to give. */
static int check_data(const struct run_as *user, const char *root, struct err *e)
{
    struct stat st;

    if (run_as_check_data(user, root, e) == 0)
        return 0;
    if (stat(root, &st) != 0 || st.st_uid == 0 || st.st_uid == user->uid)
        return -1;
    return err_set(e, ERR_DENIED,
                   "storage.filesystem.rootdirectory: %s belongs to user %u; start the container as that one "
                   "(--user %u:%u), or run: chown -R %u:%u on it",
                   root, (unsigned)st.st_uid, (unsigned)st.st_uid, (unsigned)st.st_gid, (unsigned)user->uid,
                   (unsigned)user->gid);
}

/* The first level at which he can use what is configured. */
static int find_level(const struct run_as *user, const struct config *config, uint64_t permitted, size_t *level,
                      struct err *e)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if ((levels[i].capabilities & ~permitted) != 0)
            continue;
        if (harden_use(levels[i].capabilities, e) != 0)
            return -1;
        *level = i;
        if (run_as_check_files(user, config, e) == 0)
            return 0;
    }
    return -1;
}

/* To read the tree, and to make hard links to its files. */
static uint64_t takeover_rights(uint64_t permitted)
{
    uint64_t reading = BIT(CAP_DAC_READ_SEARCH);

    return BIT(CAP_FOWNER) | ((permitted & reading) != 0 ? reading : BIT(CAP_DAC_OVERRIDE));
}

static int keep_least(const struct run_as *user, const struct config *config, uint64_t permitted, bool inherits,
                      struct err *e)
{
    uint64_t kept;
    size_t level;

    if (check_data(user, config->root_directory, e) != 0 || find_level(user, config, permitted, &level, e) != 0)
        return -1;
    kept = levels[level].capabilities;
    if (levels[level].name != NULL)
        log_info("user %s keeps %s: configured files are root's", user->name, levels[level].name);
    return harden_keep(kept | (inherits ? permitted & takeover_rights(permitted) : 0), e);
}

int image_user_become(const struct run_as *user, const struct config *config, bool inherits, struct err *e)
{
    uint64_t permitted = harden_permitted();

    if (check_rights(user, permitted, e) != 0)
        return -1;
    if (adopt_directory(config->root_directory, user, e) != 0)
        return err_wrap(e, "storage.filesystem.rootdirectory");
    if (run_as_become_keeping(user, e) != 0)
        return err_wrap(e, "%s", variable);
    return keep_least(user, config, permitted, inherits, e);
}

int image_user_settle(const struct run_as *user, const struct config *config, struct err *e)
{
    return keep_least(user, config, harden_permitted(), false, e);
}
