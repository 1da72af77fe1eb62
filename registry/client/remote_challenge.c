#include "registry/client/remote_challenge.h"

#include <string.h>

static bool is_end(struct str s)
{
    return s.n == 0;
}

static void skip_blanks(struct str *s)
{
    while (!is_end(*s) && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == ','))
        *s = str_from(*s, 1);
}

/* Up to one of `ends`, or the end. */
static struct str take_until(struct str *s, const char *ends)
{
    struct str taken = {s->p, 0};

    while (taken.n < s->n && s->p[taken.n] != '\0' && strchr(ends, s->p[taken.n]) == NULL)
        taken.n++;
    *s = str_from(*s, taken.n);
    return taken;
}

/* A parameter's value without its quotes; false when it does not fit, does not end, or holds what no text has. */
static bool take_value(struct str *s, char out[CHALLENGE_PARAMETER_MAX])
{
    bool quoted = !is_end(*s) && s->p[0] == '"';
    size_t n = 0, i = quoted ? 1 : 0;

    for (; i < s->n && (quoted ? s->p[i] != '"' : strchr(" \t,", s->p[i]) == NULL); i++) {
        if (quoted && s->p[i] == '\\' && i + 1 < s->n)
            i++;
        if ((unsigned char)s->p[i] < ' ' || s->p[i] == 0x7f || n + 1 == CHALLENGE_PARAMETER_MAX)
            return false;
        out[n++] = s->p[i];
    }
    out[n] = '\0';
    if (quoted && i == s->n)
        return false;
    *s = str_from(*s, quoted ? i + 1 : i);
    return true;
}

/* The parameters of one challenge; stops before the next scheme, which no "=" follows. */
static bool take_parameters(struct str *s, struct remote_challenge *bearer)
{
    char ignored[CHALLENGE_PARAMETER_MAX];

    for (;;) {
        struct str ahead = *s, name;
        char *into = ignored;

        skip_blanks(&ahead);
        name = take_until(&ahead, " \t,=\"");
        while (!is_end(ahead) && (ahead.p[0] == ' ' || ahead.p[0] == '\t'))
            ahead = str_from(ahead, 1);
        if (!str_is_token(name) || is_end(ahead) || ahead.p[0] != '=')
            return true;
        ahead = str_trim(str_from(ahead, 1));
        if (bearer != NULL && str_eq_nocase(name, STR("realm")))
            into = bearer->realm;
        else if (bearer != NULL && str_eq_nocase(name, STR("service")))
            into = bearer->service;
        if (!take_value(&ahead, into))
            return false;
        *s = ahead;
    }
}

void remote_challenge_parse(struct str field, struct remote_challenge *out)
{
    *out = (struct remote_challenge){0};
    for (;;) {
        struct str scheme;
        bool bearer;

        skip_blanks(&field);
        scheme = take_until(&field, " \t,");
        if (!str_is_token(scheme))
            break;
        bearer = str_eq_nocase(scheme, STR("bearer")) && !out->bearer;
        if (!take_parameters(&field, bearer ? out : NULL)) {
            if (bearer)
                out->realm[0] = out->service[0] = '\0';
            break;
        }
        out->basic = out->basic || str_eq_nocase(scheme, STR("basic"));
        out->bearer = out->bearer || (bearer && out->realm[0] != '\0');
    }
}
