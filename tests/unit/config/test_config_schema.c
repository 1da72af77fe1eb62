/* The table of keys, and the example configuration that shows it. Run in the root of the source tree. */
#include "registry/config/config_schema.h"
#include "registry/config/config_tree.h"

#include "auth/access.h"
#include "tests/unit/config/config_fixture.h"

TEST(rows, "every row is reached from the root, once, and says why when it is not served")
{
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    CHECK_TEXT(keys[0].path, "");
    for (size_t i = 1; i < n; i++) {
        struct str rest = str_of(keys[i].path);
        const struct config_key *row = &keys[0];

        while (rest.n > 0 && row != NULL) {
            size_t end = str_find(rest, '.');
            struct str name = {rest.p, end};
            bool list = end > 2 && str_eq(str_from(name, end - 2), STR("[]"));

            row = config_schema_member(row, list ? (struct str){name.p, end - 2} : name);
            if (list && row != NULL)
                row = config_schema_item(row);
            rest = str_from(rest, end + 1);
        }
        if (row != &keys[i])
            test_fail(__FILE__, __LINE__, "%s is not reached", keys[i].path);
        if ((keys[i].state == CONFIG_SERVED) != (keys[i].note == NULL))
            test_fail(__FILE__, __LINE__, "%s: note", keys[i].path);
    }
}

TEST(help, "every served key says in a line what it is")
{
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 1; i < n; i++) {
        bool told = keys[i].state == CONFIG_SERVED && keys[i].type != CONFIG_TYPE_GROUP;

        if (told && (keys[i].help == NULL || keys[i].help[0] == '\0' || strchr(keys[i].help, '\n') != NULL))
            test_fail(__FILE__, __LINE__, "%s: help", keys[i].path);
    }
}

TEST(conditions, "what a default depends on is a key")
{
    size_t n, seen = 0;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 1; i < n; i++) {
        const char *const others[] = {keys[i].with, keys[i].unless};

        for (size_t k = 0; k < 2; k++) {
            bool found = others[k] == NULL;

            seen += !found;
            for (size_t j = 1; j < n && !found; j++)
                found = strcmp(keys[j].path, others[k]) == 0;
            if (!found)
                test_fail(__FILE__, __LINE__, "%s: there is no %s", keys[i].path, others[k]);
        }
    }
    CHECK(seen > 4);
}

TEST(locks, "every key about who may do what, and about client certificates, says what to write instead of nothing")
{
    static const struct str below[] = {STR("access"), STR("http.tls.client")};
    size_t n, seen = 0;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 1; i < n; i++) {
        struct str path = str_of(keys[i].path);

        if (!str_starts(path, below[0]) && !str_starts(path, below[1]))
            continue;
        if (keys[i].instead == NULL && !str_eq(path, STR("access.rules[]"))) /* an empty entry never is a value */
            test_fail(__FILE__, __LINE__, "%s may be without a value", keys[i].path);
        seen++;
    }
    CHECK(seen > 20);
}

TEST(nearest, "the nearest key is found by letters, by the name's beginning, and by the right name in the wrong place")
{
    static const struct {
        const char *path;
        const char *nearest;
    } cases[] = {
        {"htp", "http"},
        {"http.tls.certifcate", "http.tls.certificate"},
        {"http.tls.cert", "http.tls.certificate"},
        {"rootdirectory", "storage.filesystem.rootdirectory"},
        {"storage.delete.enable", "storage.delete.enabled"},
        {"log.levl", "log.level"},
        {"log.fmt", NULL},
        {"x", NULL},
        {"qqqqqqqqqqqqqqqq", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_key *got = config_schema_nearest(str_of(cases[i].path));

        if (cases[i].nearest == NULL)
            CHECK(got == NULL);
        else
            CHECK_TEXT(got == NULL ? NULL : got->path, cases[i].nearest);
    }
}

TEST(long_name, "a name longer than any key has no nearest one")
{
    char name[1000];

    memset(name, 'a', sizeof(name));
    CHECK(config_schema_nearest((struct str){name, sizeof(name)}) == NULL);
}

/* ---- conf/config.yml ---- */

static struct sbuf example;

/* Before any test has left the root of the source tree. */
__attribute__((constructor)) static void read_example(void)
{
    struct err e;

    if (file_read("conf/config.yml", 1 << 20, &example, &e) != 0)
        fprintf(stderr, "%s\n", e.text);
}

/* Settings that are commented out begin right behind the '#' or two blanks deeper; prose has one blank. */
static struct sbuf uncomment(struct str text)
{
    struct sbuf out = {0};
    bool margin = true;

    for (size_t i = 0; i < text.n; i++) {
        bool prose = i + 2 < text.n && text.p[i + 1] == ' ' && text.p[i + 2] != ' ';

        if (!margin || text.p[i] != '#' || prose || text.p[i + 1] == '\n')
            sbuf_put(&out, text.p + i, 1);
        margin = text.p[i] == '\n' || (margin && text.p[i] == ' ');
    }
    return out;
}

TEST(example_loads, "the example configuration loads in silence and means the defaults")
{
    struct loaded l, d;

    LOAD(sbuf_text(&example), "", &l);
    CHECK(strstr(l.log.p, "level=warn") == NULL);
    LOAD("", "", &d);
    CHECK_TEXT(l.config->root_directory, d.config->root_directory);
    CHECK_TEXT(l.config->http_addr, d.config->http_addr);
    CHECK_INT(l.config->auth, d.config->auth);
    CHECK(l.config->http_host == NULL && l.config->tls_certificate == NULL && l.config->header_count == 0);
    unload(&l);
    unload(&d);
}

/* In the section `access`: the text without the lines that begin with one of the settings that exclude the rules. */
static void drop_other_rules(struct sbuf *text)
{
    static const char *const others[] = {"  file: ", "  preset: "};

    for (size_t i = 0; i < 2; i++) {
        const char *begin = strstr(strstr(sbuf_text(text), "\naccess:"), others[i]);
        size_t at = (size_t)(begin - text->p), end = at + str_find(str_from((struct str){text->p, text->n}, at), '\n');

        CHECK(begin != NULL && (at == 0 || text->p[at - 1] == '\n'));
        memmove(text->p + at, text->p + end, text->n - end);
        text->n -= end - at;
    }
}

TEST(example_uncommented, "what the example has commented out loads, too")
{
    struct sbuf text = uncomment((struct str){example.p, example.n});
    struct loaded l;

    /* Of settings that exclude each other one is left. */
    drop_other_rules(&text);
    LOAD(sbuf_text(&text), "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS=list", &l);
    CHECK_INT(access_rule_count(l.config->access), 5);
    CHECK_INT(l.config->auth, CONFIG_AUTH_HTPASSWD);
    CHECK_INT(l.config->platform_count, 2);
    CHECK_INT(l.config->tls_ciphersuites.n, 3);
    CHECK_INT(l.config->urls_allow.n + l.config->urls_deny.n, 2);
    unload(&l);
    sbuf_free(&text);
}

TEST(example_complete, "the example shows every served key, with its default where it has one")
{
    static const char *const old_spellings[] = {"loglevel", "validation.enabled"};
    struct sbuf text = uncomment((struct str){example.p, example.n});
    struct err e;
    struct config_node *root = config_tree_parse((struct str){text.p, text.n}, STR("example"), true, &e);
    size_t n, seen = 0;
    const struct config_key *keys = config_schema_keys(&n);

    CHECK(root != NULL);
    for (size_t i = 1; i < n; i++) {
        const struct config_node *node = config_node_find(root, keys[i].path);
        bool old = strcmp(keys[i].path, old_spellings[0]) == 0 || strcmp(keys[i].path, old_spellings[1]) == 0;

        if (keys[i].state != CONFIG_SERVED || keys[i].take == NULL || old)
            continue;
        if (node == NULL)
            test_fail(__FILE__, __LINE__, "%s is not shown", keys[i].path);
        if (keys[i].preset != NULL)
            CHECK_TEXT(node->text, keys[i].preset);
        seen++;
    }
    CHECK(seen > 30);
    config_node_free(&root);
    sbuf_free(&text);
}
