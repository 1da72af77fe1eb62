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

    snprintf(root, sizeof(root), "%s/a tree's \\t$(root)", folder());
    CHECK_INT(file_mkdirs(root, 0755, &e), 0);
    CHECK_INT(trust_registry_parse("[2001:db8::5]:5000", &registry, &e), 0);
    return (struct trust_request){.action = TRUST_INSTALL,
                                  .registry = &registry,
                                  .files = &files,
                                  .runtimes = runtimes,
                                  .root = root,
                                  .stamp = "2026-01-01T000000Z"};
}

/* What the shell prints for a script; it must succeed or fail as wanted. `first` is a folder whose programs go before
 * others. */
static void run_with(const char *first, const struct sbuf *script, bool good, char *out, size_t room)
{
    char path[600], command[1300];
    struct err e;
    FILE *shell;

    snprintf(path, sizeof(path), "%s/script", folder());
    CHECK_INT(file_replace(path, script->p, script->n, 0600, &e), 0);
    snprintf(command, sizeof(command), "PATH='%s':$PATH exec sh -s <'%s'", first, path);
    shell = popen(command, "r");
    CHECK(shell != NULL);
    out[fread(out, 1, room - 1, shell)] = '\0';
    CHECK_INT(pclose(shell) == 0, good);
}

static void run_script(const struct sbuf *script, char *out, size_t room)
{
    run_with("/bin", script, true, out, room);
}

/* One step of a request, which must succeed. */
static void run_step(const struct trust_request *request, enum trust_action step, char *out, size_t room)
{
    struct sbuf script = {0};

    trust_script_put(request, step, NULL, NULL, &script);
    run_script(&script, out, room);
    sbuf_free(&script);
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
    char out[4096], path[700], copy[800];
    struct stat st;
    struct err e;

    snprintf(path, sizeof(path), "%s/etc/docker", request.root);
    CHECK_INT(file_mkdirs(path, 0755, &e), 0);
    snprintf(path, sizeof(path), "%s/etc/docker/daemon.json", request.root);
    CHECK_INT(file_replace(path, "{\"a\": 1}\n", 9, 0640, &e), 0);
    trust_script_put(&request, TRUST_DAEMON, "{\"b\": 2}\n", "{\"a\": 1}\n", &script);
    run_script(&script, out, sizeof(out));
    check_content(path, "{\"b\": 2}\n");
    snprintf(copy, sizeof(copy), "%s.2026-01-01T000000Z", path);
    check_content(copy, "{\"a\": 1}\n");
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    /* The second time it is no longer what it was. */
    run_with("/bin", &script, false, out, sizeof(out));
    CHECK(strstr(out, "daemon.json has changed meanwhile: try again\n") != NULL);
    check_content(path, "{\"b\": 2}\n");
    sbuf_free(&script);
}

TEST(exact, "daemon.json is written to the last byte, a missing or a second newline included")
{
    static const char *const texts[] = {"{\"c\": 3}", "{\"d\": 4}\n\n", "{\"e\": 5}\n"};
    struct trust_request request = request_for("docker");
    char out[4096], path[700];
    const char *was = "{\"b\": 2}";
    struct err e;

    snprintf(path, sizeof(path), "%s/etc/docker", request.root);
    CHECK_INT(file_mkdirs(path, 0755, &e), 0);
    snprintf(path, sizeof(path), "%s/etc/docker/daemon.json", request.root);
    CHECK_INT(file_replace(path, was, strlen(was), 0640, &e), 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sbuf script = {0};

        trust_script_put(&request, TRUST_DAEMON, texts[i], was, &script);
        run_script(&script, out, sizeof(out));
        check_content(path, texts[i]);
        was = texts[i];
        sbuf_free(&script);
    }
}

/* A folder of its own for Podman, with a file in it that somebody has made. */
static void make_theirs(const struct trust_request *request, const char *name, const char *text)
{
    char path[700];
    struct err e;

    path_in_tree(request, "containers", "", path, sizeof(path));
    CHECK_INT(file_mkdirs(path, 0755, &e), 0);
    path_in_tree(request, "containers", name, path, sizeof(path));
    CHECK_INT(file_replace(path, text, strlen(text), 0644, &e), 0);
}

TEST(theirs, "a file of somebody else is kept as a copy when it is replaced, and only ours is removed")
{
    char text[] = "certificate\n";
    struct trust_request request = request_for("containers");
    char out[8192], path[700];

    files = (struct trust_files){.ca = text};
    make_theirs(&request, "ca.crt", "by hand\n");
    make_theirs(&request, "client.cert", "by hand too\n");
    run_step(&request, TRUST_INSTALL, out, sizeof(out));
    path_in_tree(&request, "containers", "ca.crt.2026-01-01T000000Z", path, sizeof(path));
    check_content(path, "by hand\n");
    CHECK(strstr(out, "ca.crt was not from berth-trust: it stays as ") != NULL);
    path_in_tree(&request, "containers", "ca.crt", path, sizeof(path));
    check_content(path, text);
    run_step(&request, TRUST_REMOVE, out, sizeof(out));
    CHECK_INT(access(path, F_OK), -1);
    path_in_tree(&request, "containers", "client.cert", path, sizeof(path));
    check_content(path, "by hand too\n");
    CHECK(strstr(out, "client.cert is not from berth-trust and stays\n") != NULL);
    path_in_tree(&request, "containers", ".berth-trust", path, sizeof(path));
    CHECK_INT(access(path, F_OK), -1);
}

TEST(same_by_hand, "a file that somebody has made as we would is left to them, and so is ours once they changed it")
{
    char text[] = "certificate\n", next[] = "another\n";
    struct trust_request request = request_for("containers");
    char out[8192], path[700];

    files = (struct trust_files){.ca = text};
    make_theirs(&request, "ca.crt", text);
    run_step(&request, TRUST_INSTALL, out, sizeof(out));
    CHECK(strstr(out, "@berth\tfile\tunchanged\t") != NULL);
    run_step(&request, TRUST_REMOVE, out, sizeof(out));
    path_in_tree(&request, "containers", "ca.crt", path, sizeof(path));
    check_content(path, text);
    CHECK_INT(unlink(path), 0);
    run_step(&request, TRUST_INSTALL, out, sizeof(out));
    files.ca = next;
    run_step(&request, TRUST_INSTALL, out, sizeof(out));
    CHECK(strstr(out, "was not from berth-trust") == NULL);
    make_theirs(&request, "ca.crt", "changed\n");
    run_step(&request, TRUST_REMOVE, out, sizeof(out));
    check_content(path, "changed\n");
    CHECK_INT(unlink(path), 0);
}

/* A program that prints `text` instead of openssl: found in the tree, and run from our folder. */
static void check_by(const char *text, const char *wanted)
{
    struct trust_request request = request_for("containers");
    struct sbuf script = {0};
    char out[8192], path[700], program[400];
    struct err e;

    snprintf(path, sizeof(path), "%s/openssl", folder());
    snprintf(program, sizeof(program), "#!/bin/sh\necho '%s'\n", text);
    CHECK_INT(file_replace(path, program, strlen(program), 0755, &e), 0);
    snprintf(path, sizeof(path), "%s/bin", request.root);
    CHECK_INT(file_mkdirs(path, 0755, &e), 0);
    snprintf(path, sizeof(path), "%s/bin/openssl", request.root);
    CHECK_INT(file_replace(path, program, strlen(program), 0755, &e), 0);
    request.action = TRUST_CHECK;
    trust_script_put(&request, TRUST_CHECK, NULL, NULL, &script);
    run_with(folder(), &script, false, out, sizeof(out));
    CHECK(strstr(out, wanted) != NULL);
    CHECK(strstr(out, "@berth\tdone\t1\n") != NULL);
    sbuf_free(&script);
}

TEST(reasons, "what OpenSSL complains of is told in its own words, the last of them when the system says why")
{
    check_by("40A7:error:10080002:BIO routines:BIO_lookup_ex:system lib:bio_addr.c:746:Name or service not known",
             "store: Name or service not known\n");
    check_by("40A7:error:8000006F:system library:BIO_connect:Connection refused:bio_sock2.c:114:calling connect()",
             "store: Connection refused\n");
    check_by("verify error:num=19:self-signed certificate in certificate chain",
             "store: self-signed certificate in certificate chain\n");
}
