#include "tools/doctor/doctor.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

/* tools */
#include "tools/doctor/advice.h"
#include "tools/doctor/checks.h"
#include "tools/doctor/machine.h"
#include "tools/facts.h"
#include "tools/hosts.h"

/* What a check needs to be there; without it there is nothing to check. */
enum need {
    NEEDS_CONFIG = 1,
    NEEDS_DATA = 2, /* the data directory */
    NEEDS_TLS = 4,
    NEEDS_CLIENTS = 8, /* authorities of clients */
    NEEDS_USERS = 16,
};

static const struct check {
    const char *name;
    unsigned needs;
    check_run *run;
} checks[] = {
    {"configuration", 0, check_configuration},
    {"configuration file", NEEDS_CONFIG, check_configuration_file},
    {"data directory", NEEDS_CONFIG, check_data_directory},
    {"file system", NEEDS_CONFIG | NEEDS_DATA, check_file_system},
    {"space", NEEDS_CONFIG | NEEDS_DATA, check_space},
    {"disk speed", NEEDS_CONFIG | NEEDS_DATA, check_sync},
    {"certificate", NEEDS_CONFIG | NEEDS_TLS, check_certificate},
    {"certificate names", NEEDS_CONFIG | NEEDS_TLS, check_names},
    {"certificate chain", NEEDS_CONFIG | NEEDS_TLS, check_chain},
    {"client authorities", NEEDS_CONFIG | NEEDS_CLIENTS, check_authorities},
    {"revocation lists", NEEDS_CONFIG | NEEDS_CLIENTS, check_revocation},
    {"users", NEEDS_CONFIG | NEEDS_USERS, check_users},
    {"access rules", NEEDS_CONFIG, check_rules},
    {"exposure", NEEDS_CONFIG, check_exposure},
    {"addresses", NEEDS_CONFIG, check_addresses},
    {"http.host", NEEDS_CONFIG, check_host},
    {"acme", NEEDS_CONFIG, check_acme},
    {"clock", 0, check_clock},
    {"descriptors", NEEDS_CONFIG, check_descriptors},
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

/* ---- the patient ---- */

static void fill_world(const struct doctor_world *given, struct doctor_world *out)
{
    *out = *given;
    if (out->proc == NULL)
        out->proc = "/proc";
    if (out->look_at_disk == NULL)
        out->look_at_disk = statfs;
    if (out->now_s == 0)
        out->now_s = machine_now_s();
    if (out->clock_is_synchronised == NULL)
        out->clock_is_synchronised = machine_clock_is_synchronised;
    if (out->measure_sync == NULL)
        out->measure_sync = machine_measure_sync;
}

/* Root serves nobody: who owns the data, the lock above all, is who serves. */
static void find_user(struct patient *p)
{
    const char *root = p->config == NULL ? NULL : p->config->root_directory;
    const struct passwd *found;
    char lock[PATH_MAX];
    struct stat st;

    if (p->request->user != NULL) {
        p->user = *p->request->user;
        return;
    }
    p->user = (struct doctor_user){p->user_name, geteuid(), getegid()};
    if (p->user.uid == 0 && root != NULL) {
        snprintf(lock, sizeof(lock), "%s/berth.lock", root);
        if (stat(lock, &st) == 0 || stat(root, &st) == 0) {
            p->user.uid = st.st_uid;
            p->user.gid = st.st_gid;
        }
    }
    found = getpwuid(p->user.uid);
    if (found != NULL)
        snprintf(p->user_name, sizeof(p->user_name), "%s", found->pw_name);
    else
        snprintf(p->user_name, sizeof(p->user_name), "%u", (unsigned)p->user.uid);
}

static unsigned needs_met(const struct patient *p)
{
    const struct config *config = p->config;
    struct stat st;

    if (config == NULL)
        return 0;
    return NEEDS_CONFIG | (stat(config->root_directory, &st) == 0 && S_ISDIR(st.st_mode) ? NEEDS_DATA : 0U) |
           (config->tls_certificate != NULL ? NEEDS_TLS : 0U) | (config->client_cas.n > 0 ? NEEDS_CLIENTS : 0U) |
           (config->auth == CONFIG_AUTH_HTPASSWD ? NEEDS_USERS : 0U);
}

static bool runs(const struct patient *p, const struct check *check)
{
    return (check->needs & ~needs_met(p)) == 0;
}

static void run_checks(struct patient *p)
{
    for (size_t i = 0; i < CHECKS; i++) {
        if (!runs(p, &checks[i]))
            continue;
        p->check = checks[i].name;
        checks[i].run(p);
        if (i == 0) { /* the configuration has been loaded, or never will be */
            find_user(p);
            find_server(p);
        }
    }
}

/* ---- the report ---- */

static size_t count(const struct patient *p, enum severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->findings[i].severity == severity;
    return n;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void put_findings(const struct patient *p, struct sbuf *out)
{
    for (enum severity s = SEVERITY_ERROR; s <= SEVERITY_WARNING; s++) {
        for (size_t i = 0; i < p->n; i++) {
            const struct finding *f = &p->findings[i];

            if (f->severity != s)
                continue;
            sbuf_printf(out, "%-8s %s: ", s == SEVERITY_ERROR ? "error" : "warning", f->check);
            text_escape(out, str_of(f->text));
            sbuf_printf(out, "\n");
            if (f->remedy == NULL)
                continue;
            sbuf_printf(out, "         do: ");
            text_escape(out, str_of(f->remedy));
            sbuf_printf(out, "\n");
        }
    }
}

static void put_text(const struct patient *p, struct sbuf *out)
{
    size_t errors = count(p, SEVERITY_ERROR), warnings = count(p, SEVERITY_WARNING);
    const char *between = "checked: ";

    put_findings(p, out);
    for (size_t i = 0; i < CHECKS; i++) {
        if (!runs(p, &checks[i]))
            continue;
        sbuf_printf(out, "%s%s", between, checks[i].name);
        between = ", ";
    }
    sbuf_printf(out, "\n");
    if (p->server != 0)
        sbuf_printf(out, "a server runs on this data directory: process %d\n", (int)p->server);
    if (p->n == 0)
        sbuf_printf(out, "no findings\n");
    else
        sbuf_printf(out, "%zu error%s, %zu warning%s\n", errors, plural(errors), warnings, plural(warnings));
    if (p->config != NULL)
        advice_put(p, out);
}

static void put_pair(const char *name, const char *value, struct sbuf *out)
{
    sbuf_printf(out, "\"%s\":", name);
    if (value == NULL)
        sbuf_printf(out, "null");
    else
        sbuf_json(out, str_of(value));
}

/* A list of those that are not empty. */
static void put_lines(const char *name, struct str text, struct sbuf *out)
{
    bool first = true;

    sbuf_printf(out, "\"%s\":[", name);
    while (text.n > 0) {
        struct str line = {text.p, str_find(text, '\n')};

        text = str_from(text, line.n + 1);
        if (line.n == 0)
            continue;
        if (!first)
            sbuf_printf(out, ",");
        sbuf_json(out, line);
        first = false;
    }
    sbuf_printf(out, "]");
}

static void put_json(const struct patient *p, struct sbuf *out)
{
    struct sbuf advice = {0};
    bool first = true;

    sbuf_printf(out, "{\"findings\":[");
    for (size_t i = 0; i < p->n; i++) {
        const struct finding *f = &p->findings[i];

        sbuf_printf(out, "%s{", i == 0 ? "" : ",");
        put_pair("check", f->check, out);
        sbuf_printf(out, ",");
        put_pair("severity", f->severity == SEVERITY_ERROR ? "error" : "warning", out);
        sbuf_printf(out, ",");
        put_pair("text", f->text, out);
        sbuf_printf(out, ",");
        put_pair("remedy", f->remedy, out);
        sbuf_printf(out, "}");
    }
    sbuf_printf(out, "],\"checked\":[");
    for (size_t i = 0; i < CHECKS; i++) {
        if (!runs(p, &checks[i]))
            continue;
        sbuf_printf(out, "%s\"%s\"", first ? "" : ",", checks[i].name);
        first = false;
    }
    sbuf_printf(out, "],\"errors\":%zu,\"warnings\":%zu,\"server\":%d,", count(p, SEVERITY_ERROR),
                count(p, SEVERITY_WARNING), (int)p->server);
    if (p->config != NULL)
        advice_put(p, &advice);
    put_lines("clients", (struct str){advice.p, advice.n}, out);
    sbuf_printf(out, "}\n");
    sbuf_free(&advice);
}

static int check_hosts(const struct doctor_request *request, struct err *e)
{
    struct host host;
    char port[PORT_ROOM];

    for (size_t i = 0; i < request->host_count; i++)
        if (host_port_parse(request->hosts[i], &host, port, e) != 0)
            return err_wrap(e, "--host");
    return 0;
}

int doctor_run(const struct doctor_request *request, struct sbuf *out, struct err *e)
{
    struct doctor_world world;
    struct patient p = {.request = request, .world = &world};
    int errors;

    if (check_hosts(request, e) != 0)
        return -1;
    fill_world(&request->world, &world);
    run_checks(&p);
    if (request->json)
        put_json(&p, out);
    else
        put_text(&p, out);
    errors = (int)count(&p, SEVERITY_ERROR);
    patient_free(&p);
    return errors;
}
