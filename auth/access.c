#include "auth/access_internal.h"

#include <string.h>

/* Who asks: what the rules need to know about the caller, found once for all of them. */
struct asker {
    const struct access_caller *caller;
    struct str component; /* what ${user} stands for; empty: nothing */
    bool groups_known;    /* the range below is only looked for when a rule names a group */
    const struct access_member *first, *end;
};

static struct asker ask(const struct access_caller *caller)
{
    return (struct asker){
        .caller = caller,
        .component = pattern_component_valid(caller->user) ? caller->user : STR(""),
    };
}

/* The first entry of `user` or of a user behind, or with `past` the first of a user behind. */
static const struct access_member *find_user(const struct access *access, struct str user, bool past)
{
    size_t low = 0, high = access->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(access->members[middle].user, user);

        if (order < 0 || (past && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return access->members + low;
}

static bool in_group(const struct access *access, struct asker *asker, size_t id)
{
    const struct access_member *low, *high;

    if (access->member_count == 0)
        return false;
    if (!asker->groups_known) {
        asker->first = find_user(access, asker->caller->user, false);
        asker->end = find_user(access, asker->caller->user, true);
        asker->groups_known = true;
    }
    for (low = asker->first, high = asker->end; low < high;) {
        const struct access_member *middle = low + (high - low) / 2;

        if (middle->id == id)
            return true;
        if (middle->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The name of a user, group or certificate is never empty, so that it never equals what a caller does not have. */
static bool subject_matches(const struct access *access, const struct access_subject *subject, struct asker *asker)
{
    switch (subject->kind) {
    case ACCESS_SUBJECT_USER:
        return str_eq(subject->name, asker->caller->user);
    case ACCESS_SUBJECT_GROUP:
        return in_group(access, asker, subject->group);
    case ACCESS_SUBJECT_CERTIFICATE:
        return str_eq(subject->name, asker->caller->certificate);
    case ACCESS_SUBJECT_AUTHENTICATED:
        return asker->caller->user.n > 0;
    case ACCESS_SUBJECT_ANONYMOUS:
        return true;
    }
    return false;
}

static bool subjects_match(const struct access *access, const struct access_entry *entry, struct asker *asker)
{
    for (size_t i = 0; i < entry->subject_count; i++)
        if (subject_matches(access, &entry->subjects[i], asker))
            return true;
    return false;
}

static bool networks_match(const struct access_entry *entry, const struct asker *asker)
{
    for (size_t i = 0; i < entry->network_count; i++)
        if (network_contains(&entry->networks[i].network, &asker->caller->address))
            return true;
    return entry->network_count == 0;
}

static bool repositories_match(const struct access_entry *entry, const struct asker *asker, struct str repository)
{
    if (repository.n == 0 || repository.n > PATTERN_NAME_MAX)
        return false;
    for (size_t i = 0; i < entry->pattern_count; i++)
        if (pattern_matches(&entry->patterns[i], asker->component, repository))
            return true;
    return entry->pattern_count == 0;
}

static bool action_matches(const struct access_entry *entry, enum access_action action)
{
    return (entry->actions >> action & 1) != 0;
}

/* Everything but the repository: cheap, and mostly enough to tell that a rule is about others. */
static bool concerns(const struct access *access, const struct access_entry *entry, struct asker *asker,
                     enum access_action action)
{
    return action_matches(entry, action) && networks_match(entry, asker) && subjects_match(access, entry, asker);
}

struct access_decision access_decide(const struct access *access, const struct access_caller *caller,
                                     enum access_action action, struct str repository)
{
    struct asker asker = ask(caller);

    for (size_t i = 0; access->finished && i < access->rule_count; i++) {
        const struct access_entry *entry = &access->rules[i];

        if (concerns(access, entry, &asker, action) && repositories_match(entry, &asker, repository))
            return (struct access_decision){.allowed = !entry->deny, .rule = i + 1};
    }
    return (struct access_decision){0};
}

static bool some_repository(const struct access_entry *entry, const struct asker *asker)
{
    for (size_t i = 0; i < entry->pattern_count; i++)
        if (pattern_possible(&entry->patterns[i], asker->component))
            return true;
    return entry->pattern_count == 0;
}

static bool every_repository(const struct access_entry *entry)
{
    for (size_t i = 0; i < entry->pattern_count; i++)
        if (pattern_is_all(&entry->patterns[i]))
            return true;
    return entry->pattern_count == 0;
}

/* A rule for every repository is the last one that can decide anything. */
void access_view_make(const struct access *access, const struct access_caller *caller, enum access_action action,
                      struct access_view *out)
{
    size_t end = access->finished ? access->rule_count : 0;
    struct asker asker = ask(caller);

    *out = (struct access_view){.access = access, .caller = *caller, .action = action};
    for (out->rest = 0; out->rest < end && out->n < ACCESS_VIEW_RULES; out->rest++) {
        const struct access_entry *entry = &access->rules[out->rest];

        if (!concerns(access, entry, &asker, action))
            continue;
        out->rules[out->n++] = out->rest;
        if (every_repository(entry))
            end = out->rest + 1;
    }
    out->end = end;
}

bool access_view_allows(const struct access_view *view, struct str repository)
{
    struct asker asker = ask(&view->caller);

    for (size_t i = 0; i < view->n; i++) {
        const struct access_entry *entry = &view->access->rules[view->rules[i]];

        if (repositories_match(entry, &asker, repository))
            return !entry->deny;
    }
    for (size_t i = view->rest; i < view->end; i++) {
        const struct access_entry *entry = &view->access->rules[i];

        if (concerns(view->access, entry, &asker, view->action) && repositories_match(entry, &asker, repository))
            return !entry->deny;
    }
    return false;
}

/* The first name, from `name` on, that begins with `prefix`; empty: none does. */
static struct str first_with(struct str prefix, struct str name)
{
    if (str_starts(name, prefix))
        return name;
    return str_cmp(prefix, name) > 0 ? prefix : (struct str){0};
}

/* The same for all that the entry allows; `best` and `room` hold the least so far. False: it is `name`. */
static bool lower_best(const struct access_entry *entry, const struct asker *asker, struct str name, struct str *best,
                       char room[ACCESS_NAME_MAX])
{
    char text[PATTERN_NAME_MAX];

    _Static_assert((int)PATTERN_NAME_MAX == (int)ACCESS_NAME_MAX, "room for any name");
    for (size_t i = 0; i < entry->pattern_count; i++) {
        const struct pattern *pattern = &entry->patterns[i];
        size_t n = pattern_prefix(pattern, asker->component, text);
        struct str first = first_with((struct str){text, n}, name);

        if (first.n == 0 || !pattern_possible(pattern, asker->component))
            continue;
        if (first.p == name.p)
            return false;
        if (best->n > 0 && str_cmp(*best, first) <= 0)
            continue;
        memcpy(room, first.p, first.n);
        *best = (struct str){room, first.n};
    }
    return entry->pattern_count > 0;
}

struct str access_view_from(const struct access_view *view, struct str name, char room[ACCESS_NAME_MAX])
{
    struct asker asker = ask(&view->caller);
    struct str best = {0};

    if (view->rest < view->end)
        return name;
    for (size_t i = 0; i < view->n; i++) {
        const struct access_entry *entry = &view->access->rules[view->rules[i]];

        if (!entry->deny && !lower_best(entry, &asker, name, &best, room))
            return name;
    }
    return best;
}

/* A rule that denies ends the search only when it does so everywhere; others leave room for those behind them. */
bool access_possible(const struct access *access, const struct access_caller *caller, enum access_action action)
{
    struct asker asker = ask(caller);

    for (size_t i = 0; access->finished && i < access->rule_count; i++) {
        const struct access_entry *entry = &access->rules[i];

        if (concerns(access, entry, &asker, action) &&
            (entry->deny ? every_repository(entry) : some_repository(entry, &asker)))
            return !entry->deny;
    }
    return false;
}

bool access_opens_without_login(const struct access *access)
{
    for (size_t i = 0; access->finished && i < access->rule_count; i++) {
        const struct access_entry *entry = &access->rules[i];

        for (size_t s = 0; s < entry->subject_count && !entry->deny; s++)
            if (entry->subjects[s].kind == ACCESS_SUBJECT_ANONYMOUS)
                return true;
    }
    return false;
}

size_t access_rule_count(const struct access *access)
{
    return access->rule_count;
}

unsigned access_mismatch(const struct access *access, size_t rule, const struct access_caller *caller,
                         enum access_action action, struct str repository)
{
    const struct access_entry *entry = &access->rules[rule - 1];
    struct asker asker = ask(caller);
    unsigned parts = 0;

    parts |= repositories_match(entry, &asker, repository) ? 0 : ACCESS_PART_REPOSITORY;
    parts |= subjects_match(access, entry, &asker) ? 0 : ACCESS_PART_SUBJECT;
    parts |= action_matches(entry, action) ? 0 : ACCESS_PART_ACTION;
    parts |= networks_match(entry, &asker) ? 0 : ACCESS_PART_NETWORK;
    return parts;
}
