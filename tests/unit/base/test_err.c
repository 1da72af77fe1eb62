#include "registry/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(set, "an error carries its code and its text")
{
    struct err e = {0};

    CHECK_INT(err_set(&e, ERR_INVALID, "tag \"%s\" has %d bytes", "x", 1), -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK_TEXT(e.text, "tag \"x\" has 1 bytes");
}

TEST(errno_text, "an error from errno names what was tried and why it failed")
{
    struct err e = {0};

    errno = ENOSPC;
    CHECK_INT(err_errno(&e, "write %s", "blob"), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK_TEXT(e.text, "write blob: No space left on device");
}

TEST(errno_codes, "the code follows errno")
{
    static const struct {
        int number;
        enum err_code code;
    } cases[] = {
        {ENOENT, ERR_NOT_FOUND}, {ENOTDIR, ERR_NOT_FOUND}, {EEXIST, ERR_EXISTS},    {ENOSPC, ERR_NO_SPACE},
        {EDQUOT, ERR_NO_SPACE},  {EACCES, ERR_DENIED},     {EPERM, ERR_DENIED},     {EAGAIN, ERR_BUSY},
        {EMFILE, ERR_EXHAUSTED}, {ENFILE, ERR_EXHAUSTED},  {ENOMEM, ERR_EXHAUSTED}, {EIO, ERR_IO},
        {EROFS, ERR_IO},         {ENAMETOOLONG, ERR_IO},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};

        errno = cases[i].number;
        err_errno(&e, "x");
        CHECK_INT(e.code, cases[i].code);
    }
}

TEST(wrap, "each layer puts its words in front and keeps the code")
{
    struct err e = {0};

    err_set(&e, ERR_NO_SPACE, "map full");
    err_wrap(&e, "commit");
    CHECK_INT(err_wrap(&e, "manifest %s:%s", "library/app", "1"), -1);
    CHECK_INT(e.code, ERR_NO_SPACE);
    CHECK_TEXT(e.text, "manifest library/app:1: commit: map full");
}

TEST(nobody, "a caller that wants no text gets the result all the same")
{
    CHECK_INT(err_set(NULL, ERR_IO, "%d", 1), -1);
    CHECK_INT(err_errno(NULL, "x"), -1);
    CHECK_INT(err_wrap(NULL, "x"), -1);
}

static void check_cut(const struct err *e)
{
    CHECK_INT(strlen(e->text), ERR_TEXT_MAX - 1);
    CHECK_TEXT(e->text + ERR_TEXT_MAX - 1 - strlen("…"), "…");
}

TEST(cut, "a text that does not fit is cut with an ellipsis")
{
    char text[ERR_TEXT_MAX + 1];
    struct err e = {0};

    memset(text, 'x', sizeof(text));
    text[ERR_TEXT_MAX - 1] = '\0';
    err_set(&e, ERR_IO, "%s", text);
    CHECK_TEXT(e.text, text);
    text[ERR_TEXT_MAX - 1] = 'x';
    text[ERR_TEXT_MAX] = '\0';
    err_set(&e, ERR_IO, "%s", text);
    check_cut(&e);
}

TEST(wrap_cut, "wrapping a full text keeps its beginning")
{
    char text[2 * ERR_TEXT_MAX];
    struct err e = {0};

    memset(text, 'y', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    err_set(&e, ERR_IO, "%s", text);
    err_wrap(&e, "outer");
    check_cut(&e);
    CHECK(strncmp(e.text, "outer: yyy", 10) == 0);
    errno = EIO;
    err_errno(&e, "%s", text);
    check_cut(&e);
    CHECK_INT(e.code, ERR_IO);
}
