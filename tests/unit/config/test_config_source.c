/* Which file, and files that cannot be read. */
#include "registry/config/config_source.h"

#include <sys/stat.h>

#include "tests/unit/config/config_fixture.h"

static void put(const char *path, const char *text)
{
    if (file_replace(path, text, strlen(text), 0600, NULL) != 0)
        abort();
}

static void enter(void)
{
    if (chdir(test_dir()) != 0)
        abort();
}

TEST(order, "argument, then variable, then the first candidate that exists, then none")
{
    static const char *const candidates[] = {"first.yml", "second.yml", NULL};
    char *with[] = {str_dup(STR("REGISTRY_CONFIGURATION_PATH=/variable.yml")), NULL};
    char *empty[] = {str_dup(STR("REGISTRY_CONFIGURATION_PATH=")), NULL};

    enter();
    CHECK_TEXT(config_source_find("/argument.yml", with, candidates), "/argument.yml");
    CHECK_TEXT(config_source_find(NULL, with, candidates), "/variable.yml");
    CHECK(config_source_find(NULL, empty, candidates) == NULL);
    put("second.yml", "");
    CHECK_TEXT(config_source_find(NULL, empty, candidates), "second.yml");
    put("first.yml", "");
    CHECK_TEXT(config_source_find(NULL, empty, candidates), "first.yml");
    free(with[0]);
    free(empty[0]);
}

TEST(variable, "REGISTRY_CONFIGURATION_PATH chooses the file and is no key")
{
    struct loaded l;

    enter();
    put("chosen.yml", "version: 0.1\nhttp: {addr: ':1'}\n");
    load_path(NULL, "REGISTRY_CONFIGURATION_PATH=chosen.yml", &l);
    CHECK(l.config != NULL);
    CHECK_TEXT(l.config->http_addr, ":1");
    CHECK_TEXT(l.config->source, "chosen.yml");
    CHECK(strstr(l.log.p, "level=info msg=\"configuration: chosen.yml\"") != NULL);
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    unload(&l);
}

TEST(unreadable, "a file that cannot be read is an error with a remedy")
{
    struct loaded l;
    struct sbuf large = {0};

    enter();
    load_path("absent.yml", "", &l);
    CHECK(l.config == NULL);
    CHECK_INT(l.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(l.err.text,
               "absent.yml: No such file or directory; check the path, or leave it out to look in the usual places");
    unload(&l);
    CHECK_INT(mkdir("directory", 0700), 0);
    load_path("directory", "", &l);
    CHECK_TEXT(l.err.text, "directory: a directory; name a file, and if it is mounted, see that it exists on the host");
    unload(&l);
    for (int i = 0; i < (1 << 20) / 64 + 1; i++)
        sbuf_printf(&large, "# %61d\n", i);
    put("large.yml", sbuf_text(&large));
    load_path("large.yml", "", &l);
    CHECK_TEXT(l.err.text, "large.yml: larger than 1048576 bytes; a configuration is no longer than that");
    CHECK_INT(l.err.code, ERR_TOO_LARGE);
    unload(&l);
    sbuf_free(&large);
}

TEST(forbidden, "a file without permission is an error that says who should read it")
{
    struct sbuf text = {0};
    struct err e = {0};
    int rc;

    enter();
    put("secret.yml", "version: 0.1\n");
    CHECK_INT(chmod("secret.yml", 0), 0);
    CHECK(geteuid() != 0 || seteuid(65534) == 0);
    rc = config_source_read("secret.yml", &text, &e);
    CHECK(getuid() != 0 || seteuid(0) == 0);
    CHECK_INT(rc, -1);
    CHECK_INT(e.code, ERR_DENIED);
    CHECK_TEXT(e.text, "secret.yml: Permission denied; let the user that Berth runs as read it");
    sbuf_free(&text);
}
