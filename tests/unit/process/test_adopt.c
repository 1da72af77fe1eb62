/* As root files really change hands; as anybody else they are given to who has them. */
#include "registry/process/adopt.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "registry/base/str.h"
#include "tests/unit/test.h"

static struct run_as someone(void)
{
    bool root = geteuid() == 0;

    return (struct run_as){
        .name = "berth-test", .group = "berth-test", .uid = root ? 4711 : geteuid(), .gid = root ? 4712 : getegid()};
}

static const char *path_of(const char *name)
{
    static char paths[4][PATH_MAX];
    static const char *directory;
    static unsigned next;
    char *path = paths[next++ % 4];

    if (directory == NULL)
        directory = test_dir();
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return path;
}

static void make_folder(const char *name)
{
    struct err e;

    if (file_mkdirs(path_of(name), 0755, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

static void make_file(const char *name)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    CHECK(fd >= 0);
    close(fd);
}

static uid_t owner_of(const char *name)
{
    struct stat st;

    CHECK_INT(lstat(path_of(name), &st), 0);
    return st.st_uid;
}

static void adopt(const char *name)
{
    struct run_as user = someone();
    struct err e;

    if (adopt_directory(path_of(name), &user, &e) != 0)
        test_fail(__FILE__, __LINE__, "%s", e.text);
}

TEST(empty, "an empty directory is given")
{
    make_folder("empty");
    adopt("empty");
    CHECK_INT(owner_of("empty"), someone().uid);
}

TEST(missing, "a missing one is made, with what leads to it, for nobody else to read")
{
    struct stat st;

    adopt("missing/on/the/way");
    CHECK_INT(stat(path_of("missing/on/the/way"), &st), 0);
    CHECK_INT(st.st_uid, someone().uid);
    CHECK_INT(st.st_gid, someone().gid);
    CHECK_INT(st.st_mode & 07777, 0700);
    CHECK_INT(owner_of("missing/on"), someone().uid);
}

TEST(parts, "Berth's own parts are given with all that is in them, and distribution's tree is not touched")
{
    make_folder("data/blobs/sha256/ab");
    make_file("data/blobs/sha256/ab/abcd");
    make_folder("data/meta");
    make_file("data/meta/data.mdb");
    make_file("data/berth.lock");
    make_file("data/health-check");
    make_file("data/taken-over");
    make_folder("data/docker/registry/v2");
    make_folder("data/lost+found");
    adopt("data");
    CHECK_INT(owner_of("data"), someone().uid);
    CHECK_INT(owner_of("data/blobs/sha256/ab/abcd"), someone().uid);
    CHECK_INT(owner_of("data/blobs/sha256"), someone().uid);
    CHECK_INT(owner_of("data/meta/data.mdb"), someone().uid);
    CHECK_INT(owner_of("data/berth.lock"), someone().uid);
    CHECK_INT(owner_of("data/health-check"), someone().uid);
    CHECK_INT(owner_of("data/docker"), geteuid());
    CHECK_INT(owner_of("data/docker/registry/v2"), geteuid());
    CHECK_INT(owner_of("data/lost+found"), geteuid());
}

TEST(cut, "who was cut off in between goes on: what was given is not looked into again")
{
    make_folder("cut/blobs/sha256/aa");
    make_file("cut/blobs/sha256/aa/one");
    make_folder("cut/blobs/sha256/bb");
    make_file("cut/blobs/sha256/bb/two");
    CHECK_INT(chown(path_of("cut/blobs/sha256/aa"), someone().uid, someone().gid), 0);
    adopt("cut");
    CHECK_INT(owner_of("cut"), someone().uid);
    CHECK_INT(owner_of("cut/blobs/sha256/bb/two"), someone().uid);
    CHECK_INT(owner_of("cut/blobs/sha256/aa/one"), geteuid());
}

TEST(strangers, "a directory with anything else in it is left alone")
{
    make_folder("home/blobs");
    make_file("home/letter");
    adopt("home");
    CHECK_INT(owner_of("home"), geteuid());
    CHECK_INT(owner_of("home/blobs"), geteuid());
}

TEST(links, "a symbolic link is given itself, not what it points to")
{
    make_folder("linked/uploads");
    make_file("secret");
    make_folder("other");
    CHECK_INT(symlink(path_of("secret"), path_of("linked/uploads/link")), 0);
    CHECK_INT(symlink(path_of("other"), path_of("linked/blobs")), 0);
    adopt("linked");
    CHECK_INT(owner_of("linked/uploads/link"), someone().uid);
    CHECK_INT(owner_of("linked/blobs"), someone().uid);
    CHECK_INT(owner_of("secret"), geteuid());
    CHECK_INT(owner_of("other"), geteuid());
}

/* Whatever the umask is. */
static void open_to_all(const char *path)
{
    CHECK_INT(chmod(path_of(path), 0777), 0);
}

TEST(planted, "out of a directory that others may write to nothing is given: a hard link may lead anywhere")
{
    make_folder("planted");
    make_file("shadow");
    CHECK_INT(link(path_of("shadow"), path_of("planted/berth.lock")), 0);
    open_to_all("planted");
    adopt("planted");
    CHECK_INT(owner_of("shadow"), geteuid());
    CHECK_INT(owner_of("planted"), geteuid());
}

TEST(open_and_empty, "a directory that others may write to is given when there is nothing of Berth's in it")
{
    make_folder("open/docker");
    open_to_all("open");
    adopt("open");
    CHECK_INT(owner_of("open"), someone().uid);
    CHECK_INT(owner_of("open/docker"), geteuid());
}

TEST(open_inside, "a part that others may write to is an error that says what to do")
{
    struct run_as user = someone();
    struct err e;
    char wanted[PATH_MAX];

    if (geteuid() != 0)
        return; /* nothing is walked when both are the same */
    make_folder("inside/blobs/sha256");
    open_to_all("inside/blobs/sha256");
    CHECK_INT(adopt_directory(path_of("inside"), &user, &e), -1);
    snprintf(wanted, sizeof(wanted),
             "%s: blobs: sha256: others than root may write to it, so what is in it is not given away; look at it, and "
             "run: chmod -R go-w",
             path_of("inside"));
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(owner_of("inside"), 0);
}

TEST(deep, "folders deeper than Berth makes them are refused")
{
    struct run_as user = someone();
    struct err e;
    char wanted[PATH_MAX];

    if (geteuid() != 0)
        return; /* nothing is walked when both are the same */
    make_folder("deep/blobs/1/2/3/4/5/6/7/8/9");
    CHECK_INT(adopt_directory(path_of("deep"), &user, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: blobs: 1: 2: 3: 4: 5: 6: 7: 8: folders deeper than Berth makes them",
             path_of("deep"));
    CHECK_TEXT(e.text, wanted);
    CHECK_INT(owner_of("deep"), 0);
}

TEST(files, "what is no directory is an error that names it")
{
    struct run_as user = someone();
    struct err e;
    char wanted[PATH_MAX];

    make_file("plain");
    CHECK_INT(adopt_directory(path_of("plain"), &user, &e), -1);
    snprintf(wanted, sizeof(wanted), "%s: Not a directory", path_of("plain"));
    CHECK_TEXT(e.text, wanted);
}
