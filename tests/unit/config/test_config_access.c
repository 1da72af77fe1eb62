/* The section `access`, and files of rules. */
#include "registry/config/config_access.h"

#include "tests/unit/config/config_fixture.h"

static bool may(const struct access *access, const char *user, enum access_action action, const char *repository)
{
    struct access_caller caller = {.user = str_of(user), .certificate = {"", 0}};

    return access_decide(access, &caller, action, str_of(repository)).allowed;
}

TEST(rules, "rules and groups are read in order, with effect, repositories, subjects, actions and networks")
{
    struct loaded l;

    LOAD("version: 0.1\n"
         "access:\n"
         "  rules:\n"
         "    - {effect: deny, repositories: [team/secret], subjects: [authenticated]}\n"
         "    - {repositories: [team/**], subjects: ['@team'], actions: [pull, push]}\n"
         "    - {subjects: [root], networks: [192.0.2.0/24]}\n"
         "  groups:\n"
         "    team: [alice, bob]\n",
         "", &l);
    CHECK(may(l.config->access, "alice", ACCESS_PUSH, "team/app"));
    CHECK(!may(l.config->access, "alice", ACCESS_DELETE, "team/app"));
    CHECK(!may(l.config->access, "alice", ACCESS_PULL, "team/secret"));
    CHECK(!may(l.config->access, "carol", ACCESS_PULL, "team/app"));
    CHECK(!may(l.config->access, "root", ACCESS_PULL, "team/app"));
    unload(&l);
}

TEST(origin, "a rule knows the file and line it is written on")
{
    struct sbuf text = {0};
    struct loaded l;

    LOAD("version: 0.1\naccess:\n  rules:\n    - subjects: [alice]\n", "", &l);
    access_describe(l.config->access, 1, &text);
    CHECK(str_starts(str_of(sbuf_text(&text)), STR("config.yml:4: allow")));
    sbuf_free(&text);
    unload(&l);
}

TEST(environment, "one variable gives anonymous pull and authenticated push")
{
    struct loaded l;

    LOAD("version: 0.1\n", "REGISTRY_ACCESS_PRESET=anonymous-pull", &l);
    CHECK(may(l.config->access, "", ACCESS_PULL, "app"));
    CHECK(!may(l.config->access, "", ACCESS_PUSH, "app"));
    CHECK(may(l.config->access, "alice", ACCESS_OVERWRITE, "app"));
    unload(&l);
}

TEST(environment_rules, "rules come from the environment as YAML, and a mistyped variable about them is an error")
{
    struct loaded l;

    LOAD("version: 0.1\n", "REGISTRY_ACCESS_RULES=[{subjects: [alice], actions: [pull]}]", &l);
    CHECK(may(l.config->access, "alice", ACCESS_PULL, "app"));
    CHECK(!may(l.config->access, "alice", ACCESS_PUSH, "app"));
    unload(&l);
    load("version: 0.1\n", "REGISTRY_ACCESS_PRESENT=anonymous-pull", &l);
    CHECK(l.config == NULL);
    CHECK_TEXT(l.err.text, "REGISTRY_ACCESS_PRESENT: unknown variable; did you mean REGISTRY_ACCESS_PRESET?; one about "
                           "access is not ignored: correct or unset it");
    unload(&l);
}

TEST(defaults, "without the section there are no rules, and logins are throttled")
{
    struct loaded l;

    LOAD("version: 0.1\n", "", &l);
    CHECK(l.config->access == NULL && l.config->access_file == NULL);
    CHECK(!l.config->throttle.disabled);
    CHECK_INT(l.config->throttle.address_burst, 100);
    CHECK_INT(l.config->throttle.user_burst, 100);
    CHECK_INT(l.config->throttle.recover_ms, 6000);
    unload(&l);
}

TEST(mistakes, "what cannot be meant is refused, with line and remedy")
{
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"access: {preset: anonymous-pull, rules: [{subjects: [a]}]}",
         "config.yml:2: access.preset: a preset is a list of rules by name; write rules, or the preset, not both"},
        {"access: {file: /etc/x.yml, preset: anonymous-pull}",
         "config.yml:2: access.file: rules in a file and here; keep them in one place"},
        {"access: {groups: {a: [b]}}",
         "config.yml:2: access.groups: groups without rules; add rules that name them as @group"},
        {"access: {rules: []}",
         "config.yml:2: access.rules: no rules deny everything to everybody; add one, or remove the key"},
        {"access:\n  rules:\n    - subjects: []",
         "config.yml:4: access.rules[0].subjects: an empty list; fill it, or remove the key to mean all"},
        {"access:\n  rules:\n    - {subjects: [a], effect: permit}",
         "config.yml:4: access.rules[0].effect: \"permit\" is no effect; write allow or deny"},
        {"access:\n  rules:\n    - {subject: [a]}",
         "config.yml:4: access.rules[0].subject: unknown key; did you mean access.rules[].subjects?"},
        {"access: {throttle: {recover: 0s}}",
         "config.yml:2: access.throttle.recover: attempts that come back at once throttle nobody; write for example "
         "recover: 6s, or disabled: true"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf yaml = {0};
        struct loaded l;

        sbuf_printf(&yaml, "version: 0.1\n%s\n", cases[i].yaml);
        load(sbuf_text(&yaml), "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, cases[i].error);
        sbuf_free(&yaml);
        unload(&l);
    }
}

/* Commenting out what a key holds must not open what it kept closed. */
TEST(valueless, "a key without a value is refused, with line and what to write")
{
#define RULE "access:\n  rules:\n    - subjects: [a]\n      "
    static const struct {
        const char *yaml;
        const char *error; /* behind "config.yml:" */
    } cases[] = {
        {RULE "actions:\n        #- pull",
         "5: access.rules[0].actions: no value; fill it, or remove the key to mean all"},
        {RULE "repositories: ~", "5: access.rules[0].repositories: no value; fill it, or remove the key to mean all"},
        {RULE "networks: null", "5: access.rules[0].networks: no value; fill it, or remove the key to mean all"},
        {RULE "networks: ''", "5: access.rules[0].networks: no value; fill it, or remove the key to mean all"},
        {RULE "effect:", "5: access.rules[0].effect: no value; write allow or deny"},
        {RULE "effect: ''", "5: access.rules[0].effect: no value; write allow or deny"},
        {"access:\n  rules:\n    - subjects:",
         "4: access.rules[0].subjects: no value; fill it, or remove the key to mean all"},
        {"access:\n  rules:\n    -", "4: access.rules[0]: an empty entry; fill it or remove it"},
        {"access:\n  rules:", "3: access.rules: no value; fill it, or remove the key"},
        {"access:", "2: access: no value; write rules, a preset or a file below it, or remove the section"},
        {"access: {file: }", "2: access.file: no value; fill it, or remove the key"},
        {"access: {preset: ''}", "2: access.preset: no value; fill it, or remove the key"},
        {"access: {groups: }", "2: access.groups: no value; fill it, or remove the key"},
        {"access: {groups: {g: }, rules: [{subjects: ['@g']}]}",
         "2: access.groups.g: no value; name its members, or write [] for a group of nobody"},
        {"access: {throttle: }", "2: access.throttle: no value; fill it, or remove the key for its default"},
        {"access: {throttle: {user: }}",
         "2: access.throttle.user: no value; fill it, or remove the key for its default"},
        {"access: {certificates: {policy: ~}}",
         "2: access.certificates.policy: no value; fill it, or remove the key for its default"},
        {"auth:\n#  htpasswd:", "2: auth: no value; write htpasswd with its path, or none"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sbuf yaml = {0}, wanted = {0};
        struct loaded l;

        sbuf_printf(&yaml, "version: 0.1\n%s\n", cases[i].yaml);
        sbuf_printf(&wanted, "config.yml:%s", cases[i].error);
        load(sbuf_text(&yaml), "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, sbuf_text(&wanted));
        sbuf_free(&wanted);
        sbuf_free(&yaml);
        unload(&l);
    }
}

TEST(empty_group, "a group may be empty: it is nobody")
{
    struct loaded l;

    LOAD("version: 0.1\naccess: {groups: {g: []}, rules: [{subjects: ['@g']}]}\n", "", &l);
    CHECK(!may(l.config->access, "g", ACCESS_PULL, "app"));
    unload(&l);
}

TEST(again, "reading the rules again checks the whole file, in silence, and takes no other file of rules")
{
    static char variable[] = "REGISTRY_HTTP_ADR=:1";
    static char *const environment[] = {variable, NULL};
    struct access *access = NULL;
    struct err e = {0};
    struct loaded l;

    LOAD("version: 0.1\n", "REGISTRY_HTTP_ADR=:1", &l);
    CHECK(strstr(sbuf_text(&l.log), "REGISTRY_HTTP_ADR: unknown variable") != NULL);
    unload(&l);
    CHECK_INT(freopen("log", "w", stderr) != NULL, 1);
    CHECK_INT(config_access_of_text("c.yml", STR("version: 0.1\naccess: {preset: anonymous-pull}\n"), environment,
                                    &access, &e),
              0);
    CHECK(access != NULL);
    CHECK_INT(ftell(stderr), 0);
    access_free(&access);
    CHECK_INT(config_access_of_text("c.yml", STR("version: 0.1\naccess: {file: a.yml}\n"), NULL, &access, &e), -1);
    CHECK_TEXT(e.text, "c.yml: access.file: the rules have moved to a file of their own; restart the server");
    CHECK(access == NULL);
}

TEST(file, "a file of rules holds groups, rules or a preset, and nothing else")
{
    static const struct {
        struct str text;
        const char *error; /* NULL: good */
    } cases[] = {
        {STR("rules: [{subjects: [alice]}]\n"), NULL},
        {STR("groups: {g: [a]}\nrules: [{subjects: ['@g']}]\n"), NULL},
        {STR("preset: anonymous-pull\n"), NULL},
        {STR(""), "a.yml:1: a file of rules is a map; begin with `rules:`"},
        {STR("groups: {g: [a]}\n"), "a.yml:1: neither rules nor preset: that would deny everything to everybody"},
        {STR("throttle: {user: 5}\n"), "a.yml:1: throttle: a file of rules has groups, rules and preset only"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct access *access = NULL;
        struct err e = {0};
        int rc = config_access_of_file("a.yml", cases[i].text, &access, &e);

        CHECK_INT(rc, cases[i].error == NULL ? 0 : -1);
        if (cases[i].error != NULL)
            CHECK_TEXT(e.text, cases[i].error);
        CHECK((access != NULL) == (rc == 0));
        access_free(&access);
    }
}
