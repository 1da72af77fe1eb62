#include "tests/unit/distribution/old_fixture.h"

struct seen {
    struct old old;
    struct layout layout;
    struct sbuf names; /* a line each */
};

static void open_seen(struct seen *s)
{
    old_begin(&s->old);
    s->names = (struct sbuf){0};
    old_write(&s->old, STR("x"), "repositories/README");
}

static void read_seen(struct seen *s)
{
    if (layout_open(&s->layout, s->old.source, note_odd, &s->old, &s->old.err) != 0)
        test_fail(__FILE__, __LINE__, "%s", s->old.err.text);
}

static void close_seen(struct seen *s)
{
    layout_close(&s->layout);
    sbuf_free(&s->names);
    sbuf_free(&s->old.odd);
}

static int add_name(struct str name, void *arg, struct err *e)
{
    struct seen *s = arg;

    (void)e;
    sbuf_printf(&s->names, "%.*s\n", (int)name.n, name.p);
    return 0;
}

static int add_entry(const struct layout_entry *entry, void *arg, struct err *e)
{
    struct seen *s = arg;

    (void)e;
    sbuf_printf(&s->names, "%.8s\n", entry->hex);
    return 0;
}

static int add_tag(const char *tag, int dir, void *arg, struct err *e)
{
    (void)dir;
    return add_name(str_of(tag), arg, e);
}

static bool saw(struct seen *s, const char *line)
{
    return strstr(sbuf_text(&s->names), line) != NULL;
}

static size_t lines_of(const struct sbuf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->n; i++)
        n += text->p[i] == '\n';
    return n;
}

TEST(any_folder_on_the_way, "the data directory is found from any folder on the way down to v2")
{
    static const char *const ways[] = {"", "/docker", "/docker/registry", "/docker/registry/v2",
                                       "/docker/registry/v2/"};
    struct seen s;
    char path[PATH_MAX];

    open_seen(&s);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", s.old.source, ways[i]);
        CHECK_INT(layout_open(&s.layout, path, NULL, NULL, &s.old.err), 0);
        CHECK(layout_holds_any(&s.layout));
        layout_close(&s.layout);
    }
    CHECK_INT(layout_open(&s.layout, s.old.base, NULL, NULL, &s.old.err), -1);
    CHECK(strstr(s.old.err.text, "is no data directory of distribution: there is no docker/registry/v2") != NULL);
    snprintf(path, sizeof(path), "%s/none", s.old.base);
    CHECK_INT(layout_open(&s.layout, path, NULL, NULL, &s.old.err), -1);
    CHECK_INT(s.old.err.code, ERR_NOT_FOUND);
}

TEST(a_link_on_the_way, "a symbolic link below the directory that was named is not followed")
{
    struct seen s;
    char path[PATH_MAX];

    open_seen(&s);
    snprintf(path, sizeof(path), "%s/docker", s.old.base);
    CHECK_INT(symlink("old/docker", path), 0);
    CHECK_INT(layout_open(&s.layout, s.old.base, NULL, NULL, &s.old.err), -1);
    CHECK_INT(layout_open(&s.layout, path, NULL, NULL, &s.old.err), 0); /* one that the person names is his affair */
    layout_close(&s.layout);
}

TEST(names_nest, "names nest, and a repository is where manifests or layers are")
{
    struct seen s;

    open_seen(&s);
    old_image(&s.old, "a", "1", "x");
    old_image(&s.old, "a/b/c-d", "1", "x");
    old_layer(&s.old, "only/layers", "x");
    old_write(&s.old, STR("x"), "repositories/uploading/_uploads/id/data");
    read_seen(&s);
    CHECK_INT(layout_repositories(&s.layout, add_name, &s, &s.old.err), 0);
    CHECK_INT(lines_of(&s.names), 3);
    CHECK(saw(&s, "a\n") && saw(&s, "a/b/c-d\n") && saw(&s, "only/layers\n"));
    check_odd(&s.old, "name  repositories/README: no repository can have this name");
    close_seen(&s);
}

TEST(hostile_names, "names that no repository can have, files and links are told and not entered")
{
    struct seen s;
    char path[PATH_MAX];

    open_seen(&s);
    old_write(&s.old, STR("x"), "repositories/Upper/_manifests/x");
    old_write(&s.old, STR("x"), "repositories/new\nline/_manifests/x");
    old_write(&s.old, STR("x"), "repositories/a..b/_manifests/x");
    old_write(&s.old, STR("x"), "repositories/_manifests/x");
    old_write(&s.old, STR("x"), "repositories/file");
    snprintf(path, sizeof(path), "%s/repositories/link", s.old.tree);
    CHECK_INT(symlink("/", path), 0);
    for (char *at = path + snprintf(path, sizeof(path), "%s/repositories", s.old.tree); at < path + 900; at += 4) {
        strcpy(at, "/abc");
        CHECK(mkdir(path, 0755) == 0);
    }
    read_seen(&s);
    CHECK_INT(layout_repositories(&s.layout, add_name, &s, &s.old.err), 0);
    CHECK_INT(lines_of(&s.names), 0);
    check_odd(&s.old, "name  repositories/Upper: no repository can have this name");
    check_odd(&s.old, "name  repositories/new\nline: no repository");
    check_odd(&s.old, "name  repositories/a..b: no repository");
    check_odd(&s.old, "name  repositories/_manifests: no repository");
    check_odd(&s.old, "name  repositories/file: it is no directory, and symbolic links are not followed");
    check_odd(&s.old, "name  repositories/link: it is no directory, and symbolic links are not followed");
    check_odd(&s.old, "/abc: no repository can have this name"); /* over 255 bytes */
    close_seen(&s);
}

TEST(entries, "entries are digests of kinds that are known; anything else is told")
{
    struct seen s;
    struct digest d;

    open_seen(&s);
    d = old_layer(&s.old, "a", "x");
    (void)d;
    old_write(&s.old, STR("x"), "repositories/a/_layers/md5/d41d8cd98f00b204/link");
    old_write(&s.old, STR("x"), "repositories/a/_layers/sha256/short/link");
    old_write(&s.old, STR("x"), "repositories/b/_layers");
    read_seen(&s);
    CHECK_INT(layout_links(&s.layout, STR("a"), LAYOUT_LAYERS, add_entry, &s, &s.old.err), 0);
    CHECK_TEXT(sbuf_text(&s.names), "2d711642\n");
    CHECK_INT(layout_links(&s.layout, STR("a"), LAYOUT_REVISIONS, add_entry, &s, &s.old.err), 0);
    CHECK_INT(layout_links(&s.layout, STR("b"), LAYOUT_LAYERS, add_entry, &s, &s.old.err), 0);
    CHECK_INT(lines_of(&s.names), 1);
    check_odd(&s.old, "link a repositories/a/_layers/md5: no digests of this kind are known");
    check_odd(&s.old, "link a repositories/a/_layers/short: its name is no digest");
    check_odd(&s.old, "link b repositories/b/_layers/.: it is no directory, and symbolic links are not followed");
    close_seen(&s);
}

TEST(tags, "tags are directories whose names are tags")
{
    struct seen s;
    char path[PATH_MAX];

    open_seen(&s);
    old_image(&s.old, "a", "v1", "x");
    old_write(&s.old, STR("x"), "repositories/a/_manifests/tags/.hidden/current/link");
    old_write(&s.old, STR("x"), "repositories/a/_manifests/tags/file");
    snprintf(path, sizeof(path), "%s/repositories/a/_manifests/tags/link", s.old.tree);
    CHECK_INT(symlink("v1", path), 0);
    read_seen(&s);
    CHECK_INT(layout_tags(&s.layout, STR("a"), add_tag, &s, &s.old.err), 0);
    CHECK_TEXT(sbuf_text(&s.names), "v1\n");
    check_odd(&s.old, "name a .hidden: no tag can have this name");
    check_odd(&s.old, "link a file: it is no directory, and symbolic links are not followed");
    check_odd(&s.old, "link a link: it is no directory, and symbolic links are not followed");
    close_seen(&s);
}

/* What is in a link file, and what comes of it. */
static const struct {
    const char *text;
    const char *error; /* NULL: it is one */
    bool untidy;
} links[] = {
    {"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", NULL, false},
    {"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n", NULL, true},
    {"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 \r\n", NULL, true},
    {"sha256:2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881", "its link holds no digest", false},
    {"sha256:2d71", "its link holds no digest", false},
    {"md5:d41d8cd98f00b204e9800998ecf8427e", "its link holds no digest", false},
    {"../../../../etc/passwd", "its link holds no digest", false},
    {"", "its link holds no digest", false},
};

TEST(link_files, "a link is a digest; blanks behind it are forgiven and told, everything else is refused")
{
    struct seen s;
    struct layout_link link;

    open_seen(&s);
    read_seen(&s);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        old_write(&s.old, str_of(links[i].text), "repositories/a/link");
        CHECK_INT(layout_link(s.layout.repositories, "a/link", &link, &s.old.err), links[i].error == NULL ? 0 : -1);
        CHECK(links[i].error == NULL || strcmp(s.old.err.text, links[i].error) == 0);
        CHECK_INT(link.untidy && links[i].error == NULL, links[i].untidy);
    }
    close_seen(&s);
}

TEST(link_traps,
     "a link that is a directory, a pipe, a symbolic link or endless is refused; one that is not there is absent")
{
    struct seen s;
    struct layout_link link;
    char path[PATH_MAX], large[4096];

    open_seen(&s);
    memset(large, 'x', sizeof(large));
    old_write(&s.old, (struct str){large, sizeof(large)}, "repositories/a/large");
    old_write(&s.old, STR("x"), "repositories/a/directory/x");
    snprintf(path, sizeof(path), "%s/repositories/a/pipe", s.old.tree);
    CHECK_INT(mkfifo(path, 0644), 0);
    snprintf(path, sizeof(path), "%s/repositories/a/symbolic", s.old.tree);
    CHECK_INT(symlink("large", path), 0);
    read_seen(&s);
    CHECK_INT(layout_link(s.layout.repositories, "a/large", &link, &s.old.err), -1);
    CHECK_TEXT(s.old.err.text, "its link cannot be read");
    CHECK_INT(layout_link(s.layout.repositories, "a/directory", &link, &s.old.err), -1);
    CHECK_TEXT(s.old.err.text, "its link is not a regular file");
    CHECK_INT(layout_link(s.layout.repositories, "a/pipe", &link, &s.old.err), -1);
    CHECK_TEXT(s.old.err.text, "its link is not a regular file");
    CHECK_INT(layout_link(s.layout.repositories, "a/symbolic", &link, &s.old.err), -1);
    CHECK_TEXT(s.old.err.text, "its link cannot be opened: symbolic links are not followed");
    CHECK_INT(layout_link(s.layout.repositories, "a/none", &link, &s.old.err), -1);
    CHECK_INT(s.old.err.code, ERR_NOT_FOUND);
    close_seen(&s);
}

TEST(blobs, "a blob is found by its digest; a directory or a symbolic link in its place is damage")
{
    struct seen s;
    struct layout_blob found;
    struct digest a, b, c;
    char path[PATH_MAX], text[DIGEST_TEXT_MAX];

    open_seen(&s);
    a = old_blob(&s.old, STR("a"));
    b = old_blob(&s.old, STR("b"));
    digest_of(DIGEST_SHA256, "c", 1, &c);
    digest_format(&b, text);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%.2s/%s/data", s.old.tree, text + 7, text + 7);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    read_seen(&s);
    CHECK_INT(layout_blob_find(&s.layout, &a, &found, &s.old.err), 0);
    CHECK_INT(found.st.st_size, 1);
    close(found.dir);
    CHECK_INT(layout_blob_find(&s.layout, &b, &found, &s.old.err), -1);
    CHECK_INT(s.old.err.code, ERR_DAMAGED);
    CHECK_TEXT(s.old.err.text, "it is no file, and symbolic links are not followed");
    CHECK_INT(layout_blob_find(&s.layout, &c, &found, &s.old.err), -1);
    CHECK_INT(s.old.err.code, ERR_NOT_FOUND);
    close_seen(&s);
}
