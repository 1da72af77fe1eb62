/* Command lines as distribution and its container images spell them. */
#include "registry/commands/spelling.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void spells(const char *given, const char *wanted)
{
    char text[200], got[400] = "";
    char *words[20] = {0}, **out;
    int n = 0;

    snprintf(text, sizeof(text), "%s", given);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    out = spell_out(&n, words);
    for (int i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i == 0 ? "" : " ", out[i]);
    CHECK_TEXT(got, wanted);
    CHECK(out[n] == NULL);
    free(out);
}

struct spelling {
    const char *given, *wanted;
};

static void spell_all(const struct spelling *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        spells(cases[i].given, cases[i].wanted);
}

TEST(first_words, "a bare file means to serve it, help is --help, and registry -v is --version")
{
    static const struct spelling cases[] = {
        {"registry /etc/docker/registry/config.yml", "registry serve /etc/docker/registry/config.yml"},
        {"berth c.yaml --user berth", "berth serve c.yaml --user berth"},
        {"berth -x.yml", "berth -x.yml"},
        {"berth .yml", "berth .yml"},
        {"berth yml", "berth yml"},
        {"registry serve c.yml", "registry serve c.yml"},
        {"registry help", "registry --help"},
        {"berth help", "berth --help"},
        {"berth serve help", "berth serve help"},
        {"/usr/bin/registry -v", "/usr/bin/registry --version"},
        {"registry --version", "registry --version"},
        {"berth -v", "berth -v"},
        {"registry", "registry"},
    };

    spell_all(cases, sizeof(cases) / sizeof(cases[0]));
}

TEST(short_options, "short options of garbage-collect are spelled out, and nothing else is touched")
{
    static const struct spelling cases[] = {
        {"registry garbage-collect -d config.yml", "registry garbage-collect --dry-run config.yml"},
        {"registry garbage-collect config.yml -dmq",
         "registry garbage-collect config.yml --dry-run --delete-untagged --quiet"},
        {"registry garbage-collect --dry-run -m c", "registry garbage-collect --dry-run --delete-untagged c"},
        {"registry garbage-collect -dx c", "registry garbage-collect -dx c"},
        {"registry garbage-collect - --", "registry garbage-collect - --"},
        {"berth gc -d c", "berth gc -d c"},
        {"berth serve -d", "berth serve -d"},
        {"berth", "berth"},
    };

    spell_all(cases, sizeof(cases) / sizeof(cases[0]));
}
