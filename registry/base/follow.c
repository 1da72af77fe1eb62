#include "registry/base/follow.h"

#include <stdlib.h>
#include <string.h>

#include "registry/base/file.h"
#include "registry/base/file_stamp.h"
#include "registry/base/log.h"

/* About the bytes last read. */
enum judgement {
    WAITING, /* may be half-written */
    IN_FORCE,
    REFUSED, /* and logged */
};

struct followed {
    char *path;
    const struct follow_kind *kind;
    void *argument;

    struct file_stamp seen; /* absent when the last look or reading failed: whatever is found then is read */
    struct sbuf bytes;      /* last read */
    enum judgement judgement;
    struct err complaint; /* last logged, so that it is logged once; empty when the last reading went well */
};

bool follow_ends_in_newline(struct str bytes)
{
    return bytes.n > 0 && bytes.p[bytes.n - 1] == '\n';
}

struct followed *follow_new(const char *path, const struct follow_kind *kind, void *argument)
{
    struct followed *f = xcalloc(1, sizeof(*f));

    f->path = str_dup(str_of(path));
    f->kind = kind;
    f->argument = argument;
    return f;
}

void follow_free(struct followed **followed)
{
    struct followed *f = *followed;

    if (f == NULL)
        return;
    sbuf_free(&f->bytes);
    free(f->path);
    free(f);
    *followed = NULL;
}

static struct str bytes_of(const struct followed *f)
{
    return (struct str){f->bytes.p, f->bytes.n};
}

/* Read the file into `f->bytes`; `same` says whether they are those read before. On failure the old ones stay. */
static int read_file(struct followed *f, bool *same, struct err *e)
{
    struct sbuf bytes = {0};

    if (file_read(f->path, f->kind->limit, &bytes, e) != 0) {
        sbuf_free(&bytes);
        return -1;
    }
    *same = str_eq((struct str){bytes.p, bytes.n}, bytes_of(f));
    sbuf_free(&f->bytes);
    f->bytes = bytes;
    return 0;
}

int follow_first(struct followed *f, struct err *e)
{
    struct err local = {0};
    bool same;

    e = e == NULL ? &local : e;
    f->judgement = WAITING;
    if (file_stamp_take(f->path, &f->seen, e) != 0 || read_file(f, &same, e) != 0 ||
        f->kind->adopt(f->argument, bytes_of(f), e) != 0)
        return -1;
    f->judgement = IN_FORCE;
    return 0;
}

/* Log what keeps the file from being adopted, unless that was the last thing logged about it. */
static void complain(struct followed *f, const struct err *e)
{
    if (strcmp(f->complaint.text, e->text) != 0)
        log_error("%s: %s; %s", f->kind->what, e->text, f->kind->keeps);
    f->complaint = *e;
}

static bool adopt(struct followed *f)
{
    struct err e = {0};

    if (f->kind->adopt(f->argument, bytes_of(f), &e) != 0) {
        f->judgement = REFUSED;
        complain(f, &e);
        return false;
    }
    f->judgement = IN_FORCE;
    log_info("%s: %s: read again", f->kind->what, f->path);
    return true;
}

static bool finished(const struct followed *f)
{
    return f->kind->finished == NULL || f->kind->finished(bytes_of(f));
}

bool follow_refresh(struct followed *f, bool force)
{
    struct file_stamp now;
    struct err e = {0};
    bool same = false, there = file_stamp_take(f->path, &now, &e) == 0;

    if (there && !force && f->judgement != WAITING && file_stamp_same(&f->seen, &now))
        return false;
    if (!there || read_file(f, &same, &e) != 0) {
        f->seen = (struct file_stamp){0};
        complain(f, &e);
        return false;
    }
    f->complaint.text[0] = '\0';
    f->seen = now;
    if (same && (f->judgement == IN_FORCE || (f->judgement == REFUSED && !force)))
        return false;
    if (!force && !same && !finished(f)) {
        f->judgement = WAITING;
        return false;
    }
    return adopt(f);
}
