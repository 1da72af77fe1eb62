#include "auth/access_internal.h"

/* auth */
#include "auth/htpasswd.h"

/* base */
#include "registry/base/quote.h"

enum { NAME_MAX_BYTES = HTPASSWD_NAME_MAX }; /* of certificates, too: no longer one names a user */

static const struct {
    struct str word;
    enum access_subject_kind kind;
} keywords[] = {
    {STR("anonymous"), ACCESS_SUBJECT_ANONYMOUS},
    {STR("authenticated"), ACCESS_SUBJECT_AUTHENTICATED},
};

/* What stands in front of a colon. */
static const struct {
    struct str word;
    enum access_subject_kind kind;
} forms[] = {
    {STR("user"), ACCESS_SUBJECT_USER},
    {STR("certificate"), ACCESS_SUBJECT_CERTIFICATE},
};

/* What people write where they mean a form. */
static const struct {
    struct str word;
    const char *meant;
} slips[] = {
    {STR("group"), "@"},
    {STR("cert"), "certificate:"},
    {STR("cn"), "certificate:"},
    {STR("username"), "user:"},
};

/* `what` as in "group": 1 to NAME_MAX_BYTES bytes, no control characters, no blanks at an end. */
static int check_name(const char *what, struct str name, struct err *e)
{
    if (name.n == 0)
        return err_set(e, ERR_INVALID, "the name of the %s is empty", what);
    if (name.n > NAME_MAX_BYTES)
        return err_set(e, ERR_INVALID, "the name of the %s has %zu bytes; %d are allowed", what, name.n,
                       NAME_MAX_BYTES);
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return err_set(e, ERR_INVALID, "the name of the %s has a control character in it", what);
    if (!str_eq(str_trim(name), name))
        return err_set(e, ERR_INVALID, "the name of the %s has a blank at an end", what);
    return 0;
}

int access_group_check(struct str name, struct err *e)
{
    char quoted[QUOTE_MAX], advice[QUOTE_MAX];

    if (name.n > 1 && name.p[0] == '@')
        return err_set(e, ERR_INVALID, "group %s: the \"@\" is written in rules only; write %s here",
                       quote(name, quoted), quote(str_from(name, 1), advice));
    if (check_name("group", str_eq(name, STR("@")) ? STR("") : name, e) != 0)
        return err_wrap(e, "group %s", quote(name, quoted));
    return 0;
}

static int check(const struct access_subject *subject, struct err *e)
{
    if (subject->kind == ACCESS_SUBJECT_USER)
        return htpasswd_check_name(subject->name, e);
    if (subject->kind == ACCESS_SUBJECT_CERTIFICATE)
        return check_name("certificate", subject->name, e);
    return check_name("group", subject->name, e);
}

/* "anonymous" and "authenticated"; 1 for everything else. In other letters it could be either, so it is neither. */
static int parse_keyword(struct str text, struct access_subject *out, struct err *e)
{
    char quoted[QUOTE_MAX];

    if (str_eq(text, STR("*")) || str_eq(text, STR("**")))
        return err_set(
            e, ERR_INVALID,
            "%s stands for repositories; write \"authenticated\" for everybody who logged in, or \"anonymous\" "
            "for everybody",
            quote(text, quoted));
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (!str_eq_nocase(text, keywords[i].word))
            continue;
        if (!str_eq(text, keywords[i].word))
            return err_set(e, ERR_INVALID, "write \"%s\", or \"user:%.*s\" for a user of that name", keywords[i].word.p,
                           (int)text.n, text.p);
        out->kind = keywords[i].kind;
        return 0;
    }
    return 1;
}

/* FORM:NAME. User names have no colon, so there is no other reading. */
static int parse_form(struct str text, size_t colon, struct access_subject *out, struct err *e)
{
    struct str word = {text.p, colon}, name = str_from(text, colon + 1);
    struct sbuf meant = {0};
    char advice[QUOTE_MAX];

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!str_eq(word, forms[i].word))
            continue;
        out->kind = forms[i].kind;
        out->name = name;
        return 0;
    }
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
        if (!str_eq_nocase(word, slips[i].word))
            continue;
        sbuf_printf(&meant, "%s", slips[i].meant);
        sbuf_str(&meant, name);
        err_set(e, ERR_INVALID, "write %s", quote((struct str){meant.p, meant.n}, advice));
        sbuf_free(&meant);
        return -1;
    }
    return err_set(
        e, ERR_INVALID,
        "a user's name has no \":\" in it; write NAME or user:NAME, @GROUP, certificate:NAME, authenticated or "
        "anonymous");
}

static int parse(struct str text, struct access_subject *out, struct err *e)
{
    size_t colon = str_find(text, ':');
    int found;

    if (text.n > 0 && text.p[0] == '@') {
        out->kind = ACCESS_SUBJECT_GROUP;
        out->name = str_from(text, 1);
        return 0;
    }
    if (colon < text.n)
        return parse_form(text, colon, out, e);
    found = parse_keyword(text, out, e);
    if (found <= 0)
        return found;
    out->kind = ACCESS_SUBJECT_USER;
    out->name = text;
    return 0;
}

int access_subject_parse(struct str text, struct access_subject *out, struct err *e)
{
    char quoted[QUOTE_MAX];

    *out = (struct access_subject){.text = text};
    if (text.n == 0)
        return err_set(
            e, ERR_INVALID,
            "a subject is empty; write NAME or user:NAME, @GROUP, certificate:NAME, authenticated or anonymous");
    if (parse(text, out, e) != 0)
        return err_wrap(e, "subject %s", quote(text, quoted));
    if (out->kind != ACCESS_SUBJECT_ANONYMOUS && out->kind != ACCESS_SUBJECT_AUTHENTICATED && check(out, e) != 0)
        return err_wrap(e, "subject %s", quote(text, quoted));
    return 0;
}
