#include "auth/access_internal.h"

#include <stdlib.h>

/* base */
#include "registry/base/quote.h"

enum { GROUPS_SHOWN = 5 };

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int by_user_and_group(const void *a, const void *b)
{
    const struct access_member *x = a, *y = b;
    int order = str_cmp(x->user, y->user);

    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static void sort_groups(struct access *access)
{
    size_t kept = 0;

    if (access->group_count > 0)
        qsort(access->groups, access->group_count, sizeof(*access->groups), by_name);
    for (size_t i = 0; i < access->group_count; i++)
        if (kept == 0 || !str_eq(access->groups[kept - 1], access->groups[i]))
            access->groups[kept++] = access->groups[i];
    access->group_count = kept;
}

/* False when there is no such group. */
static bool find_group(const struct access *access, struct str name, size_t *id)
{
    const struct str *found = NULL;

    if (access->group_count > 0)
        found = bsearch(&name, access->groups, access->group_count, sizeof(*access->groups), by_name);
    if (found == NULL)
        return false;
    *id = (size_t)(found - access->groups);
    return true;
}

static void sort_members(struct access *access)
{
    struct access_member *members = access->members;
    size_t kept = 0;

    for (size_t i = 0; i < access->member_count; i++)
        find_group(access, members[i].group, &members[i].id);
    if (access->member_count > 0)
        qsort(members, access->member_count, sizeof(*members), by_user_and_group);
    for (size_t i = 0; i < access->member_count; i++)
        if (kept == 0 || by_user_and_group(&members[kept - 1], &members[i]) != 0)
            members[kept++] = members[i];
    access->member_count = kept;
}

static int refuse_group(const struct access *access, struct str subject, struct err *e)
{
    struct sbuf known = {0};
    char quoted[QUOTE_MAX];

    for (size_t i = 0; i < access->group_count && i < GROUPS_SHOWN; i++) {
        sbuf_str(&known, i > 0 ? STR(", @") : STR("@"));
        sbuf_str(&known, access->groups[i]);
    }
    if (access->group_count > GROUPS_SHOWN)
        sbuf_printf(&known, " and %zu more", access->group_count - GROUPS_SHOWN);
    if (access->group_count == 0)
        err_set(e, ERR_INVALID, "subject %s: there are no groups; make this one, or write the names of its users",
                quote(subject, quoted));
    else
        err_set(e, ERR_INVALID, "subject %s: there is no such group; there are %s", quote(subject, quoted),
                sbuf_text(&known));
    sbuf_free(&known);
    return -1;
}

static int resolve(const struct access *access, struct access_entry *entry, struct err *e)
{
    for (size_t i = 0; i < entry->subject_count; i++) {
        struct access_subject *subject = &entry->subjects[i];

        if (subject->kind != ACCESS_SUBJECT_GROUP || find_group(access, subject->name, &subject->group))
            continue;
        refuse_group(access, subject->text, e);
        return err_wrap(e, "%.*s", (int)(entry->origin.n < ACCESS_ORIGIN_SHOWN ? entry->origin.n : ACCESS_ORIGIN_SHOWN),
                        entry->origin.p);
    }
    return 0;
}

int access_finish(struct access *access, struct err *e)
{
    if (access->finished)
        return err_set(e, ERR_INVALID, "these access rules are finished already");
    sort_groups(access);
    sort_members(access);
    for (size_t i = 0; i < access->rule_count; i++)
        if (resolve(access, &access->rules[i], e) != 0)
            return -1;
    access->finished = true;
    return 0;
}

static const struct {
    struct str name;
    bool anonymous_pull;
} presets[] = {
    {STR("authenticated"), false},
    {STR("anonymous-pull"), true},
};

static int add_preset(struct access *access, struct str subject, struct access_list actions, struct str name,
                      struct err *e)
{
    struct access_rule rule = {.subjects = {&subject, 1}, .actions = actions};
    struct sbuf origin = {0};
    int done;

    sbuf_printf(&origin, "preset %.*s", (int)name.n, name.p);
    rule.origin = (struct str){origin.p, origin.n};
    done = access_add_rule(access, &rule, e);
    sbuf_free(&origin);
    return done;
}

struct access *access_preset(struct str name, struct err *e)
{
    static const struct str pull = STR("pull");
    char quoted[QUOTE_MAX];

    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        struct access *access;

        if (!str_eq(name, presets[i].name))
            continue;
        access = access_new();
        if ((!presets[i].anonymous_pull ||
             add_preset(access, STR("anonymous"), (struct access_list){&pull, 1}, name, e) == 0) &&
            add_preset(access, STR("authenticated"), (struct access_list){0}, name, e) == 0 &&
            access_finish(access, e) == 0)
            return access;
        access_free(&access);
        return NULL;
    }
    err_set(e, ERR_INVALID, "there is no preset %s; write \"authenticated\" or \"anonymous-pull\"",
            quote(name, quoted));
    return NULL;
}
