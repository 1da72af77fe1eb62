/* Files that several people edit: who may, and what stays as it was. */
#include "registry/base/file.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char path[512];

static void in_dir(const char *dir, const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
}

static void check_content(const char *wanted)
{
    struct sbuf got = {0};
    struct err e = {0};

    CHECK_INT(file_read(path, 100, &got, &e), 0);
    CHECK_TEXT(sbuf_text(&got), wanted);
    sbuf_free(&got);
}

enum { SOMEBODY = 12345, STAFF = 23456 };

/* Run it as a user who is in STAFF; 0 when it returns true. */
static int as_somebody(bool (*run)(void))
{
    gid_t staff = STAFF;
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        if (setgroups(1, &staff) != 0 || setresgid(SOMEBODY, SOMEBODY, SOMEBODY) != 0 ||
            setresuid(SOMEBODY, SOMEBODY, SOMEBODY) != 0)
            _exit(2);
        _exit(run() ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool replacing_is_denied(void)
{
    struct err e = {0};

    return file_replace(path, "mine", 4, 0600, &e) == -1 && e.code == ERR_DENIED &&
           strstr(e.text, ": it belongs to user 0, group 23456, which only they or root can keep; edit it as one");
}

static bool replacing_keeps_group(void)
{
    struct err e = {0};

    return file_replace(path, "mine", 4, 0600, &e) == 0;
}

TEST(owner, "who cannot keep a file's owner does not replace it; who can keep its group does")
{
    const char *dir = test_dir();
    struct err e = {0};
    struct stat st;

    if (geteuid() != 0)
        return; /* only root can be somebody else */
    in_dir(dir, "f");
    CHECK(chmod(dir, 0777) == 0);
    CHECK_INT(file_replace(path, "old", 3, 0664, &e), 0);
    CHECK(chown(path, 0, STAFF) == 0);
    CHECK_INT(as_somebody(replacing_is_denied), 0);
    check_content("old");
    CHECK(chown(path, SOMEBODY, STAFF) == 0);
    CHECK_INT(as_somebody(replacing_keeps_group), 0);
    check_content("mine");
    CHECK(stat(path, &st) == 0);
    CHECK_INT(st.st_uid, SOMEBODY);
    CHECK_INT(st.st_gid, STAFF);
}

static bool lock_is_had(void)
{
    struct err e = {0};
    int fd = file_lock(path, &e);

    close(fd);
    return fd >= 0;
}

static bool lock_is_denied(void)
{
    struct err e = {0};

    return file_lock(path, &e) == -1 && e.code == ERR_DENIED &&
           strstr(e.text, "f.lock: no permission to write it; give it the owner, group and mode of ") != NULL;
}

TEST(lock, "the lock is for who may write the file, whoever was first, and for nobody else")
{
    const char *dir = test_dir();
    struct err e = {0};
    char name[600];
    int fd;

    in_dir(dir, "absent/f");
    CHECK_INT(file_lock(path, &e), -1);
    CHECK_INT(e.code, ERR_NOT_FOUND);
    CHECK(strstr(e.text, "absent/f: its directory does not exist; make that first") != NULL);
    if (geteuid() != 0)
        return; /* only root can be somebody else */
    in_dir(dir, "f");
    CHECK(chmod(dir, 0777) == 0);
    CHECK_INT(file_replace(path, "", 0, 0660, &e), 0);
    CHECK(chown(path, 0, STAFF) == 0 && chmod(path, 0660) == 0);
    fd = file_lock(path, &e);
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(as_somebody(lock_is_had), 0);
    snprintf(name, sizeof(name), "%s.lock", path);
    CHECK(unlink(name) == 0 && chmod(path, 0640) == 0);
    fd = file_lock(path, &e);
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(as_somebody(lock_is_denied), 0);
}
