#include "auth/access_internal.h"

#include <stdlib.h>
#include <string.h>

/* base */
#include "registry/base/quote.h"

struct access *access_new(void)
{
    return xcalloc(1, sizeof(struct access));
}

static void free_entry(struct access_entry *entry)
{
    for (size_t i = 0; i < entry->pattern_count; i++)
        pattern_clear(&entry->patterns[i]);
    free(entry->patterns);
    free(entry->subjects);
    free(entry->networks);
}

void access_free(struct access **access)
{
    struct access *a = *access;

    *access = NULL;
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->rule_count; i++)
        free_entry(&a->rules[i]);
    free(a->rules);
    free(a->groups);
    free(a->members);
    while (a->copies != NULL) {
        struct access_copy *next = a->copies->next;

        free(a->copies);
        a->copies = next;
    }
    free(a);
}

static struct str keep(struct access *access, struct str text)
{
    struct access_copy *copy = xmalloc(sizeof(*copy) + text.n);

    copy->next = access->copies;
    access->copies = copy;
    if (text.n > 0)
        memcpy(copy->bytes, text.p, text.n);
    return (struct str){copy->bytes, text.n};
}

/* Room for one more. */
static void *grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = count == 0 ? 16 : 2 * count;
    return xrealloc(items, *room * size);
}

static int refuse_finished(struct err *e)
{
    return err_set(e, ERR_INVALID, "these access rules are finished; nothing can be added");
}

/* The same group comes many times in a row, one member each; access_finish() removes the others that come twice. */
int access_add_group(struct access *access, struct str group, struct err *e)
{
    if (access->finished)
        return refuse_finished(e);
    if (access->group_count > 0 && str_eq(access->groups[access->group_count - 1], group))
        return 0;
    if (access_group_check(group, e) != 0)
        return -1;
    access->groups = grow(access->groups, access->group_count, &access->group_room, sizeof(*access->groups));
    access->groups[access->group_count++] = keep(access, group);
    return 0;
}

static int check_member(struct str user, struct access_subject *out, struct err *e)
{
    char quoted[QUOTE_MAX];

    if (access_subject_parse(user, out, e) != 0)
        return -1;
    if (out->kind == ACCESS_SUBJECT_USER)
        return 0;
    return err_set(
        e, ERR_INVALID,
        "member %s: only users can be members; write NAME or user:NAME here, and the rest beside the group in "
        "the rule",
        quote(user, quoted));
}

int access_add_member(struct access *access, struct str group, struct str user, struct err *e)
{
    struct access_subject subject;
    char quoted[QUOTE_MAX];

    if (access_add_group(access, group, e) != 0)
        return -1;
    if (check_member(user, &subject, e) != 0)
        return err_wrap(e, "group %s", quote(group, quoted));
    access->members = grow(access->members, access->member_count, &access->member_room, sizeof(*access->members));
    access->members[access->member_count++] = (struct access_member){
        .user = keep(access, subject.name),
        .group = access->groups[access->group_count - 1],
    };
    return 0;
}

static int add_patterns(struct access_entry *entry, struct access_list list, struct err *e)
{
    entry->patterns = xcalloc(list.n + 1, sizeof(*entry->patterns));
    for (; entry->pattern_count < list.n; entry->pattern_count++)
        if (pattern_parse(list.items[entry->pattern_count], &entry->patterns[entry->pattern_count], e) != 0)
            return -1;
    return 0;
}

static int add_subjects(struct access *access, struct access_entry *entry, struct access_list list, struct err *e)
{
    if (list.n == 0)
        return err_set(
            e, ERR_INVALID,
            "the rule has no subjects; write \"authenticated\" for everybody who logged in, or \"anonymous\" "
            "for everybody");
    entry->subjects = xcalloc(list.n, sizeof(*entry->subjects));
    for (; entry->subject_count < list.n; entry->subject_count++)
        if (access_subject_parse(keep(access, list.items[entry->subject_count]), &entry->subjects[entry->subject_count],
                                 e) != 0)
            return -1;
    return 0;
}

static int add_actions(struct access_entry *entry, struct access_list list, struct err *e)
{
    enum access_action action;

    if (list.n == 0)
        entry->actions = (1U << ACCESS_ACTION_COUNT) - 1;
    for (size_t i = 0; i < list.n; i++) {
        if (access_action_parse(list.items[i], &action, e) != 0)
            return -1;
        entry->actions |= 1U << action;
    }
    return 0;
}

static int add_networks(struct access *access, struct access_entry *entry, struct access_list list, struct err *e)
{
    entry->networks = xcalloc(list.n + 1, sizeof(*entry->networks));
    for (; entry->network_count < list.n; entry->network_count++) {
        struct access_network *network = &entry->networks[entry->network_count];

        network->text = keep(access, list.items[entry->network_count]);
        if (network_parse(network->text, &network->network, e) != 0)
            return -1;
    }
    return 0;
}

int access_add_rule(struct access *access, const struct access_rule *rule, struct err *e)
{
    struct access_entry entry = {.deny = rule->deny};
    size_t shown = rule->origin.n < ACCESS_ORIGIN_SHOWN ? rule->origin.n : ACCESS_ORIGIN_SHOWN;

    if (access->finished)
        return refuse_finished(e);
    if (add_patterns(&entry, rule->repositories, e) != 0 || add_subjects(access, &entry, rule->subjects, e) != 0 ||
        add_actions(&entry, rule->actions, e) != 0 || add_networks(access, &entry, rule->networks, e) != 0) {
        free_entry(&entry);
        return err_wrap(e, "%.*s", (int)shown, rule->origin.p);
    }
    entry.origin = keep(access, rule->origin);
    access->rules = grow(access->rules, access->rule_count, &access->rule_room, sizeof(*access->rules));
    access->rules[access->rule_count++] = entry;
    return 0;
}
