#include "tools/trust/trust_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

static struct trust_registry registry;
static struct trust_files files;

/* One folder for all tests here. */
static const char *folder(void)
{
    static const char *dir;

    if (dir == NULL)
        dir = test_dir();
    return dir;
}

/* A request for a tree in which `runtimes` are written for. */
static struct trust_request request_for(const char *runtimes)
{
    static char root[512];
    struct err e;

    snprintf(root, sizeof(root), "%s/a tree's $(root)", folder());
    CHECK_INT(file_mkdirs(root, 0755, &e), 0);
    CHECK_INT(trust_registry_parse("[2001:db8::5]:5000", &registry, &e), 0);
    return (struct trust_request){.action = TRUST_INSTALL,
                                  .registry = &registry,
                                  .files = &files,
                                  .runtimes = runtimes,
                                  .root = root,
                                  .stamp = "2026-01-01T000000Z"};
}

/* What the shell prints for a script; it must succeed. */
static void run_script(const struct sbuf *script, char *out, size_t room)
{
    char path[600], command[700];
    struct err e;
    FILE *shell;
    size_t n;

    snprintf(path, sizeof(path), "%s/script", folder());
    CHECK_INT(file_replace(path, script->p, script->n, 0600, &e), 0);
    snprintf(command, sizeof(command), "exec sh -s <'%s'", path);
    shell = popen(command, "r");
    CHECK(shell != NULL);
    n = fread(out, 1, room - 1, shell);
    out[n] = '\0';
    CHECK_INT(pclose(shell), 0);
}

static void path_in_tree(const struct trust_request *request, const char *folder, const char *name, char *out,
                         size_t room)
{
    snprintf(out, room, "%s/etc/%s/certs.d/[2001:db8::5]:5000/%s", request->root, folder, name);
}

static void check_content(const char *path, const char *wanted)
{
    struct sbuf text = {0};
    struct err e;

    CHECK_INT(file_read(path, 4096, &text, &e), 0);
    CHECK_TEXT(sbuf_text(&text), wanted);
    sbuf_free(&text);
}

TEST(install, "texts arrive as they are, whatever they hold, and a key is its owner's alone")
{
    char hostile[] = "it's $(touch pwned) `id` \\ \"x\" $HOME\nEND\n'\n";
    struct trust_request request = request_for("docker containerd");
    struct sbuf script = {0};
    char out[4096], path[700];
    struct stat st;

    files = (struct trust_files){.ca = hostile, .certificate = hostile, .key = hostile};
    trust_script_put(&request, TRUST_INSTALL, NULL, NULL, &script);
    run_script(&script, out, sizeof(out));
    CHECK(strncmp(out, "@berth\tbegin\t1\n", 15) == 0);
    CHECK(strstr(out, "@berth\tdone\t0\n") != NULL);
    path_in_tree(&request, "docker", "ca.crt", path, sizeof(path));
    check_content(path, hostile);
    path_in_tree(&request, "docker", "client.key", path, sizeof(path));
    check_content(path, hostile);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    path_in_tree(&request, "containerd", "hosts.toml", path, sizeof(path));
    check_content(path, "# Written by berth-trust, which replaces and removes this file.\n"
                        "server = \"https://[2001:db8::5]:5000\"\n"
                        "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
                        "ca = \"ca.crt\"\n"
                        "client = [[\"client.cert\", \"client.key\"]]\n");
    run_script(&script, out, sizeof(out));
    CHECK(strstr(out, "@berth\tfile\tunchanged\t") != NULL);
    CHECK(strstr(out, "@berth\tfile\twritten\t") == NULL);
    sbuf_free(&script);
}

TEST(cut_short, "a script of which the end is missing does nothing")
{
    char text[] = "certificate\n";
    struct trust_request request = request_for("containers");
    struct sbuf script = {0};
    char out[4096], path[700];

    files = (struct trust_files){.ca = text};
    trust_script_put(&request, TRUST_INSTALL, NULL, NULL, &script);
    CHECK(script.n > 6 && memcmp(script.p + script.n - 6, "\nmain\n", 6) == 0);
    script.n -= 5;
    run_script(&script, out, sizeof(out));
    CHECK_TEXT(out, "");
    path_in_tree(&request, "containers", "ca.crt", path, sizeof(path));
    CHECK_INT(access(path, F_OK), -1);
    sbuf_free(&script);
}

TEST(dry, "a dry run writes nothing")
{
    char text[] = "certificate\n";
    struct trust_request request = request_for("containers");
    struct sbuf script = {0};
    char out[4096], path[700];

    files = (struct trust_files){.ca = text};
    request.dry = true;
    trust_script_put(&request, TRUST_INSTALL, NULL, NULL, &script);
    run_script(&script, out, sizeof(out));
    CHECK(strstr(out, "@berth\tfile\twould-write\t") != NULL);
    path_in_tree(&request, "containers", "ca.crt", path, sizeof(path));
    CHECK_INT(access(path, F_OK), -1);
    sbuf_free(&script);
}

TEST(secrets, "only install carries the key")
{
    char key[] = "a secret key";
    struct trust_request request = request_for("docker");
    static const enum trust_action others[] = {TRUST_CHECK, TRUST_REMOVE, TRUST_READ, TRUST_DAEMON};

    files = (struct trust_files){.key = key};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct sbuf script = {0};

        trust_script_put(&request, others[i], NULL, NULL, &script);
        CHECK(strstr(sbuf_text(&script), "secret") == NULL);
        sbuf_free(&script);
    }
}

TEST(changed, "daemon.json is not written over what somebody has changed meanwhile")
{
    struct trust_request request = request_for("docker");
    struct sbuf script = {0};
    char out[4096], path[700], copy[800], command[900];
    struct err e;
    FILE *shell;

    snprintf(path, sizeof(path), "%s/etc/docker", request.root);
    CHECK_INT(file_mkdirs(path, 0755, &e), 0);
    snprintf(path, sizeof(path), "%s/etc/docker/daemon.json", request.root);
    CHECK_INT(file_replace(path, "{\"a\": 1}\n", 9, 0640, &e), 0);
    trust_script_put(&request, TRUST_DAEMON, "{\"b\": 2}\n", "{\"a\": 1}\n", &script);
    run_script(&script, out, sizeof(out));
    check_content(path, "{\"b\": 2}\n");
    snprintf(copy, sizeof(copy), "%s.2026-01-01T000000Z", path);
    check_content(copy, "{\"a\": 1}\n");
    /* The second time it is no longer what it was. */
    snprintf(command, sizeof(command), "exec sh -s <'%s/script'", folder());
    shell = popen(command, "r");
    CHECK(shell != NULL);
    out[fread(out, 1, sizeof(out) - 1, shell)] = '\0';
    CHECK(pclose(shell) != 0);
    CHECK(strstr(out, "daemon.json has changed meanwhile: try again\n") != NULL);
    check_content(path, "{\"b\": 2}\n");
    sbuf_free(&script);
}
