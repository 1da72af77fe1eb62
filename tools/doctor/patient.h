/*
 * What the checks of `berth doctor` share: the set-up they look at, and how they tell what they find.
 *
 * A finding is a sentence about what is wrong, and one about what to do. Texts may hold names out of files: they are
 * escaped when they are printed. Secrets are never put into one.
 */
#ifndef BERTH_TOOLS_DOCTOR_PATIENT_H
#define BERTH_TOOLS_DOCTOR_PATIENT_H

#include <limits.h>
#include <sys/stat.h>

/* config */
#include "registry/config/config.h"

/* tools */
#include "tools/doctor/doctor.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct finding {
    const char *check; /* the name of its row */
    enum severity severity;
    char *text;
    char *remedy; /* or NULL */
};

enum { WORD_ROOM = PATH_MAX + 3 };

struct patient {
    const struct doctor_request *request;
    const struct doctor_world *world; /* all of it known */
    struct config *config;            /* NULL: it does not load */
    struct err config_error;
    struct doctor_user user;
    char user_name[64];
    pid_t server;      /* that has the data directory; 0: none is known */
    const char *check; /* under way */
    struct finding *findings;
    size_t n;
};

/* Add a finding; what to do follows by advise(). */
void complain(struct patient *p, enum severity severity, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void advise(struct patient *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A finding from a text "what is wrong; what to do"; `remedy` when it has no second part. */
void complain_of(struct patient *p, enum severity severity, const char *text, const char *remedy);
void patient_free(struct patient *p);

/* Between these the process has the rights of the user who serves, if we may become him. */
void become_user(const struct patient *p);
void become_ourselves(void);
/* May he? `mode` as for access(2). errno says why not. */
bool user_may(const struct patient *p, const char *path, int mode);

/* The first directory on the way to `path` that he cannot enter; false when all let him. */
bool closed_to_user(const struct patient *p, const char *path, char out[PATH_MAX]);
/* An error when he may not read the file; what is not there is no business of this. The remedy names the directory on the
 * way that is closed to him, if one is. */
void check_readable(struct patient *p, const char *path);

/* The path as a word for a shell, in one of a few rooms that are used in turn. */
const char *word(const char *path);
/* The directory that it is in, likewise. */
const char *directory_of(const char *path);
/* The same path with another last part, likewise. */
const char *beside(const char *path, const char *name);

#endif
