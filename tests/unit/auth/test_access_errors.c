#include "tests/unit/auth/access_fixture.h"

#include "registry/base/quote.h"

#define FORMS "write NAME or user:NAME, @GROUP, certificate:NAME, authenticated or anonymous"

static const struct {
    struct written_rule rule;
    const char *error;
} rules[] = {
    {{"", "", "", "", false},
     "f:7: the rule has no subjects; write \"authenticated\" for everybody who logged in, or \"anonymous\" for "
     "everybody"},
    {{"Team/*", "ann", "", "", false},
     "f:7: repository pattern \"Team/*\": no repository can have such a name; write \"team/*\""},
    {{"ok **x", "ann", "", "", false},
     "f:7: repository pattern \"**x\": \"**\" is a segment of its own, with nothing else between the slashes; write "
     "\"*x\""},
    {{"", "ann", "read", "", false}, "f:7: there is no action \"read\"; write \"pull\""},
    {{"", "ann", "pull PUSH", "", false}, "f:7: there is no action \"PUSH\"; write \"push\""},
    {{"", "ann", "update", "", false}, "f:7: there is no action \"update\"; write \"overwrite\""},
    {{"", "ann", "*", "", false},
     "f:7: there is no action \"*\"; write pull, push, delete or overwrite, or no actions at all for every one"},
    {{"", "ann", "", "10.0.0.1/8", false}, "f:7: network \"10.0.0.1/8\" has bits behind its prefix; write 10.0.0.0/8"},
    {{"", "*", "", "", false},
     "f:7: subject \"*\": \"*\" stands for repositories; write \"authenticated\" for everybody who logged in, or "
     "\"anonymous\" for everybody"},
    {{"", "Anonymous", "", "", false},
     "f:7: subject \"Anonymous\": write \"anonymous\", or \"user:Anonymous\" for a user of that name"},
    {{"", "ann AUTHENTICATED", "", "", false},
     "f:7: subject \"AUTHENTICATED\": write \"authenticated\", or \"user:AUTHENTICATED\" for a user of that name"},
    {{"", "group:dev", "", "", false}, "f:7: subject \"group:dev\": write \"@dev\""},
    {{"", "CN:box", "", "", false}, "f:7: subject \"CN:box\": write \"certificate:box\""},
    {{"", "a:b", "", "", false}, "f:7: subject \"a:b\": a user's name has no \":\" in it; " FORMS},
    {{"", ":b", "", "", false}, "f:7: subject \":b\": a user's name has no \":\" in it; " FORMS},
    {{"", "user:", "", "", false}, "f:7: subject \"user:\": the user name is empty"},
    {{"", "user:a:b", "", "", false},
     "f:7: subject \"user:a:b\": the user name has a colon or a control character in it"},
    {{"", "#x", "", "", false}, "f:7: subject \"#x\": the user name starts with \"#\" or has a blank at an end"},
    {{"", "certificate:", "", "", false}, "f:7: subject \"certificate:\": the name of the certificate is empty"},
    {{"", "certificate:a\tb", "", "", false},
     "f:7: subject \"certificate:a\\x09b\": the name of the certificate has a control character in it"},
    {{"", "@", "", "", false}, "f:7: subject \"@\": the name of the group is empty"},
};

TEST(rule_errors, "a wrong rule is refused with its origin, the text, and what to write instead; nothing is added")
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct access *access = access_new();
        struct err e = {0};

        CHECK_INT(add_rule(access, &rules[i].rule, "f:7", &e), -1);
        CHECK_TEXT(e.text, rules[i].error);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_INT(access_rule_count(access), 0);
        access_free(&access);
    }
}

TEST(empty_subject, "an empty subject is not a user without a name")
{
    struct access *access = access_new();
    struct str empty = STR("");
    struct access_rule rule = {.subjects = {&empty, 1}, .origin = STR("f:7")};
    struct err e = {0};

    CHECK_INT(access_add_rule(access, &rule, &e), -1);
    CHECK_TEXT(e.text, "f:7: a subject is empty; " FORMS);
    access_free(&access);
}

TEST(names_with_colons, "the name of a certificate may hold colons and blanks; a user's long form may hold \"@\"")
{
    struct access *access = access_new();
    struct str subjects[] = {STR("certificate:spiffe://example/box"), STR("certificate:CN=box, O=Example"),
                             STR("user:@odd"), STR("a b@c")};
    struct access_rule rule = {.subjects = {subjects, 4}, .origin = STR("f:7")};
    static const struct {
        const char *user, *certificate;
        bool allowed;
    } who[] = {{"", "spiffe://example/box", true},
               {"", "CN=box, O=Example", true},
               {"@odd", "", true},
               {"a b@c", "", true},
               {"odd", "", false},
               {"", "spiffe", false}};

    CHECK_INT(access_add_rule(access, &rule, NULL), 0);
    CHECK_INT(access_finish(access, NULL), 0);
    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
        struct access_caller asking = caller(who[i].user, who[i].certificate, "");

        CHECK_INT(access_decide(access, &asking, ACCESS_PULL, STR("a")).allowed, who[i].allowed);
    }
    access_free(&access);
}

static const struct {
    struct str group, user;
    const char *error;
} members[] = {
    {STR("@dev"), STR("ann"), "group \"@dev\": the \"@\" is written in rules only; write \"dev\" here"},
    {STR("@"), STR("ann"), "group \"@\": the name of the group is empty"},
    {STR(""), STR("ann"), "group \"\": the name of the group is empty"},
    {STR(" dev"), STR("ann"), "group \" dev\": the name of the group has a blank at an end"},
    {STR("d\nev"), STR("ann"), "group \"d\\x0aev\": the name of the group has a control character in it"},
    {STR("dev"), STR("@ops"),
     "group \"dev\": member \"@ops\": only users can be members; write NAME or user:NAME here, and the rest beside the "
     "group in the rule"},
    {STR("dev"), STR("certificate:box"),
     "group \"dev\": member \"certificate:box\": only users can be members; write NAME or user:NAME here, and the rest "
     "beside the group in the rule"},
    {STR("dev"), STR("authenticated"),
     "group \"dev\": member \"authenticated\": only users can be members; write NAME or user:NAME here, and the rest "
     "beside the group in the rule"},
    {STR("dev"), STR(""), "group \"dev\": a subject is empty; " FORMS},
    {STR("dev"), STR("ann "),
     "group \"dev\": subject \"ann \": the user name starts with \"#\" or has a blank at an end"},
};

TEST(member_errors, "a wrong group or member is refused with what to write instead")
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct access *access = access_new();
        struct err e = {0};

        CHECK_INT(access_add_member(access, members[i].group, members[i].user, &e), -1);
        CHECK_TEXT(e.text, members[i].error);
        CHECK_INT(e.code, ERR_INVALID);
        access_free(&access);
    }
}

static void check_unknown_group(const char *groups, const char *error)
{
    struct access *access = access_new();
    struct written_rule rule = {"", "ann @devs", "", "", false};
    struct str names[WORDS_MAX];
    struct access_list list = words(groups, names);
    struct err e = {0};

    CHECK_INT(add_rule(access, &rule, "f:7", &e), 0);
    for (size_t i = 0; i < list.n; i++)
        CHECK_INT(access_add_group(access, list.items[i], &e), 0);
    CHECK_INT(access_finish(access, &e), -1);
    CHECK_TEXT(e.text, error);
    CHECK_INT(e.code, ERR_INVALID);
    access_free(&access);
}

TEST(unknown_groups, "a rule for a group that does not exist is refused, with the groups that do")
{
    check_unknown_group("",
                        "f:7: subject \"@devs\": there are no groups; make this one, or write the names of its users");
    check_unknown_group("ops dev ops", "f:7: subject \"@devs\": there is no such group; there are @dev, @ops");
    check_unknown_group("g f e d c b a",
                        "f:7: subject \"@devs\": there is no such group; there are @a, @b, @c, @d, @e and 2 more");
}

TEST(late_groups, "a rule may name a group that comes after it, and one without members")
{
    struct access *access = access_new();
    struct written_rule rule = {"", "@dev @empty", "", "", false};
    struct access_caller ann = caller("ann", "", "");

    CHECK_INT(add_rule(access, &rule, "f:7", NULL), 0);
    CHECK_INT(access_add_group(access, STR("empty"), NULL), 0);
    CHECK_INT(access_add_member(access, STR("dev"), STR("ann"), NULL), 0);
    CHECK_INT(access_finish(access, NULL), 0);
    CHECK(access_decide(access, &ann, ACCESS_PULL, STR("a")).allowed);
    access_free(&access);
}

TEST(finished, "nothing is added to finished rules")
{
    struct access *access = access_preset(STR("authenticated"), NULL);
    struct written_rule rule = {"", "anonymous", "", "", false};
    struct err e = {0};

    CHECK_INT(add_rule(access, &rule, "f:7", &e), -1);
    CHECK_TEXT(e.text, "these access rules are finished; nothing can be added");
    CHECK_INT(access_add_member(access, STR("dev"), STR("ann"), &e), -1);
    CHECK_TEXT(e.text, "these access rules are finished; nothing can be added");
    CHECK_INT(access_finish(access, &e), -1);
    CHECK_TEXT(e.text, "these access rules are finished already");
    CHECK_INT(access_rule_count(access), 1);
    access_free(&access);
}

TEST(unknown_preset, "an unknown preset is refused with the names of those that there are")
{
    struct err e = {0};

    CHECK(access_preset(STR("Anonymous"), &e) == NULL);
    CHECK_TEXT(e.text, "there is no preset \"Anonymous\"; write \"authenticated\" or \"anonymous-pull\"");
    CHECK_INT(e.code, ERR_INVALID);
}

TEST(actions, "actions are read back from their names")
{
    for (int i = 0; i < ACCESS_ACTION_COUNT; i++) {
        enum access_action action = ACCESS_ACTION_COUNT;

        CHECK_INT(access_action_parse(str_of(access_action_name((enum access_action)i)), &action, NULL), 0);
        CHECK_INT(action, i);
    }
}

TEST(quotes, "the longest quote fits: 64 bytes of the text, all escaped")
{
    char raw[65], out[QUOTE_MAX], wanted[QUOTE_MAX] = "\"";

    memset(raw, 1, sizeof(raw));
    for (int i = 0; i < QUOTE_SHOWN; i++)
        strcat(wanted, "\\x01");
    strcat(wanted, "…\"");
    CHECK_TEXT(quote((struct str){raw, sizeof(raw)}, out), wanted);
    CHECK_INT(strlen(out), QUOTE_MAX - 1);
}
