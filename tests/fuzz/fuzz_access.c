/*
 * Access rules. A line of input is a word and its text: groups and members, rules with their parts, and callers who
 * ask. g GROUP USER    a member r p|s|a|n TEXT  one more pattern, subject, action or network of the rule under way
 *   + and -         the rule ends: allow or deny
 *   u|c|i TEXT      the caller's name, certificate, address
 *   d NAME          a repository that is asked for, in every action
 * Every pattern, network, subject and action is parsed by itself as well.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "auth/access.h"
#include "registry/base/pattern.h"
#include "storage/reference.h"

enum { ITEMS_MAX = 16 };

struct items {
    struct str items[ITEMS_MAX];
    size_t n;
};

struct run {
    struct access *access;
    struct items patterns, subjects, actions, networks;
    struct access_caller caller;
};

static void try_pattern(struct str text, struct str name)
{
    struct pattern pattern;
    struct err e = {0};

    if (pattern_parse(text, &pattern, &e) != 0) {
        HOLDS(e.code == ERR_INVALID && e.text[0] != '\0' && pattern.n == 0);
        HOLDS(!repository_name_valid(text));
        return;
    }
    HOLDS(text.n > 0 && text.n <= PATTERN_MAX);
    /* Without stars and the user's name a pattern is a name, and matches nothing else. */
    if (str_find(text, '*') == text.n && str_find(text, '$') == text.n)
        HOLDS(repository_name_valid(text) && pattern_matches(&pattern, STR(""), text));
    if (pattern_is_all(&pattern) && name.n > 0)
        HOLDS(pattern_matches(&pattern, STR(""), name));
    if (!pattern_possible(&pattern, STR("")))
        HOLDS(!pattern_matches(&pattern, STR(""), name));
    pattern_clear(&pattern);
}

static void try_network(struct str text)
{
    struct network network;
    struct network_address address;
    struct err e = {0};

    if (network_parse(text, &network, &e) != 0) {
        HOLDS(e.code == ERR_INVALID && e.text[0] != '\0' && !network_address_parse(text, &address));
        return;
    }
    HOLDS(network.prefix <= 128 && text.n < 64);
    if (network_address_parse(text, &address))
        HOLDS(network.prefix == 128 && network_contains(&network, &address));
}

static void add(struct items *to, struct str text)
{
    if (to->n < ITEMS_MAX)
        to->items[to->n++] = text;
}

static struct access_list list(const struct items *from)
{
    return (struct access_list){from->items, from->n};
}

static void add_part(struct run *run, struct str line)
{
    struct str kind = fuzz_field(&line, ' ');

    switch (kind.n == 1 ? kind.p[0] : '\0') {
    case 'p':
        try_pattern(line, STR("team/app"));
        add(&run->patterns, line);
        break;
    case 's':
        add(&run->subjects, line);
        break;
    case 'a':
        add(&run->actions, line);
        break;
    case 'n':
        try_network(line);
        add(&run->networks, line);
        break;
    default:
        break;
    }
}

static void end_rule(struct run *run, bool deny)
{
    struct access_rule rule = {
        list(&run->patterns), list(&run->subjects), list(&run->actions), list(&run->networks), deny, STR("rules")};
    size_t before = access_rule_count(run->access);
    struct err e = {0};

    if (access_add_rule(run->access, &rule, &e) == 0)
        HOLDS(access_rule_count(run->access) == before + 1);
    else
        HOLDS(access_rule_count(run->access) == before && str_starts(str_of(e.text), STR("rules: ")));
    run->patterns.n = run->subjects.n = run->actions.n = run->networks.n = 0;
}

static void build(struct run *run, struct str text)
{
    while (text.n > 0) {
        struct str line = fuzz_field(&text, '\n'), word = fuzz_field(&line, ' ');

        if (str_eq(word, STR("r")))
            add_part(run, line);
        else if (str_eq(word, STR("+")) || str_eq(word, STR("-")))
            end_rule(run, word.p[0] == '-');
        else if (str_eq(word, STR("g"))) {
            struct str group = fuzz_field(&line, ' ');

            access_add_member(run->access, group, line, NULL);
        }
    }
}

/* The rule that decided matches, none before it does, and what is allowed is possible. */
static void check_decision(const struct run *run, enum access_action action, struct str repository)
{
    struct access_decision decision = access_decide(run->access, &run->caller, action, repository);
    struct sbuf line = {0};

    HOLDS(decision.rule <= access_rule_count(run->access));
    HOLDS(!decision.allowed || (decision.rule > 0 && access_possible(run->access, &run->caller, action)));
    for (size_t i = 1; i <= access_rule_count(run->access) && (decision.rule == 0 || i < decision.rule); i++)
        HOLDS(access_mismatch(run->access, i, &run->caller, action, repository) != 0);
    if (decision.rule > 0)
        HOLDS(access_mismatch(run->access, decision.rule, &run->caller, action, repository) == 0);
    access_describe(run->access, decision.rule, &line);
    HOLDS(line.n > 0);
    sbuf_free(&line);
}

static void ask(struct run *run, struct str text)
{
    while (text.n > 0) {
        struct str line = fuzz_field(&text, '\n'), word = fuzz_field(&line, ' ');

        if (str_eq(word, STR("u")))
            run->caller.user = line;
        else if (str_eq(word, STR("c")))
            run->caller.certificate = line;
        else if (str_eq(word, STR("i")))
            network_address_parse(line, &run->caller.address);
        else if (str_eq(word, STR("d")))
            for (int i = 0; i < ACCESS_ACTION_COUNT; i++)
                check_decision(run, (enum access_action)i, line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_text(data, size);
    struct run run = {.access = access_new(), .caller = {STR(""), STR(""), {0}}};
    struct err e = {0};

    build(&run, text);
    if (access_finish(run.access, &e) == 0)
        ask(&run, text);
    else
        HOLDS(e.code == ERR_INVALID && str_starts(str_of(e.text), STR("rules: subject")));
    access_free(&run.access);
    HOLDS(run.access == NULL);
    return 0;
}
