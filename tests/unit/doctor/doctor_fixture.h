/* A set-up that is good, in a fresh directory for each case, for mistakes to be planted in; and a machine of paper. */
#ifndef BERTH_TEST_DOCTOR_FIXTURE_H
#define BERTH_TEST_DOCTOR_FIXTURE_H

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/base/file.h"
#include "tests/unit/test.h"
#include "tools/ca/ca.h"
#include "tools/doctor/doctor.h"

/* ---- the machine ---- */

static struct statfs paper_disk;
static uint64_t paper_sync_us;
static bool paper_synchronised;

static inline int look_at_paper(const char *path, struct statfs *out)
{
    (void)path;
    *out = paper_disk;
    return 0;
}

static inline bool ask_paper(void)
{
    return paper_synchronised;
}

static inline bool measure_paper(const char *directory, uint64_t *median_us)
{
    (void)directory;
    *median_us = paper_sync_us;
    return true;
}

static inline void make_paper(void)
{
    paper_disk = (struct statfs){.f_type = EXT4_SUPER_MAGIC,
                                 .f_bsize = 4096,
                                 .f_blocks = 1 << 24,
                                 .f_bavail = 1 << 23,
                                 .f_files = 1000000,
                                 .f_ffree = 900000};
    paper_sync_us = 900;
    paper_synchronised = true;
}

/* ---- the set-up ---- */

#define GOOD_CONFIG                                                                    \
    "version: 0.1\n"                                                                   \
    "storage: {filesystem: {rootdirectory: data}}\n"                                   \
    "http: {addr: ':5999', tls: {certificate: tls/server.crt, key: tls/server.key}}\n" \
    "auth: {htpasswd: {path: htpasswd}}\n"

/* Of "pull-me-please". */
#define GOOD_USER "alice:$2y$10$V1nMWN8Pk1VYGYdiOUBhaudyEfqm6sZ0T0.QBk5WbRzuqKS0XmY4G\n"

static inline void write_file(const char *path, const char *text)
{
    struct err e;

    if (file_replace(path, text, strlen(text), 0600, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static inline void run_shell(const char *command)
{
    struct sbuf line = {0};

    sbuf_printf(&line, "set -e; %s", command);
    if (system(sbuf_text(&line)) != 0)
        test_fail(__FILE__, __LINE__, "cannot plant: %s", command);
    sbuf_free(&line);
}

/* Made once; every case works on a copy. */
static inline void make_template(const char *template)
{
    const struct ca_order authority_order = {.days = 3650}, order = {.days = 825};
    char tls[400];
    const struct ca ca = {tls, NULL};
    struct hosts hosts = {.n = 0};
    struct ca_pair pair;
    struct err e;

    snprintf(tls, sizeof(tls), "%s/tls", template);
    if (mkdir(template, 0700) != 0 || chdir(template) != 0 || hosts_of_machine(&hosts, &e) != 0 ||
        hosts_add(&hosts, "registry.test", &e) != 0 || ca_init(&ca, "Test CA", &authority_order, NULL, &e) != 0 ||
        ca_issue_server(&ca, &hosts, &order, &pair, &e) != 0)
        test_fail(__FILE__, __LINE__, "no set-up: %s", e.text);
    write_file("c.yml", GOOD_CONFIG);
    write_file("htpasswd", GOOD_USER);
    if (mkdir("data", 0700) != 0 || mkdir("proc", 0700) != 0)
        test_fail(__FILE__, __LINE__, "no set-up");
}

/* Work in a copy of the good set-up from here on. */
static inline void begin_case(void)
{
    static char base[200], template[300];
    static unsigned count;
    char line[700];

    if (base[0] == '\0') {
        snprintf(base, sizeof(base), "%s", test_dir());
        snprintf(template, sizeof(template), "%s/good", base);
        make_template(template);
    }
    snprintf(line, sizeof(line), "%s/case%u", base, ++count);
    if (mkdir(line, 0700) != 0 || chdir(line) != 0)
        test_fail(__FILE__, __LINE__, "no room for a case");
    snprintf(line, sizeof(line), "cp -a '%s/.' .", template);
    if (system(line) != 0)
        test_fail(__FILE__, __LINE__, "no copy of the set-up");
    make_paper();
}

/* ---- a mistake ---- */

struct mistake {
    const char *plant;    /* for a shell, in the set-up's directory; NULL: nothing */
    const char *more;     /* lines behind the configuration; instead of it when they begin with "version" */
    const char *variable; /* of the environment */
    const char *host;     /* --host */
    int days;             /* that the clock is ahead */
    const char *found;    /* "error    certificate: …": the beginning of a line */
    const char *remedy;   /* somewhere in the next */
};

static inline void plant(const struct mistake *m)
{
    if (m->more != NULL) {
        struct sbuf config = {0};

        sbuf_printf(&config, "%s%s", strncmp(m->more, "version", 7) == 0 ? "" : GOOD_CONFIG, m->more);
        write_file("c.yml", sbuf_text(&config));
        sbuf_free(&config);
    }
    if (m->plant != NULL)
        run_shell(m->plant);
}

/* What the doctor says; terminated. */
static inline struct sbuf examine(const struct mistake *m, const struct doctor_user *user, int *errors)
{
    char *environment[] = {m->variable == NULL ? NULL : str_dup(str_of(m->variable)), NULL};
    const struct doctor_user ourselves = {"us", geteuid(), getegid()};
    const struct doctor_request request = {
        .config = "c.yml",
        .environment = environment,
        .user = user == NULL ? &ourselves : user,
        .hosts = &m->host,
        .host_count = m->host != NULL,
        .world = {.proc = "proc",
                  .look_at_disk = look_at_paper,
                  .now_s = (int64_t)clock_wall_s() + (int64_t)m->days * 24 * 60 * 60,
                  .clock_is_synchronised = ask_paper,
                  .measure_sync = measure_paper},
    };
    struct sbuf out = {0};
    struct err e;

    *errors = doctor_run(&request, &out, &e);
    if (*errors < 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
    free(environment[0]);
    sbuf_text(&out);
    return out;
}

/* The planted mistake is found, with its remedy, and counted. */
static inline void check_found(const struct mistake *m, const struct doctor_user *user)
{
    int errors;
    struct sbuf out = examine(m, user, &errors);
    const char *at = strstr(out.p, m->found);
    const char *next = at == NULL ? NULL : strchr(at, '\n');

    if (at == NULL || (at != out.p && at[-1] != '\n'))
        test_fail(__FILE__, __LINE__, "not found: %s\nplanted: %s\n%s", m->found, m->plant == NULL ? "" : m->plant,
                  out.p);
    if (strncmp(next, "\n         do: ", 14) != 0 ||
        memmem(next + 1, strcspn(next + 1, "\n"), m->remedy, strlen(m->remedy)) == NULL)
        test_fail(__FILE__, __LINE__, "no remedy \"%s\" in\n%s", m->remedy, out.p);
    CHECK((errors > 0) == (strncmp(out.p, "error ", 6) == 0));
    CHECK(strstr(out.p, "no findings") == NULL);
    sbuf_free(&out);
}

static inline void check_mistakes(const struct mistake *mistakes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        begin_case();
        plant(&mistakes[i]);
        check_found(&mistakes[i], NULL);
    }
}

#endif
