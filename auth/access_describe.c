#include "auth/access_internal.h"

static const struct {
    enum access_part part;
    struct str name;
} parts_of_rule[] = {
    {ACCESS_PART_REPOSITORY, STR("repository")},
    {ACCESS_PART_SUBJECT, STR("subject")},
    {ACCESS_PART_ACTION, STR("action")},
    {ACCESS_PART_NETWORK, STR("network")},
};

static void put_item(struct sbuf *out, bool first, struct str item)
{
    sbuf_str(out, first ? STR("") : STR(", "));
    sbuf_str(out, item);
}

static void put_actions(const struct access_entry *entry, struct sbuf *out)
{
    bool first = true;

    if (entry->actions == (1U << ACCESS_ACTION_COUNT) - 1) {
        sbuf_str(out, STR("everything"));
        return;
    }
    for (unsigned i = 0; i < ACCESS_ACTION_COUNT; i++) {
        if ((entry->actions >> i & 1) == 0)
            continue;
        put_item(out, first, str_of(access_action_name((enum access_action)i)));
        first = false;
    }
}

void access_describe(const struct access *access, size_t rule, struct sbuf *out)
{
    const struct access_entry *entry;

    if (rule == 0) {
        sbuf_str(out, STR("no rule matches"));
        return;
    }
    entry = &access->rules[rule - 1];
    sbuf_str(out, entry->origin);
    sbuf_str(out, entry->deny ? STR(": deny ") : STR(": allow "));
    put_actions(entry, out);
    sbuf_str(out, entry->pattern_count == 0 ? STR(" on every repository") : STR(" on "));
    for (size_t i = 0; i < entry->pattern_count; i++)
        put_item(out, i == 0, str_of(entry->patterns[i].text));
    sbuf_str(out, STR(" for "));
    for (size_t i = 0; i < entry->subject_count; i++)
        put_item(out, i == 0, entry->subjects[i].text);
    sbuf_str(out, entry->network_count == 0 ? STR("") : STR(" from "));
    for (size_t i = 0; i < entry->network_count; i++)
        put_item(out, i == 0, entry->networks[i].text);
}

void access_describe_parts(unsigned parts, struct sbuf *out)
{
    bool first = true;

    for (size_t i = 0; i < sizeof(parts_of_rule) / sizeof(parts_of_rule[0]); i++) {
        if ((parts & parts_of_rule[i].part) == 0)
            continue;
        put_item(out, first, parts_of_rule[i].name);
        first = false;
    }
}

void access_each_user(const struct access *access, void (*visit)(void *context, struct str origin, struct str user),
                      void *context)
{
    for (size_t i = 0; i < access->rule_count; i++) {
        const struct access_entry *entry = &access->rules[i];

        for (size_t k = 0; k < entry->subject_count; k++)
            if (entry->subjects[k].kind == ACCESS_SUBJECT_USER)
                visit(context, entry->origin, entry->subjects[k].name);
    }
    for (size_t i = 0; i < access->member_count; i++)
        visit(context, access->members[i].group, access->members[i].user);
}
