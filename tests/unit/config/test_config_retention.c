/* storage.maintenance.retention and history. */
#include "storage/upkeep/retention.h"

#include "tests/unit/config/config_fixture.h"

#define HEAD "version: 0.1\nstorage:\n  maintenance:\n    retention:\n"

TEST(defaults, "retention is off, and history is kept for a week")
{
    struct loaded l;

    LOAD("version: 0.1\n", "", &l);
    CHECK(!l.config->retention.enabled && l.config->retention.rules == NULL);
    CHECK_INT(l.config->retention.interval_s, 24 * 3600);
    CHECK_INT(l.config->history_keep_s, 7 * 24 * 3600);
    CHECK(!l.config->garbage_collection.delete_untagged);
    unload(&l);
}

TEST(rules, "rules are read in order, and know where they are written")
{
    const struct retention_rule *rule;
    struct loaded l;

    LOAD(HEAD "      enabled: true\n"
              "      interval: 1h\n"
              "      rules:\n"
              "        - repositories: [ci/**, '*/nightly']\n"
              "          keeplast: 3\n"
              "          keepmatching: [v*, latest]\n"
              "          olderthan: 720h\n"
              "          notpulledfor: 1h30m\n"
              "        - {repositories: ['**'], keeplast: 100}\n"
              "    history:\n"
              "      keep: 0s\n",
         "", &l);
    CHECK(l.config->retention.enabled);
    CHECK_INT(l.config->retention.interval_s, 3600);
    CHECK_INT(l.config->history_keep_s, 0);
    CHECK_INT(l.config->retention.rules->n, 2);
    rule = retention_rule_of(l.config->retention.rules, STR("ci/app"));
    CHECK(rule == &l.config->retention.rules->rules[0]);
    CHECK(rule == retention_rule_of(l.config->retention.rules, STR("team/nightly")));
    CHECK_INT(rule->keep_last, 3);
    CHECK_INT(rule->keep_matching_count, 2);
    CHECK_TEXT(rule->keep_matching[1], "latest");
    CHECK_INT(rule->older_than_s, 720 * 3600);
    CHECK_INT(rule->not_pulled_for_s, 5400);
    CHECK_TEXT(rule->origin, "config.yml:8");
    rule = retention_rule_of(l.config->retention.rules, STR("team/app"));
    CHECK(rule == &l.config->retention.rules->rules[1]);
    CHECK(rule->older_than_s == 0 && rule->not_pulled_for_s == 0);
    unload(&l);
}

TEST(environment, "a variable replaces the rules as YAML")
{
    struct loaded l;

    LOAD("version: 0.1\n",
         "REGISTRY_STORAGE_MAINTENANCE_RETENTION_RULES=[{repositories: [a], keeplast: 1}]\n"
         "REGISTRY_STORAGE_MAINTENANCE_RETENTION_ENABLED=true",
         &l);
    CHECK(retention_rule_of(l.config->retention.rules, STR("a")) != NULL);
    CHECK(retention_rule_of(l.config->retention.rules, STR("b")) == NULL);
    unload(&l);
}

static const struct {
    const char *yaml, *error;
} refused[] = {
    {"      rules: [{repositories: [a]}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0]: it would delete every tag; add what to keep (keeplast, "
     "keepmatching) or when a tag may go (olderthan, notpulledfor)"},
    {"      rules: [{keeplast: 1}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0]: no repositories; name them, or write [\"**\"] for all"},
    {"      rules: [{repositories: [], keeplast: 1}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].repositories: an empty list; fill it, or remove the key"},
    {"      rules: [{repositories: [a], keepmatching: [], olderthan: 1h}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].keepmatching: an empty list; fill it, or remove the key"},
    {"      rules: [{repositories: [a], keeplast: 0, olderthan: 1h}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].keeplast: keeps nothing; write at least 1, or remove the "
     "key"},
    {"      rules: [{repositories: [a], keeplast: }]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].keeplast: no value; fill it, or remove the key"},
    {"      rules: [{repositories: [a], olderthan: 0s}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].olderthan: less than a second holds for every tag; write "
     "for "
     "example 720h, or remove the key"},
    {"      rules: [{repositories: [a], notpulledfor: 30}]\n", /* nanoseconds */
     "config.yml:5: storage.maintenance.retention.rules[0].notpulledfor: less than a second holds for every tag; write "
     "for example 720h, or remove the key"},
    {"      rules: [{repositories: [Team], keeplast: 1}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].repositories[0]: repository pattern \"Team\": no repository "
     "can have such a name; write \"team\""},
    {"      rules: [{repositories: ['${user}/**'], keeplast: 1}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].repositories[0]: ${user} means nobody here; write * or a "
     "name"},
    {"      rules: [{repositories: [a], keeplats: 1}]\n",
     "config.yml:5: storage.maintenance.retention.rules[0].keeplats: unknown key; did you mean "
     "storage.maintenance.retention.rules[].keeplast?"},
    {"      enabled: true\n",
     "config.yml:5: storage.maintenance.retention.enabled: there are no rules; add some, or remove the key"},
    {"      rules: []\n      enabled: true\n",
     "config.yml:6: storage.maintenance.retention.enabled: there are no rules; add some, or remove the key"},
};

TEST(errors, "a rule that deletes everything, says nothing, or is misspelt is refused with its place")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sbuf yaml = {0};
        struct loaded l;

        sbuf_printf(&yaml, HEAD "%s", refused[i].yaml);
        load(sbuf_text(&yaml), "", &l);
        CHECK(l.config == NULL);
        CHECK_TEXT(l.err.text, refused[i].error);
        CHECK_INT(l.err.code, ERR_INVALID);
        sbuf_free(&yaml);
        unload(&l);
    }
}
