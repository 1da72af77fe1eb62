#include "registry/net/file_set.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/net/certificate_fixture.h"

static char one[300], two[300];

/* Two files, in a fresh folder. */
static struct file_set *open_set(void)
{
    struct file_set *set = file_set_new();
    const char *directory = test_dir();

    snprintf(one, sizeof(one), "%s/one", directory);
    snprintf(two, sizeof(two), "%s/two", directory);
    write_text(one, STR("1"));
    write_text(two, STR("2"));
    file_set_add(set, "key.one", one);
    file_set_add(set, "key.two", two);
    return set;
}

TEST(bytes, "files are handed out once, and again when their bytes change")
{
    struct file_set *set = open_set();
    struct err e;
    bool fresh;

    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    CHECK_INT(file_set_count(set), 2);
    CHECK_TEXT(file_set_at(set, 1)->key, "key.two");
    CHECK(str_eq(file_set_at(set, 1)->text, STR("2")));
    file_set_forget(set);
    CHECK_INT(file_set_at(set, 1)->text.n, 0);
    CHECK_INT(file_set_read(set, false, &fresh, &e), 0);
    write_text(one, STR("1")); /* the same again */
    CHECK_INT(file_set_read(set, false, &fresh, &e), 0);
    write_text(one, STR("x")); /* as long as before, and within the same second */
    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    CHECK(str_eq(file_set_at(set, 0)->text, STR("x")));
    CHECK_INT(file_set_read(set, true, &fresh, &e), 1);
    file_set_free(&set);
    CHECK(set == NULL);
}

TEST(moved, "bytes that move from one file to the next are a change")
{
    struct file_set *set = open_set();
    struct err e;
    bool fresh;

    write_text(one, STR("12"));
    write_text(two, STR("3"));
    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    write_text(one, STR("1"));
    write_text(two, STR("23"));
    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    file_set_free(&set);
}

TEST(failures, "a failure is fresh once, and what follows it is seen")
{
    struct file_set *set = open_set();
    struct sbuf wanted = {0};
    struct err e;
    bool fresh;

    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    CHECK_INT(unlink(two), 0);
    sbuf_printf(&wanted, "key.two: %s: No such file or directory", two);
    CHECK_INT(file_set_read(set, false, &fresh, &e), -1);
    CHECK(fresh);
    CHECK_TEXT(e.text, sbuf_text(&wanted));
    CHECK_INT(file_set_at(set, 0)->text.n, 0);
    CHECK_INT(file_set_read(set, false, &fresh, &e), -1);
    CHECK(!fresh);
    CHECK_INT(file_set_read(set, true, &fresh, &e), -1);
    CHECK(fresh);
    write_text(two, STR("2"));
    CHECK_INT(file_set_read(set, false, &fresh, &e), 1);
    sbuf_free(&wanted);
    file_set_free(&set);
}
