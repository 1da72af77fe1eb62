#include "tools/doctor/patient.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- findings ---- */

static char *format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *format(const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        abort(); /* out of memory, as xmalloc() has it */
    return text;
}

static struct finding *add(struct patient *p, enum severity severity)
{
    p->findings = xrealloc(p->findings, (p->n + 1) * sizeof(*p->findings));
    p->findings[p->n] = (struct finding){.check = p->check, .severity = severity};
    return &p->findings[p->n++];
}

void complain(struct patient *p, enum severity severity, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(p, severity)->text = format(fmt, ap);
    va_end(ap);
}

void advise(struct patient *p, const char *fmt, ...)
{
    struct finding *last = &p->findings[p->n - 1];
    va_list ap;

    va_start(ap, fmt);
    free(last->remedy);
    last->remedy = format(fmt, ap);
    va_end(ap);
}

void complain_of(struct patient *p, enum severity severity, const char *text, const char *remedy)
{
    const char *second = strstr(text, "; ");

    complain(p, severity, "%.*s", second == NULL ? (int)strlen(text) : (int)(second - text), text);
    if (second != NULL)
        advise(p, "%s", second + 2);
    else if (remedy != NULL)
        advise(p, "%s", remedy);
}

void patient_free(struct patient *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->findings[i].text);
        free(p->findings[i].remedy);
    }
    free(p->findings);
    p->findings = NULL;
    p->n = 0;
    config_free(&p->config);
}

/* ---- the user who serves ---- */

static gid_t *our_groups;
static int our_group_count = -1;

/* Capabilities go with the effective user and come back with it. */
void become_user(const struct patient *p)
{
    if (geteuid() != 0 || p->user.uid == 0)
        return;
    our_group_count = getgroups(0, NULL);
    if (our_group_count < 0)
        return;
    our_groups = xcalloc((size_t)our_group_count + 1, sizeof(gid_t));
    our_group_count = getgroups(our_group_count, our_groups);
    if (initgroups(p->user.name, p->user.gid) != 0 || setegid(p->user.gid) != 0 || seteuid(p->user.uid) != 0)
        become_ourselves();
}

void become_ourselves(void)
{
    if (our_group_count < 0)
        return;
    if (seteuid(getuid()) != 0 || setegid(getgid()) != 0 || setgroups((size_t)our_group_count, our_groups) != 0)
        abort(); /* going on as somebody else would tell of another world */
    free(our_groups);
    our_groups = NULL;
    our_group_count = -1;
}

bool user_may(const struct patient *p, const char *path, int mode)
{
    bool may;
    int why;

    become_user(p);
    may = faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
    why = errno;
    become_ourselves();
    errno = why;
    return may;
}

bool closed_to_user(const struct patient *p, const char *path, char out[PATH_MAX])
{
    char whole[PATH_MAX];

    if (realpath(path, whole) == NULL)
        return false;
    for (const char *slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(out, PATH_MAX, "%.*s", (int)(slash - whole), whole);
        if (!user_may(p, out, X_OK) && errno == EACCES)
            return true;
    }
    return false;
}

void check_readable(struct patient *p, const char *path)
{
    char closed[PATH_MAX];

    if (user_may(p, path, R_OK) || errno != EACCES)
        return;
    complain(p, SEVERITY_ERROR, "user %s, who serves, may not read %s", p->user.name, path);
    if (closed_to_user(p, path, closed))
        advise(p, "chgrp %u %s && chmod g+x %s", (unsigned)p->user.gid, word(closed), word(closed));
    else
        advise(p, "chgrp %u %s && chmod g+r %s", (unsigned)p->user.gid, word(path), word(path));
}

/* ---- paths ---- */

static char *next_room(void)
{
    static char rooms[6][WORD_ROOM];
    static size_t last;

    last = (last + 1) % (sizeof(rooms) / sizeof(rooms[0]));
    return rooms[last];
}

/* Shells take what is between single quotes as it is, but for one. */
const char *word(const char *path)
{
    bool plain = str_has_only(str_of(path), STR("/._-+:@%,")) || strchr(path, '\'') != NULL;
    char *out = next_room();

    snprintf(out, WORD_ROOM, plain ? "%s" : "'%s'", path);
    return out;
}

const char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *out = next_room();

    if (slash == NULL)
        snprintf(out, WORD_ROOM, ".");
    else
        snprintf(out, WORD_ROOM, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return out;
}

const char *beside(const char *path, const char *name)
{
    const char *directory = directory_of(path);
    char *out = next_room();

    snprintf(out, WORD_ROOM, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
    return out;
}
