#include "registry/commands/spelling.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "registry/base/str.h"

struct words {
    char **items; /* ended by NULL */
    int n;
};

static void add(struct words *words, const char *word)
{
    words->items = xrealloc(words->items, ((size_t)words->n + 2) * sizeof(char *));
    words->items[words->n++] = (char *)(uintptr_t)word;
    words->items[words->n] = NULL;
}

static bool ends_in(struct str word, struct str end)
{
    return word.n > end.n && str_eq(str_from(word, word.n - end.n), end);
}

/* By the name that distribution's program has? */
static bool called_registry(const char *program)
{
    const char *slash = strrchr(program, '/');

    return strcmp(slash == NULL ? program : slash + 1, "registry") == 0;
}

static void add_command(struct words *words, const char *program, const char *command)
{
    struct str text = str_of(command);

    if (text.n > 0 && text.p[0] != '-' && (ends_in(text, STR(".yml")) || ends_in(text, STR(".yaml"))))
        add(words, "serve");
    if (strcmp(command, "help") == 0)
        add(words, "--help");
    else if (strcmp(command, "-v") == 0 && called_registry(program))
        add(words, "--version");
    else
        add(words, command);
}

static const char *long_form(char letter)
{
    static const struct {
        char letter;
        const char *option;
    } options[] = {{'d', "--dry-run"}, {'m', "--delete-untagged"}, {'q', "--quiet"}};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].letter == letter)
            return options[i].option;
    return NULL;
}

/* "-dm", and nothing else in it? */
static bool is_short(const char *word)
{
    size_t n = 1;

    if (word[0] != '-')
        return false;
    while (word[n] != '\0' && long_form(word[n]) != NULL)
        n++;
    return n > 1 && word[n] == '\0';
}

static void add_short(struct words *words, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++)
        add(words, long_form(*letter));
}

char **spell_out(int *argc, char **argv)
{
    bool collects = *argc > 1 && strcmp(argv[1], "garbage-collect") == 0;
    struct words words = {0};

    for (int i = 0; i < *argc; i++) {
        if (i == 1)
            add_command(&words, argv[0], argv[1]);
        else if (i > 1 && collects && is_short(argv[i]))
            add_short(&words, argv[i]);
        else
            add(&words, argv[i]);
    }
    *argc = words.n;
    return words.items;
}
