/* The machine: its clock, and what it lets a process have. */
#include "tools/doctor/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

/* tools */
#include "tools/doctor/proc.h"

enum {
    CLOCK_SLACK_S = 60,
    DAY_S = 24 * 60 * 60,
    DESCRIPTORS_LOW = 1024,
    PER_CONNECTION = 2,
    OURS = 128,
    LIMIT_WORDS = 4
};

/* ---- clock ---- */

/* Who wrote that file had a later clock. */
static bool is_in_future(struct patient *p, const char *path, int64_t slack_s, const char *what)
{
    char then[CLOCK_TEXT_ROOM], now[CLOCK_TEXT_ROOM];
    struct stat st;

    if (stat(path, &st) != 0 || (int64_t)st.st_mtime <= p->world->now_s + slack_s)
        return false;
    clock_text((int64_t)st.st_mtime, then);
    clock_text(p->world->now_s, now);
    complain(p, SEVERITY_ERROR, "the clock is behind: it is said to be %s, but %s was written at %s", now, what, then);
    advise(p, "date -u; timedatectl set-ntp true, or set the clock by hand, before certificates and leases are judged");
    return true;
}

void check_clock(struct patient *p)
{
    static const char *const files[] = {"berth.lock", "meta/data.mdb"};
    char path[PATH_MAX];
    bool behind = is_in_future(p, "/proc/self/exe", DAY_S, "this program");

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && p->config != NULL && !behind; i++) {
        snprintf(path, sizeof(path), "%s/%s", p->config->root_directory, files[i]);
        behind = is_in_future(p, path, CLOCK_SLACK_S, path);
    }
    if (!behind && !p->world->clock_is_synchronised()) {
        complain(p, SEVERITY_WARNING, "the clock is not synchronised, as far as the kernel knows");
        advise(
            p,
            "timedatectl set-ntp true, or apt-get install chrony; in a container or virtual machine see that its host "
            "is synchronised");
    }
}

/* ---- descriptors ---- */

/* Of the server that runs; what holds for us may not hold for it. */
static bool limit_of_server(const struct patient *p, uint64_t *limit)
{
    struct str rest, line, words[LIMIT_WORDS]; /* Max open files SOFT … */
    struct sbuf text = {0};
    char path[PATH_MAX];
    bool found = false;

    snprintf(path, sizeof(path), "%s/%d/limits", p->world->proc, (int)p->server);
    if (p->server == 0 || file_read(path, 1 << 16, &text, NULL) != 0)
        return false;
    rest = (struct str){text.p, text.n};
    while (!found && proc_line(&rest, &line))
        found = str_starts(line, STR("Max open files ")) && proc_words(line, words, LIMIT_WORDS) == LIMIT_WORDS &&
                str_to_u64(words[3], limit);
    sbuf_free(&text);
    return found;
}

void check_descriptors(struct patient *p)
{
    uint64_t wanted = p->config->limits.connections * PER_CONNECTION + OURS, has;
    struct rlimit limit;

    if (!limit_of_server(p, &has)) {
        if (p->user.uid == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) /* root raises it by himself */
            return;
        has = limit.rlim_max;
    }
    if (has < DESCRIPTORS_LOW) {
        complain(p, SEVERITY_WARNING, "a process may open %" PRIu64 " files only: that is few connections", has);
    } else if (p->config->limits.connections > 0 && wanted > has) {
        complain(p, SEVERITY_WARNING,
                 "http.limits.connections %" PRIu64 " needs %" PRIu64 " descriptors, and there are %" PRIu64,
                 p->config->limits.connections, wanted, has);
    } else {
        return;
    }
    advise(p,
           "LimitNOFILE=65536 in the unit (conf/berth.service has it), docker run --ulimit nofile=65536, or ulimit -n "
           "65536");
}
