#include "registry/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum err_code code_from_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EAGAIN:
        return ERR_BUSY;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ERR_EXHAUSTED;
    default:
        return ERR_IO;
    }
}

static void mark_if_cut(struct err *e, int wanted)
{
    static const char ellipsis[] = "…";

    if (wanted >= ERR_TEXT_MAX)
        memcpy(e->text + ERR_TEXT_MAX - sizeof(ellipsis), ellipsis, sizeof(ellipsis));
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    e->code = code;
    va_start(ap, fmt);
    mark_if_cut(e, vsnprintf(e->text, sizeof(e->text), fmt, ap));
    va_end(ap);
    return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
    int number = errno;
    char what[ERR_TEXT_MAX];
    char reason[128];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(e, code_from_errno(number), "%s: %s", what, strerror_r(number, reason, sizeof(reason)));
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char context[ERR_TEXT_MAX];
    char inner[ERR_TEXT_MAX];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
    memcpy(inner, e->text, sizeof(inner));
    return err_set(e, e->code, "%s: %s", context, inner);
}
