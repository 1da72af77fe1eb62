/* Loads a configuration from texts: a file's and an environment's; keeps the error and what was logged. */
#ifndef BERTH_TEST_CONFIG_FIXTURE_H
#define BERTH_TEST_CONFIG_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/config/config.h"
#include "tests/unit/test.h"

struct loaded {
    struct config *config;
    struct err err;
    struct sbuf log;
};

/* "A=1\nB=2" as environ(7). */
static inline char **environment_new(const char *text)
{
    char **entries = xcalloc(strlen(text) + 2, sizeof(char *));
    size_t n = 0;

    for (struct str rest = str_of(text); rest.n > 0;) {
        size_t end = str_find(rest, '\n');

        entries[n++] = str_dup((struct str){rest.p, end});
        rest = str_from(rest, end + 1);
    }
    return entries;
}

static inline void environment_free(char **entries)
{
    for (size_t i = 0; entries[i] != NULL; i++)
        free(entries[i]);
    free(entries);
}

/* config_load() with standard error in a file. */
static inline void load_path(const char *path, const char *variables, struct loaded *l)
{
    char **environment = environment_new(variables);
    int log = open("log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int console = dup(STDERR_FILENO);

    *l = (struct loaded){0};
    dup2(log, STDERR_FILENO);
    l->config = config_load(path, environment, &l->err);
    dup2(console, STDERR_FILENO);
    close(console);
    close(log);
    environment_free(environment);
    if (file_read("log", 1 << 20, &l->log, NULL) != 0)
        abort();
}

/* From a file "config.yml" in a fresh working directory. */
static inline void load(const char *yaml, const char *variables, struct loaded *l)
{
    int fd;

    if (chdir(test_dir()) != 0 || (fd = open("config.yml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
        abort();
    if (file_write(fd, yaml, strlen(yaml), NULL) != 0)
        abort();
    close(fd);
    load_path("config.yml", variables, l);
}

static inline void unload(struct loaded *l)
{
    config_free(&l->config);
    sbuf_free(&l->log);
}

/* Loads, or fails the test with the error's text. */
#define LOAD(yaml, variables, l)                                               \
    do {                                                                       \
        load(yaml, variables, l);                                              \
        if ((l)->config == NULL)                                               \
            test_fail(__FILE__, __LINE__, "does not load: %s", (l)->err.text); \
    } while (0)

#endif
