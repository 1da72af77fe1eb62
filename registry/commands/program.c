/* The tables of `berth`: its commands and their options. */
#include "registry/commands/program.h"

#include "registry/commands/commands.h"
#include "registry/ops/op.h"

static const struct option_spec options[] = {
    [OPTION_CONFIG] = {.name = "config", .value = "FILE", .help = "the configuration; default: as for serve"},
    [OPTION_RULES] = {.name = "rules", .value = "FILE", .help = "a file of access rules, instead of those configured"},
    [OPTION_ADDRESS] = {.name = "address", .value = "IP", .help = "where the caller comes from; default: not known"},
    [OPTION_CERTIFICATE] = {.name = "certificate",
                            .value = "NAME",
                            .help = "the name in the caller's verified certificate; default: none"},
    [OPTION_ALL] = {.name = "all",
                    .help =
                        "access: also the rules before the one that decides, and why they do not match; config: also "
                        "the keys that are not set"},
    [OPTION_JSON] = {.name = "json", .help = "for programs"},
    [OPTION_DRY_RUN] = {.name = "dry-run", .help = "change nothing, list what would be done and why"},
    [OPTION_DELETE_UNTAGGED] = {.name = "delete-untagged",
                                .help =
                                    "also manifests that no tag leads to: not those in an index that stays, nor what "
                                    "is attached to an image that stays"},
    [OPTION_QUIET] = {.name = "quiet", .help = "say nothing but errors"},
    [OPTION_USER] = {.name = "user",
                     .value = "NAME[:GROUP]",
                     .help = "serve, as root: become that user for good, once ports are bound; doctor: who will serve; "
                             "import: who logs in to the other registry"},
    [OPTION_GRACE] = {.name = "grace",
                      .value = "DURATION",
                      .help = "keep what was needed within that time; 0s: nothing, not even what is being pushed; "
                              "default: as configured"},
    [OPTION_COPY] = {.name = "copy", .help = "copies of all blobs, where hard links would be possible"},
    [OPTION_LINK] = {.name = "link", .help = "hard links to the blobs of the backup, where they are possible"},
    [OPTION_VERIFY] = {.name = "verify",
                       .help = "also read what the backup has already, and replace what is damaged there"},
    [OPTION_KEEP] = {.name = "keep",
                     .value = "N",
                     .help = "afterwards remove all snapshots but the N newest, and what only they need"},
    [OPTION_SNAPSHOT] = {.name = "snapshot", .value = "STAMP", .help = "that one, as 'backup list' shows it"},
    [OPTION_TO] = {.name = "to", .value = "DIR", .help = "the data directory, instead of the configured one"},
    [OPTION_INCOMPLETE] = {.name = "incomplete",
                           .help = "do without blobs that are missing or damaged in the backup; they are listed"},
    [OPTION_FORGET_HISTORY] = {.name = "forget-history",
                               .help =
                                   "what tags pointed to before, and what was deleted, cannot be put back any more; "
                                   "with delete-untagged its space is freed, too"},
    [OPTION_AT] = {.name = "at",
                   .value = "TIME",
                   .help = "what the tag pointed to then, 2026-11-22T10:15:30Z, or so long ago, 2h; default: before "
                           "what last happened to it"},
    [OPTION_DIGEST] = {.name = "digest", .value = "DIGEST", .help = "point the tag to this manifest"},
    [OPTION_RATE] = {.name = "rate",
                     .value = "SIZE",
                     .help = "read so much in a second at most: 50MiB, or 50MiB/s; 0: as fast as can be; default: as "
                             "configured"},
    [OPTION_METADATA_ONLY] = {.name = "metadata-only", .help = "leave the blobs' files alone"},
    [OPTION_DEPTH] = {.name = "depth",
                      .value = "N",
                      .help = "one line for all that share the first N parts of their names"},
    [OPTION_TIMEOUT] = {.name = "timeout",
                        .value = "DURATION",
                        .help = "how long to wait at most; default: 5s, and for drain not to wait"},
    [OPTION_NO_VERIFY] = {.name = "no-verify", .help = "do not read the blobs to compare them with their digests"},
    [OPTION_REPOSITORY] = {.name = "repository",
                           .value = "PATTERN",
                           .help = "only such: team/app, or team/** for all below team; may be given several times",
                           .repeats = true},
    [OPTION_TAG] = {.name = "tag",
                    .value = "PATTERN",
                    .help = "only tags of such names, where a star stands for anything; may be given several times",
                    .repeats = true},
    [OPTION_PASSWORD_FILE] = {.name = "password-file",
                              .value = "FILE",
                              .help = "the password of --user; default: $BERTH_IMPORT_PASSWORD, else it is asked for"},
    [OPTION_AUTHFILE] = {.name = "authfile",
                         .value = "FILE",
                         .help =
                             "the login from there; default: Podman's or Docker's file, where it names the registry"},
    [OPTION_CA] = {.name = "ca",
                   .value = "FILE",
                   .help = "authorities that may have issued the other registry's certificate, besides the system's"},
    [OPTION_INSECURE] = {.name = "insecure", .help = "whatever certificate the other registry shows"},
    [OPTION_PLAIN_HTTP] = {.name = "plain-http", .help = "http:// to the other registry, passwords included"},
    [OPTION_JOBS] = {.name = "jobs", .value = "N", .help = "so many downloads at a time, 1 to 32; default: 4"},
    [OPTION_NO_REFERRERS] = {.name = "no-referrers",
                             .help = "without signatures and whatever else is attached to the images"},
    [OPTION_OVERWRITE] = {.name = "overwrite",
                          .help =
                              "also move tags that point to other images here; default: they stay, and are told of"},
    [OPTION_HOST] = {.name = "host",
                     .value = "NAME",
                     .help = "what clients call the registry: a name or an address, with or without a port",
                     .repeats = true},
};

static const struct program_example examples[] = {
    {"serve with a configuration", "berth serve /etc/berth/config.yml"},
    {"serve with the defaults, images elsewhere", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/srv/images berth serve"},
    {"serve ports that need root, as a user of its own", "berth serve /etc/berth/config.yml --user berth"},
    {"does it answer? for a container's health check", "berth health --timeout 3s"},
    {"something does not work?", "berth doctor"},
    {"what is in force, and which file or variable says so?", "berth config show"},
    {"what can be configured about TLS?", "berth config keys http.tls"},
    {"how is the server? let it be read-only for a while", "berth ctl status; berth ctl read-only on"},
    {"which rule lets alice push, or does not?", "berth access explain alice push team-a/app"},
    {"may somebody pull without a login, from there?", "berth access explain - pull team-a/app --address 192.0.2.7"},
    {"is a file of rules good? what does it say?", "berth access check --rules access.yml"},
    {"what could be freed just now?", "berth gc --dry-run"},
    {"save everything while serving, keep a fortnight", "berth backup /mnt/backup/berth --keep 14"},
    {"what is saved, and is it whole?", "berth backup list /mnt/backup/berth; berth backup verify /mnt/backup/berth"},
    {"put it back, into a new directory", "berth restore /mnt/backup/berth --to /srv/registry"},
    {"take over what registry:2 has stored", "berth import /srv/old-registry"},
    {"give it back, for registry:2 to serve", "berth export /srv/registry-again"},
    {"copy what another registry has, again and again", "berth import docker://old.example:5000 --user admin"},
    {"some of it", "berth import docker://old.example:5000 --repository 'team-a/**' --tag 'v*'"},
    {"free all that no tag leads to, at once and for good", "berth gc --delete-untagged --forget-history --grace 0s"},
    {"which tags would rules of retention delete, and why?", "berth retention --dry-run"},
    {"what happened to a tag?", "berth tags history team-a/app:latest"},
    {"put it back to where it was", "berth tags restore team-a/app:latest"},
    {"is everything as it was pushed? who is hurt?", "berth scrub --rate 50MiB"},
    {"repair what can be, while the server is stopped", "berth fsck"},
    {"who needs how much, by team?", "berth du --depth 1"},
    {"remove a repository with all its images", "berth repository delete team-a/old"},
};

#define TAKES(option) (UINT64_C(1) << (option))
#define GC_OPTIONS                                                                                        \
    (TAKES(OPTION_CONFIG) | TAKES(OPTION_DRY_RUN) | TAKES(OPTION_DELETE_UNTAGGED) | TAKES(OPTION_QUIET) | \
     TAKES(OPTION_GRACE) | TAKES(OPTION_FORGET_HISTORY))

static const uint64_t exclusive[] = {TAKES(OPTION_AT) | TAKES(OPTION_DIGEST),
                                     TAKES(OPTION_USER) | TAKES(OPTION_AUTHFILE)};

static const struct command_spec commands[] = {
    {.name = "serve",
     .arguments = "[CONFIG-FILE]",
     .max = 1,
     .options = TAKES(OPTION_USER),
     .help = "serve until SIGTERM; SIGHUP reads certificates, users and rules again, SIGUSR1 opens "
             "log files again",
     .run = command_serve},
    {.name = "health",
     .arguments = "[CONFIG-FILE]",
     .max = 1,
     .options = TAKES(OPTION_TIMEOUT) | TAKES(OPTION_JSON),
     .help =
         "does the server that the configuration describes answer? exit status 0 or 1, one line why; for the health "
         "check of a container",
     .run = command_health},
    {.name = "access",
     .arguments = "explain USER ACTION REPOSITORY | check",
     .min = 1,
     .max = 4,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_RULES) | TAKES(OPTION_ADDRESS) | TAKES(OPTION_CERTIFICATE) |
                TAKES(OPTION_ALL) | TAKES(OPTION_JSON),
     .help = "which access rule decides (pull, push, delete, overwrite)? USER - is nobody; check: are they good?",
     .run = command_access},
    {.name = "config",
     .arguments = "show [CONFIG-FILE] | check [CONFIG-FILE] | keys [KEY] | man",
     .min = 1,
     .max = 2,
     .options = TAKES(OPTION_ALL) | TAKES(OPTION_JSON),
     .help = "every setting in force and where it comes from, as a configuration without its secrets; is it good? all "
             "keys there are, or those below KEY; the manual page berth-config(5)",
     .run = command_config},
    {.name = "ctl",
     .arguments = "status | read-only on|off | drain | undrain | log-level LEVEL | reload | rules | reopen-logs",
     .min = 1,
     .max = 2,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_JSON) | TAKES(OPTION_TIMEOUT),
     .help = "the server that runs: how it is; what it shall do until it is restarted; drain: not ready, connections "
             "end, with --timeout wait for that; reload: users, rules, certificates, and what is wrong with them",
     .run = command_op},
    {.name = "doctor",
     .arguments = "[CONFIG-FILE]",
     .max = 1,
     .options = TAKES(OPTION_HOST) | TAKES(OPTION_USER) | TAKES(OPTION_JSON),
     .help =
         "what is wrong with the configuration, files, certificates, disk, ports and clock, and what to do; changes "
         "nothing; ends with the lines for Docker hosts",
     .run = command_doctor},
    {.name = "du",
     .arguments = "[PATH…]",
     .max = ARGUMENTS_ANY,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_JSON) | TAKES(OPTION_DEPTH),
     .help = "bytes of each repository, or of those at and below the paths: all, and what no other repository holds",
     .run = command_op},
    {.name = "repository",
     .arguments = "list | delete NAME…",
     .min = 1,
     .max = ARGUMENTS_ANY,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_DRY_RUN),
     .help = "the repositories that hold anything; remove all that is in some, also while the server runs",
     .run = command_op},
    {.name = "tags",
     .arguments = "list REPOSITORY | history REPOSITORY[:TAG] | restore REPOSITORY:TAG",
     .min = 2,
     .max = 2,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_JSON) | TAKES(OPTION_AT) | TAKES(OPTION_DIGEST),
     .help = "what tags point to, and what happened to them; put one back that was moved or deleted, with its image",
     .run = command_op},
    {.name = "retention",
     .arguments = "[REPOSITORY…]",
     .max = ARGUMENTS_ANY,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_DRY_RUN),
     .help = "delete the tags that the configured rules of retention let go of; --dry-run says of each why",
     .run = command_op},
    {.name = "gc",
     .arguments = "[CONFIG-FILE]",
     .max = 1,
     .options = GC_OPTIONS,
     .help =
         "free the space of blobs that nobody needs, at once; works beside a server, which does so by itself in time",
     .run = command_op},
    {.name = "garbage-collect",
     .arguments = "CONFIG-FILE",
     .min = 1,
     .max = 1,
     .options = GC_OPTIONS,
     .help = "gc as distribution spells it, also with -d, -m and -q",
     .run = command_op},
    {.name = "scrub",
     .arguments = "",
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_RATE) | TAKES(OPTION_METADATA_ONLY) | TAKES(OPTION_DRY_RUN) |
                TAKES(OPTION_JSON),
     .help = "read all blobs again, put damaged ones in quarantine, check the metadata, tell which images are hurt",
     .run = command_op},
    {.name = "fsck",
     .arguments = "",
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_METADATA_ONLY) | TAKES(OPTION_DRY_RUN) | TAKES(OPTION_JSON),
     .help = "scrub at full speed and repair the metadata, while no server runs; --metadata-only takes seconds",
     .run = command_op},
    {.name = "backup",
     .arguments = "DIR | list DIR | verify DIR",
     .min = 1,
     .max = 2,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_COPY) | TAKES(OPTION_VERIFY) | TAKES(OPTION_KEEP) |
                TAKES(OPTION_SNAPSHOT) | TAKES(OPTION_JSON) | TAKES(OPTION_QUIET),
     .help = "save the data directory while it is served; what is in DIR already is used. list: the snapshots there; "
             "verify: read them all, or the one of --snapshot",
     .run = command_backup},
    {.name = "import",
     .arguments = "DIR | docker://HOST[:PORT][/REPOSITORY[:TAG]]",
     .min = 1,
     .max = 1,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_NO_VERIFY) | TAKES(OPTION_COPY) | TAKES(OPTION_REPOSITORY) |
                TAKES(OPTION_TAG) | TAKES(OPTION_USER) | TAKES(OPTION_PASSWORD_FILE) | TAKES(OPTION_AUTHFILE) |
                TAKES(OPTION_CA) | TAKES(OPTION_INSECURE) | TAKES(OPTION_PLAIN_HTTP) | TAKES(OPTION_JOBS) |
                TAKES(OPTION_NO_REFERRERS) | TAKES(OPTION_OVERWRITE) | TAKES(OPTION_DRY_RUN) | TAKES(OPTION_JSON) |
                TAKES(OPTION_QUIET),
     .help =
         "take over the data directory of a distribution registry (registry:2) by hard links, also while either "
         "serves; or copy all or chosen images of another registry over the wire, verified. What is here already is "
         "passed over, so the same again goes on, or finds what came since",
     .run = command_op},
    {.name = "export",
     .arguments = "DIR",
     .min = 1,
     .max = 1,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_COPY) | TAKES(OPTION_REPOSITORY) | TAKES(OPTION_DRY_RUN) |
                TAKES(OPTION_JSON),
     .help = "write a data directory that registry:2 serves, by hard links, also while this registry is served; one "
             "that was exported before is brought up to date",
     .run = command_op},
    {.name = "restore",
     .arguments = "DIR",
     .min = 1,
     .max = 1,
     .options = TAKES(OPTION_CONFIG) | TAKES(OPTION_TO) | TAKES(OPTION_SNAPSHOT) | TAKES(OPTION_LINK) |
                TAKES(OPTION_INCOMPLETE) | TAKES(OPTION_JSON) | TAKES(OPTION_QUIET),
     .help =
         "make an empty data directory what it was; every blob is verified. Without --snapshot: the newest complete",
     .run = command_restore},
};

static const struct program_item environment[] = {
    {"BERTH_IMPORT_PASSWORD", "the password of --user, for import"},
    {"http_proxy, https_proxy, no_proxy",
     "how other hosts are reached; for import through a server, in its environment"},
};

static const struct program_spec program = {
    .name = "berth",
    .summary = "a private registry for container images",
    .examples = examples,
    .example_count = sizeof(examples) / sizeof(examples[0]),
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .exclusive = exclusive,
    .exclusive_count = sizeof(exclusive) / sizeof(exclusive[0]),
    .notes =
        "The configuration is YAML as the CNCF distribution registry takes it. Without one named:\n"
        "$REGISTRY_CONFIGURATION_PATH, else the first of /etc/berth/config.yml, /etc/distribution/config.yml,\n"
        "/etc/docker/registry/config.yml. Every key can be set from the environment: http.addr is\n"
        "REGISTRY_HTTP_ADDR.\n"
        "\n"
        "Called as registry, by a link, it takes the command line of distribution's program, too. A file *.yml or\n"
        "*.yaml in place of the command is served.\n"
        "\n"
        "exit status: 0 done or allowed, 1 failed or denied, or damage was found, 2 wrong usage, 3 what was named "
        "is not\n"
        "there\n",
    .environment = environment,
    .environment_count = sizeof(environment) / sizeof(environment[0]),
    .see_also = "berth-config(5), berth-user(1), berth-ca(1), berth-trust(1)",
};

const struct program_spec *berth_program(void)
{
    return &program;
}
