/* One file from a directory into another, where both directories are somebody else's at the same time. */
#include "storage/distribution/carry.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

struct place {
    char workshop[128];
    int dir;
    struct carrier carrier;
    struct err err;
};

static void begin(struct place *place)
{
    const struct carrier_options options = {.workshop = place->workshop, .serves = true, .mode = 0600};

    snprintf(place->workshop, sizeof(place->workshop), "%s/workshop", test_dir());
    place->dir = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(place->dir >= 0);
    CHECK_INT(carrier_open(&place->carrier, &options, &place->err), 0);
}

static void end(struct place *place)
{
    carrier_close(&place->carrier);
    CHECK(access(place->workshop, F_OK) != 0); /* nothing was left in it */
    close(place->dir);
}

static void put(const struct place *place, const char *name, const char *text)
{
    int fd = openat(place->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void check_holds(const struct place *place, const char *name, const char *text)
{
    struct sbuf found = {0};
    int fd = openat(place->dir, name, O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_INT(file_read_fd(fd, 100, &found, NULL), 0);
    close(fd);
    CHECK_TEXT(sbuf_text(&found), text);
    sbuf_free(&found);
}

/* "theirs" to "ours", as it was when "looked-at" was looked at. */
static int carry_over(struct place *place, const char *looked_at, enum carried *how)
{
    struct stat st;
    const struct carry what = {
        .from = place->dir, .from_name = "theirs", .st = &st, .to = place->dir, .to_name = "ours"};

    CHECK_INT(fstatat(place->dir, looked_at, &st, AT_SYMLINK_NOFOLLOW), 0);
    return carry(&place->carrier, &what, how, &place->err);
}

TEST(replaces, "what stands under the name makes way for the file that was looked at")
{
    struct place place;
    enum carried how;

    begin(&place);
    put(&place, "theirs", "good");
    put(&place, "ours", "bad");
    CHECK_INT(carry_over(&place, "theirs", &how), 0);
    CHECK_INT(how, CARRIED_LINKED);
    check_holds(&place, "ours", "good");
    CHECK_INT(carry_over(&place, "theirs", &how), 0); /* both are one file now */
    check_holds(&place, "ours", "good");
    end(&place);
}

TEST(keeps, "what stands under the name stays when the file is another one than was looked at")
{
    struct place place;
    enum carried how;

    begin(&place);
    put(&place, "theirs", "swapped");
    put(&place, "looked-at", "good");
    put(&place, "ours", "pushed by a client");
    CHECK_INT(carry_over(&place, "looked-at", &how), 1);
    CHECK_TEXT(place.err.text, "it was replaced while it was looked at");
    check_holds(&place, "ours", "pushed by a client");
    end(&place);
}
