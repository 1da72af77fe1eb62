/* The configuration: does a server take it, and who could change it? */
#include "tools/doctor/checks.h"

#include <unistd.h>

/* base */
#include "registry/base/log.h"

static void take_warning(void *context, enum log_level level, const char *message)
{
    if (level == LOG_LEVEL_WARN || level == LOG_LEVEL_ERROR)
        complain_of(context, SEVERITY_WARNING, message, "correct it, or leave it out");
}

/* What the server would only log comes as findings, too: unknown variables with the nearest, settings without effect. */
void check_configuration(struct patient *p)
{
    log_divert(take_warning, p);
    p->config = config_load(p->request->config, p->request->environment, &p->config_error);
    log_divert(NULL, NULL);
    if (p->config == NULL)
        complain_of(p, SEVERITY_ERROR, p->config_error.text, "berth config keys tells of all keys");
}

void check_configuration_file(struct patient *p)
{
    const char *path = p->config->source;
    struct stat st, directory;

    if (path == NULL || stat(path, &st) != 0)
        return;
    if ((st.st_mode & S_IWOTH) != 0) {
        complain(p, SEVERITY_ERROR, "everybody on this machine may change %s, and so who may log in", path);
        advise(p, "chmod o-w %s", word(path));
    }
    if (st.st_uid != 0 && st.st_uid != p->user.uid && st.st_uid != geteuid()) {
        complain(p, SEVERITY_WARNING, "%s belongs to user %u, who neither serves nor is root", path,
                 (unsigned)st.st_uid);
        advise(p, "chown root %s", word(path));
    }
    if (stat(directory_of(path), &directory) == 0 && (directory.st_mode & S_IWOTH) != 0 &&
        (directory.st_mode & S_ISVTX) == 0) {
        complain(p, SEVERITY_ERROR, "everybody on this machine may replace %s: its directory is open to all", path);
        advise(p, "chmod o-w %s", word(directory_of(path)));
    }
    check_readable(p, path);
}
