#include "tools/trust/trust_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static const struct trust_ssh quiet = {.may_ask = false};

/* The command of a target, its words with blanks between them and without the last, the shell's. */
static void command_of(const char *text, const struct trust_ssh *ssh, char *out, size_t room)
{
    struct trust_targets targets = {0};
    const char *arguments[TRUST_ARGUMENTS_MAX];
    struct err e;
    size_t n = 0;

    CHECK_INT(trust_targets_add(&targets, text, &e), 0);
    trust_target_command(&targets.items[0], ssh, true, arguments);
    out[0] = '\0';
    for (size_t i = 0; arguments[i + 1] != NULL; i++)
        n += (size_t)snprintf(out + n, room - n, "%s%s", i == 0 ? "" : " ", arguments[i]);
    trust_targets_free(&targets);
}

#define PLAIN                                                                          \
    "-o IgnoreUnknown=* -o RemoteCommand=none -o SessionType=default -o StdinNull=no " \
    "-o ForkAfterAuthentication=no "
#define BATCH "ssh -T " PLAIN "-o BatchMode=yes -o ConnectTimeout=10 "

static const char *const accepted[][2] = {
    {"local", "sh -c"},
    {"machine:default", "docker-machine ssh default"},
    {"node1", BATCH "-- node1"},
    {"Node_1.example.com:2222", BATCH "-p 2222 -- Node_1.example.com"},
    {"root@node1", BATCH "-l root -- node1"},
    {"user@local", BATCH "-l user -- local"},
    {"192.0.2.7:22", BATCH "-p 22 -- 192.0.2.7"},
    {"2001:db8::7", BATCH "-- 2001:db8::7"},
    {"[2001:db8::7]", BATCH "-- 2001:db8::7"},
    {"admin@[2001:db8::7]:22", BATCH "-p 22 -l admin -- 2001:db8::7"},
};

TEST(good, "a target is reached by sh, ssh or docker-machine")
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        char command[512];

        command_of(accepted[i][0], &quiet, command, sizeof(command));
        CHECK_TEXT(command, accepted[i][1]);
    }
}

static const char *const refused[] = {
    "",
    "-oProxyCommand=id",
    "a b",
    "root@",
    "@host",
    "-l@host",
    "a@b@c",
    "host:",
    "host:0",
    "host:65536",
    "host:ssh",
    "$(id)",
    "host;id",
    "[2001:db8::7",
    "machine:",
    "machine:-x",
    "machine:a b",
    "[node1]:22",
    "[::1]22",
    "[::1]:",
    "host\n",
    "root@-x",
    "user name@host",
    "a/b",
    "2001:db8::7:xyz",
    "us'er@host",
    "host\033[2J",
};

TEST(bad, "what could be anything else than a host is refused")
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct trust_targets targets = {0};
        struct err e;

        CHECK_INT(trust_targets_add(&targets, refused[i], &e), -1);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_INT(targets.n, 0);
    }
}

TEST(options, "the caller's options go before ours, which a terminal makes needless")
{
    struct trust_ssh ssh = {
        .options = {"ProxyJump=gate", "ConnectTimeout=2"}, .option_count = 2, .identity = "key file"};
    char command[512];

    command_of("root@node1:2222", &ssh, command, sizeof(command));
    CHECK_TEXT(command, "ssh -T -o ProxyJump=gate -o ConnectTimeout=2 " PLAIN
                        "-o BatchMode=yes -o ConnectTimeout=10 -i key file "
                        "-p 2222 -l root -- node1");
    ssh = (struct trust_ssh){.may_ask = true};
    command_of("node1", &ssh, command, sizeof(command));
    CHECK_TEXT(command, "ssh -T " PLAIN "-- node1");
}

TEST(shell, "the login shell at the other end gets one word in single quotes, for which most options leave room")
{
    struct trust_ssh ssh = {.identity = "key", .option_count = TRUST_SSH_OPTIONS_MAX};
    struct trust_targets targets = {0};
    const char *arguments[TRUST_ARGUMENTS_MAX], *last = "";
    struct err e;

    for (size_t i = 0; i < TRUST_SSH_OPTIONS_MAX; i++)
        ssh.options[i] = "Compression=no";
    CHECK_INT(trust_targets_add(&targets, "root@node1:22", &e), 0);
    trust_target_command(&targets.items[0], &ssh, true, arguments);
    for (size_t i = 0; arguments[i] != NULL; i++)
        last = arguments[i];
    CHECK(strncmp(last, "sh -c '", 7) == 0);
    CHECK_TEXT(strchr(last + 7, '\''), "'");
    trust_targets_free(&targets);
}

TEST(list, "a target given twice counts once")
{
    struct trust_targets targets = {0};
    struct err e;

    CHECK_INT(trust_targets_add(&targets, "local", &e), 0);
    CHECK_INT(trust_targets_add(&targets, "node1", &e), 0);
    CHECK_INT(trust_targets_add(&targets, "local", &e), 0);
    CHECK_INT(targets.n, 2);
    trust_targets_free(&targets);
    CHECK_INT(targets.n, 0);
}

/* One folder for all tests here. */
static const char *folder(void)
{
    static const char *dir;

    if (dir == NULL)
        dir = test_dir();
    return dir;
}

static const char *write_list(const char *text)
{
    static char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/hosts", folder());
    file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK_INT(fclose(file), 0);
    return path;
}

TEST(file, "a list has one target a line, comments and empty lines, and may end without a newline")
{
    struct trust_targets targets = {0};
    struct err e;

    CHECK_INT(trust_targets_read(&targets, write_list("# all\n\n  root@node1\t# first\r\n\r\nnode2:22\nlocal"), &e), 0);
    CHECK_INT(targets.n, 3);
    CHECK_TEXT(targets.items[0].text, "root@node1");
    CHECK_TEXT(targets.items[1].port, "22");
    CHECK_INT(targets.items[2].reach, REACH_LOCAL);
    CHECK_INT(trust_targets_read(&targets, write_list(""), &e), 0);
    CHECK_INT(targets.n, 3);
    trust_targets_free(&targets);
}

TEST(file_wrong, "an error in a list names its line; a list that is not there is named")
{
    struct trust_targets targets = {0};
    char wanted[600];
    struct err e;

    CHECK_INT(trust_targets_read(&targets, write_list("node1\n\nuser name@node2\n"), &e), -1);
    snprintf(wanted, sizeof(wanted), "%s/hosts:3: user name@node2: not a user name in front of the @", folder());
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(trust_targets_read(&targets, "/nonexistent/hosts", &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    trust_targets_free(&targets);
}
