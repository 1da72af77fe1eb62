#include "registry/process/harden.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry/base/log.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#elif defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

#define BIT(capability) (1ULL << (capability))

static bool may_be_dumped(void)
{
    const char *wish = getenv("BERTH_DUMPABLE");

    return SANITIZED || (wish != NULL && strcmp(wish, "yes") == 0);
}

void harden_dumps(void)
{
    if (prctl(PR_SET_DUMPABLE, may_be_dumped() ? 1 : 0, 0, 0, 0) != 0)
        log_warn("PR_SET_DUMPABLE: %s", strerrordesc_np(errno));
}

void harden_process(void)
{
    struct rlimit none = {0, 0};

    umask(077);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        log_warn("PR_SET_NO_NEW_PRIVS: %s", strerrordesc_np(errno));
    harden_dumps();
    if (may_be_dumped())
        log_info("this process may be traced, and dumped when it crashes, with the secrets it holds");
    else if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn("RLIMIT_CORE: %s", strerrordesc_np(errno));
}

/* ---- capabilities ---- */

/* Does the path, or where it would be made, belong to somebody who is not root? */
static bool is_of_others(const char *path)
{
    char text[PATH_MAX];
    struct stat st;
    char *slash;

    if ((size_t)snprintf(text, sizeof(text), "%s", path) >= sizeof(text))
        return true;
    while (stat(text, &st) != 0) {
        slash = strrchr(text, '/');
        if (errno != ENOENT || slash == NULL || slash == text)
            return false;
        *slash = '\0';
    }
    return st.st_uid != 0;
}

static bool is_in_folder_of_others(const char *file)
{
    char folder[PATH_MAX];
    const char *slash = file == NULL ? NULL : strrchr(file, '/');

    if (slash == NULL || slash == file || slash - file >= (ptrdiff_t)sizeof(folder))
        return false;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
    return is_of_others(folder);
}

struct capabilities {
    struct __user_cap_header_struct head;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int read_capabilities(struct capabilities *all)
{
    *all = (struct capabilities){.head = {.version = _LINUX_CAPABILITY_VERSION_3}};
    return (int)syscall(SYS_capget, &all->head, all->data);
}

static uint32_t half(uint64_t mask, size_t i)
{
    return (uint32_t)(mask >> 32 * i);
}

uint64_t harden_permitted(void)
{
    struct capabilities all;

    return read_capabilities(&all) == 0 ? (uint64_t)all.data[1].permitted << 32 | all.data[0].permitted : 0;
}

int harden_use(uint64_t capabilities, struct err *e)
{
    struct capabilities all;

    if (read_capabilities(&all) != 0)
        return err_errno(e, "capget");
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        all.data[i].effective = all.data[i].permitted & half(capabilities, i);
    return syscall(SYS_capset, &all.head, all.data) == 0 ? 0 : err_errno(e, "capset");
}

int harden_keep(uint64_t capabilities, struct err *e)
{
    struct capabilities all;
    bool too_many = false;

    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if ((capabilities & BIT(c)) == 0 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0 && errno != EPERM)
            return err_errno(e, "drop capability %d", c);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (read_capabilities(&all) != 0)
        return err_errno(e, "capget");
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t mask = half(capabilities, i), effective = all.data[i].effective;

        too_many = too_many || (all.data[i].permitted & ~mask) != 0 || all.data[i].inheritable != 0;
        all.data[i].permitted &= mask;
        all.data[i].effective = all.data[i].permitted;
        all.data[i].inheritable = 0;
        too_many = too_many || effective != all.data[i].effective;
    }
    if (!too_many)
        return 0;
    return syscall(SYS_capset, &all.head, all.data) == 0 ? 0 : err_errno(e, "capset");
}

int harden_capabilities(const struct config *config, struct err *e)
{
    uint64_t kept = BIT(CAP_DAC_READ_SEARCH);

    if (geteuid() != 0)
        return harden_keep(0, e);
    if (is_of_others(config->root_directory) || is_in_folder_of_others(config->htpasswd_path)) {
        log_info("started as root on files of another user; --user would do with fewer rights");
        kept |= BIT(CAP_DAC_OVERRIDE);
    }
    return harden_keep(kept, e);
}
