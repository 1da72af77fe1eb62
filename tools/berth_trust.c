/*
 * berth-trust: makes the hosts that pull and push trust a registry with certificates of its own.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "tools/trust/trust_files.h"
#include "tools/trust/trust_print.h"
#include "tools/trust/trust_registry.h"
#include "tools/trust/trust_run.h"
#include "tools/trust/trust_target.h"
#include "registry/base/clock.h"
#include "registry/base/options.h"

enum { JOBS_DEFAULT = 8, JOBS_MAX = 256, TIMEOUT_DEFAULT = 60, TIMEOUT_MAX = 86400, RUNTIMES_ROOM = 64 };

enum option {
    CA,
    CLIENT_CERT,
    CLIENT_KEY,
    HOSTS_FILE,
    RUNTIMES,
    SYSTEM,
    INSECURE,
    REBOOT,
    ROOT,
    DRY_RUN,
    JOBS,
    TIMEOUT,
    SSH_OPTION,
    IDENTITY,
    JSON,
};

static const struct option_spec options[] = {
    [CA] = {"ca", "FILE", "the authority that issued the registry's certificate, as berth-ca writes it to ca.crt",
            false},
    [CLIENT_CERT] = {"client-cert", "FILE", "the certificate that the hosts show to the registry", false},
    [CLIENT_KEY] = {"client-key", "FILE", "its key, without passphrase; on the hosts only root can read it", false},
    [HOSTS_FILE] = {"hosts-file", "FILE", "more targets, one a line; # begins a comment", .repeats = true},
    [RUNTIMES] = {"runtimes", "LIST",
                  "of docker, containerd, containers and boot2docker, with commas; default: what is "
                  "found there",
                  false},
    [SYSTEM] = {"system", NULL, "the system's own store as well", false},
    [INSECURE] = {"insecure", NULL, "let Docker do without TLS: never for production", false},
    [REBOOT] = {"reboot", NULL, "restart boot2docker, which reads certificates only then", false},
    [ROOT] = {"root", "DIR", "with the target local: the tree of an image; no program of it is run", false},
    [DRY_RUN] = {"dry-run", NULL, "say what would be written or removed", false},
    [JOBS] = {"jobs", "N", "so many hosts at a time (8)", false},
    [TIMEOUT] = {"timeout", "SECONDS", "for each host and step (60)", false},
    [SSH_OPTION] = {"ssh-option", "OPTION", "for ssh -o, as in ProxyJump=gate", .repeats = true},
    [IDENTITY] = {"identity", "FILE", "for ssh -i", false},
    [JSON] = {"json", NULL, "the result as JSON", false},
};

/* All that a command line says, checked. */
struct trust_order {
    struct trust_registry registry;
    struct trust_targets targets;
    struct trust_files files;
    struct trust_request request;
    struct trust_ways ways;
    char runtimes[RUNTIMES_ROOM];
    char root[PATH_MAX];
};

/* "docker,containerd" with blanks for commas, each known and none twice. */
static int read_runtimes(const char *list, char out[RUNTIMES_ROOM], struct err *e)
{
    static const char *const known[] = {"docker", "containerd", "containers", "boot2docker"};
    struct str rest = str_of(list);
    size_t n = 0;

    for (bool more = true; more;) {
        struct str word = {rest.p, str_find(rest, ',')};
        size_t i = 0;

        while (i < sizeof(known) / sizeof(known[0]) && !str_eq(word, str_of(known[i])))
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return err_set(e, ERR_INVALID,
                           "--runtimes takes docker, containerd, containers and boot2docker, with commas "
                           "between them, not \"%.*s\"",
                           (int)word.n, word.p);
        if (strstr(out, known[i]) == NULL)
            n += (size_t)snprintf(out + n, RUNTIMES_ROOM - n, "%s%s", n == 0 ? "" : " ", known[i]);
        more = word.n < rest.n;
        rest = str_from(rest, word.n + 1);
    }
    return 0;
}

static int read_root(const struct invocation *call, struct trust_order *trust, struct err *e)
{
    if (!call->given[ROOT])
        return 0;
    if (trust->targets.n != 1 || trust->targets.items[0].reach != REACH_LOCAL)
        return err_set(e, ERR_INVALID, "--root is for the target local alone");
    if (realpath(call->values[ROOT], trust->root) == NULL)
        return err_errno(e, "%s", call->values[ROOT]);
    if (strpbrk(trust->root, "\n\t") != NULL)
        return err_set(e, ERR_INVALID, "--root: a path with a tab or a newline in it cannot be worked with");
    if (strcmp(trust->root, "/") == 0)
        return err_set(e, ERR_INVALID, "--root / is this machine itself: leave it out");
    return 0;
}

static int read_targets(const struct invocation *call, struct trust_order *trust, struct err *e)
{
    const char *path;

    for (int i = 1; i < call->argument_count; i++)
        if (trust_targets_add(&trust->targets, call->arguments[i], e) != 0)
            return -1;
    for (size_t i = 0; (path = option_value(call, HOSTS_FILE, i)) != NULL; i++)
        if (trust_targets_read(&trust->targets, path, e) != 0)
            return -1;
    if (trust->targets.n == 0)
        return err_set(e, ERR_INVALID, "no target: local, [user@]host[:port], machine:NAME, or --hosts-file FILE");
    return 0;
}

static int read_ways(const struct invocation *call, struct trust_ways *ways, struct err *e)
{
    const char *value;
    uint64_t jobs, timeout;

    if (option_number(call, JOBS, 1, JOBS_MAX, JOBS_DEFAULT, &jobs, e) != 0 ||
        option_number(call, TIMEOUT, 1, TIMEOUT_MAX, TIMEOUT_DEFAULT, &timeout, e) != 0)
        return -1;
    ways->jobs = (unsigned)jobs;
    ways->timeout = (unsigned)timeout;
    ways->progress = trust_print_progress;
    ways->ssh.identity = call->values[IDENTITY];
    ways->ssh.may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    for (size_t i = 0; (value = option_value(call, SSH_OPTION, i)) != NULL; i++) {
        if (i == TRUST_SSH_OPTIONS_MAX)
            return err_set(e, ERR_TOO_LARGE, "more than %d --ssh-option", TRUST_SSH_OPTIONS_MAX);
        ways->ssh.options[ways->ssh.option_count++] = value;
    }
    return 0;
}

static int read_files(const struct invocation *call, struct trust_files *files, struct err *e)
{
    if (call->given[CA] && trust_files_read_ca(files, call->values[CA], e) != 0)
        return -1;
    if (call->given[CLIENT_CERT] &&
        trust_files_read_client(files, call->values[CLIENT_CERT], call->values[CLIENT_KEY], e) != 0)
        return -1;
    return 0;
}

/* What options need of each other. */
static int check_install(const struct invocation *call, struct err *e)
{
    if (!call->given[CA] && !call->given[INSECURE])
        return err_set(e, ERR_INVALID, "install needs --ca FILE: what the hosts are to trust");
    if (call->given[CLIENT_CERT] != call->given[CLIENT_KEY])
        return err_set(e, ERR_INVALID, "--client-cert and --client-key go together");
    if (!call->given[CA] && (call->given[CLIENT_CERT] || call->given[SYSTEM]))
        return err_set(e, ERR_INVALID, "--client-cert and --system need --ca FILE");
    if (call->given[REBOOT] && call->given[ROOT])
        return err_set(e, ERR_INVALID, "--reboot is not for an image's tree");
    return 0;
}

static void fill_request(const struct invocation *call, enum trust_action action, struct trust_order *trust)
{
    struct trust_request *request = &trust->request;

    request->action = action;
    request->registry = &trust->registry;
    request->files = &trust->files;
    request->runtimes = trust->runtimes;
    request->root = trust->root;
    request->dry = call->given[DRY_RUN];
    request->system = call->given[SYSTEM];
    request->insecure = call->given[INSECURE];
    request->reboot = call->given[REBOOT];
    clock_stamp((int64_t)clock_wall_s(), request->stamp);
}

static int report(const struct invocation *call, const struct trust_order *trust, const struct trust_result *results)
{
    struct sbuf out = {0};
    bool good = true;

    for (size_t i = 0; i < trust->targets.n; i++)
        good = good && trust_result_good(&results[i]);
    (call->given[JSON] ? trust_print_json : trust_print_table)(&trust->request, results, trust->targets.n,
                                                               (time_t)clock_wall_s(), &out);
    fwrite(out.p, 1, out.n, stdout);
    sbuf_free(&out);
    return good ? EXIT_DONE : EXIT_REFUSED;
}

/* Clients compare letter by letter. */
static void tell_spelling(const struct invocation *call, const struct trust_order *trust)
{
    const char *given = call->arguments[0], *name = trust->registry.names[0];

    if (strcmp(given, name) != 0)
        fprintf(stderr, "%s: the folders are called %s, not %s: write it like that in image names too\n",
                call->program->name, name, given);
}

static int carry_out(const struct invocation *call, struct trust_order *trust)
{
    struct trust_result *results = xcalloc(trust->targets.n, sizeof(*results));
    int status;

    if (trust->ways.jobs > trust->targets.n)
        trust->ways.jobs = (unsigned)trust->targets.n;
    if (trust->request.insecure)
        fprintf(stderr, "%s: --insecure lets Docker talk to %s unprotected: never for production\n",
                call->program->name, trust->registry.names[0]);
    trust_run(&trust->request, &trust->targets, &trust->ways, results);
    status = report(call, trust, results);
    for (size_t i = 0; i < trust->targets.n; i++)
        trust_report_free(&results[i].report);
    free(results);
    return status;
}

static int run_action(const struct invocation *call, enum trust_action action)
{
    struct trust_order trust = {.runtimes = ""};
    struct err e = {.code = ERR_NONE};
    int status;

    if ((action == TRUST_INSTALL && check_install(call, &e) != 0) ||
        trust_registry_parse(call->arguments[0], &trust.registry, &e) != 0 ||
        (call->given[RUNTIMES] && read_runtimes(call->values[RUNTIMES], trust.runtimes, &e) != 0) ||
        read_targets(call, &trust, &e) != 0 || read_root(call, &trust, &e) != 0 ||
        read_ways(call, &trust.ways, &e) != 0) {
        status = e.code == ERR_NOT_FOUND ? program_fail(call, &e) : program_misused(call, &e);
    } else if (read_files(call, &trust.files, &e) != 0) {
        status = program_fail(call, &e);
    } else {
        tell_spelling(call, &trust);
        fill_request(call, action, &trust);
        status = carry_out(call, &trust);
    }
    trust_files_free(&trust.files);
    trust_targets_free(&trust.targets);
    return status;
}

static int run_install(const struct invocation *call)
{
    return run_action(call, TRUST_INSTALL);
}

static int run_check(const struct invocation *call)
{
    return run_action(call, TRUST_CHECK);
}

static int run_remove(const struct invocation *call)
{
    return run_action(call, TRUST_REMOVE);
}

#define TAKES(option) (UINT64_C(1) << (option))
#define REACHING                                                                                                \
    (TAKES(HOSTS_FILE) | TAKES(RUNTIMES) | TAKES(JOBS) | TAKES(TIMEOUT) | TAKES(SSH_OPTION) | TAKES(IDENTITY) | \
     TAKES(JSON))

static const struct command_spec commands[] = {
    {"install", "REGISTRY TARGET…", 1, ARGUMENTS_ANY,
     REACHING | TAKES(CA) | TAKES(CLIENT_CERT) | TAKES(CLIENT_KEY) | TAKES(SYSTEM) | TAKES(INSECURE) | TAKES(REBOOT) |
         TAKES(ROOT) | TAKES(DRY_RUN),
     "make the targets trust the registry", run_install},
    {"check", "REGISTRY TARGET…", 1, ARGUMENTS_ANY, REACHING | TAKES(SYSTEM),
     "prove it by a TLS handshake from each target", run_check},
    {"remove", "REGISTRY TARGET…", 1, ARGUMENTS_ANY, REACHING | TAKES(ROOT) | TAKES(DRY_RUN),
     "take away what install wrote, --insecure included", run_remove},
};

static const struct program_example examples[] = {
    {"Make three hosts trust a registry:",
     "berth-trust install registry.example.com:5000 --ca ca.crt root@node1 admin@node2:2222 local"},
    {"See that they do:", "berth-trust check registry.example.com:5000 root@node1 admin@node2:2222 local"},
    {"Hand out a client certificate as well, to a list of hosts:",
     "berth-trust install registry.example.com:5000 --ca ca.crt --client-cert client.cert --client-key client.key "
     "--hosts-file hosts.txt"},
    {"A boot2docker machine, which reads it when it restarts:",
     "berth-trust install registry.example.com:5000 --ca ca.crt --reboot machine:default"},
    {"The tree of an image that is being built:",
     "berth-trust install [2001:db8::5]:5000 --ca ca.crt --root /mnt/image --runtimes docker,containerd local"},
};

static const struct program_item files[] = {
    {"/etc/docker/certs.d/REGISTRY/", "ca.crt, client.cert, client.key: Docker"},
    {"/etc/containerd/certs.d/REGISTRY/", "the same and hosts.toml: containerd; Kubernetes reads it when config_path "
                                          "in /etc/containerd/config.toml says so"},
    {"/etc/containers/certs.d/REGISTRY/", "ca.crt, client.cert, client.key: Podman, Buildah, Skopeo"},
    {"/var/lib/boot2docker/", "certs/NAME.pem and etc/docker/certs.d: boot2docker, which loses its /etc"},
    {"/etc/docker/daemon.json", "--insecure; the file as it was stays beside it, with the date in its name"},
};

static const struct program_spec program = {
    .name = "berth-trust",
    .summary = "make hosts trust a registry",
    .examples = examples,
    .example_count = sizeof(examples) / sizeof(examples[0]),
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .notes = "A target is local, [user@]host[:port] by ssh, or machine:NAME by docker-machine. Who is not root there "
             "needs sudo without a password.\n\n"
             "REGISTRY is written as in image names: with its port, unless that is 443. Given with :443, both names "
             "get a folder.\n\n"
             "exit status: 0 done, 1 failed or not trusted on some target, 2 wrong usage, 3 file not found\n",
    .description =
        "berth-trust writes a registry's certificate authority to where the programs on a host look for it, and a "
        "client certificate beside it, so that they pull and push without further settings. It may be run again at "
        "any time: what is there already as it should be is left untouched.\n\n"
        "The client's key is readable by root alone, and on its way it stands in no command line. What berth-trust "
        "wrote into a folder is recorded there in .berth-trust. A file of somebody else in its place stays as a copy "
        "with the date in its name when it is replaced, and is not removed; a hosts.toml of somebody else is left "
        "alone, and containerd's folder with it. In daemon.json only the list insecure-registries is changed, by "
        "--insecure and by remove.",
    .files = files,
    .file_count = sizeof(files) / sizeof(files[0]),
    .see_also = "berth-ca(1), ssh(1)",
};

int main(int argc, char **argv)
{
    return program_run(&program, argc, argv);
}
