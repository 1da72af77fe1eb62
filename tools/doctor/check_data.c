/* The data directory, and the disk that it is on. */
#include "tools/doctor/checks.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"
#include "registry/base/size_text.h"

/* storage */
#include "storage/store.h"

/* tools */
#include "tools/doctor/proc.h"

#define MAGIC_FUSE 0x65735546 /* in no header */

enum { LOW_PERCENT = 5, SLOW_SYNC_US = 30000, PROC_TEXT_MAX = 1 << 20, LOCK_WORDS = 6 };

static const char *root_of(const struct patient *p)
{
    return p->config->root_directory;
}

static bool join(char out[PATH_MAX], const char *root, const char *name)
{
    return (size_t)snprintf(out, PATH_MAX, "%s%s%s", root, name[0] == '\0' ? "" : "/", name) < PATH_MAX;
}

/* ---- who has it ---- */

/* Which process holds the lock on the file? Reading the kernel's list disturbs nobody, as trying the lock would. */
static pid_t holder_of(const struct patient *p, const char *path)
{
    struct str rest, line, words[LOCK_WORDS]; /* 1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE … */
    struct sbuf text = {0};
    char locks[PATH_MAX];
    uint64_t inode, pid;
    pid_t found = 0;
    struct stat st;

    if (stat(path, &st) != 0 || !join(locks, p->world->proc, "locks") ||
        file_read(locks, PROC_TEXT_MAX, &text, NULL) != 0)
        return 0;
    rest = (struct str){text.p, text.n};
    while (found == 0 && proc_line(&rest, &line))
        if (proc_words(line, words, LOCK_WORDS) == LOCK_WORDS && str_eq(words[1], STR("FLOCK")) &&
            str_eq(words[3], STR("WRITE")) && str_to_u64(proc_last(words[5]), &inode) && inode == st.st_ino &&
            str_to_u64(words[4], &pid))
            found = (pid_t)pid;
    sbuf_free(&text);
    return found;
}

/* The lock names who took it last: only together do they say that it is the one. */
void find_server(struct patient *p)
{
    struct sbuf text = {0};
    char path[PATH_MAX];
    uint64_t pid;

    if (p->config == NULL || !join(path, root_of(p), "berth.lock") ||
        file_read_regular(path, PATH_MAX, &text, NULL) != 0)
        return;
    if (str_to_u64(str_trim((struct str){text.p, str_find((struct str){text.p, text.n}, '\n')}), &pid) &&
        (pid_t)pid == holder_of(p, path))
        p->server = (pid_t)pid;
    sbuf_free(&text);
}

/* ---- the directory ---- */

static void advise_to_make(struct patient *p)
{
    advise(p, "install -d -m 0700 -o %u -g %u %s", (unsigned)p->user.uid, (unsigned)p->user.gid, word(root_of(p)));
}

static void check_absent(struct patient *p)
{
    const char *root = root_of(p), *parent = directory_of(root);

    while (access(parent, F_OK) != 0 && errno == ENOENT && strcmp(parent, "/") != 0 && strcmp(parent, ".") != 0)
        parent = directory_of(parent);
    if (!user_may(p, parent, W_OK | X_OK)) {
        complain(p, SEVERITY_ERROR, "%s is not there, and user %s may not make it", root, p->user.name);
        advise_to_make(p);
        return;
    }
    complain(p, SEVERITY_WARNING, "%s is not there: the server will begin with an empty one", root);
    advise(p,
           "if images should be there: mount their disk, or correct storage.filesystem.rootdirectory; else install -d "
           "-m 0700 -o %u -g %u %s",
           (unsigned)p->user.uid, (unsigned)p->user.gid, word(root));
}

static void check_rights(struct patient *p, const struct stat *st)
{
    static const char *const parts[] = {"", "berth.lock", "blobs", "uploads", "meta", "meta/data.mdb", "meta/lock.mdb"};
    const char *root = root_of(p);
    char path[PATH_MAX], closed[PATH_MAX];

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int why;

        if (!join(path, root, parts[i]) || user_may(p, path, R_OK | W_OK) || errno == ENOENT)
            continue;
        why = errno;
        complain(p, SEVERITY_ERROR, "user %s, who serves, may not write %s (%s)", p->user.name, path,
                 strerrordesc_np(why));
        if (why == EROFS)
            advise(p, "mount -o remount,rw the file system, and see why it became read-only: dmesg");
        else if (closed_to_user(p, path, closed))
            advise(p, "chgrp %u %s && chmod g+x %s", (unsigned)p->user.gid, word(closed), word(closed));
        else
            advise(p, "chown -R %u:%u %s", (unsigned)p->user.uid, (unsigned)p->user.gid, word(root));
        return;
    }
    if (st->st_uid != p->user.uid && st->st_uid != 0) {
        complain(p, SEVERITY_WARNING, "%s belongs to user %u, not to %s who serves", root, (unsigned)st->st_uid,
                 p->user.name);
        advise(p, "chown -R %u:%u %s", (unsigned)p->user.uid, (unsigned)p->user.gid, word(root));
    }
    if ((st->st_mode & S_IWOTH) != 0) {
        complain(p, SEVERITY_ERROR, "everybody on this machine may change what is in %s", root);
        advise(p, "chmod o-w %s", word(root));
    }
}

static bool exists(const char *root, const char *name)
{
    char path[PATH_MAX];

    return join(path, root, name) && access(path, F_OK) == 0;
}

/* What lies there and is not ours, or not whole. */
static void check_content(struct patient *p)
{
    const char *root = root_of(p);

    if (exists(root, STORE_UNFINISHED)) {
        complain(p, SEVERITY_ERROR, "a restore into %s was interrupted; no server opens it", root);
        advise(p, "berth restore BACKUP --to %s", word(root));
    }
    if (exists(root, "docker/registry/v2/repositories") && !exists(root, "meta/data.mdb")) {
        complain(p, SEVERITY_WARNING, "%s holds images of registry:2, which are taken over when the server starts",
                 root);
        advise(p, "berth import %s%s%s --dry-run tells what would come, and what is odd there", word(root),
               p->config->source == NULL ? "" : " --config ", p->config->source == NULL ? "" : word(p->config->source));
    }
}

void check_data_directory(struct patient *p)
{
    const char *root = root_of(p);
    struct stat st;

    if (stat(root, &st) != 0 && errno == ENOENT) {
        check_absent(p);
    } else if (stat(root, &st) != 0) {
        complain(p, SEVERITY_ERROR, "%s cannot be looked at: %s", root, strerrordesc_np(errno));
        advise(p, "namei -l %s shows which directory on the way is closed", word(root));
    } else if (!S_ISDIR(st.st_mode)) {
        complain(p, SEVERITY_ERROR, "%s, the data directory, is not a directory", root);
        advise(p, "set storage.filesystem.rootdirectory to a directory");
    } else {
        check_rights(p, &st);
        check_content(p);
    }
}

/* ---- the disk ---- */

/* In a container without a volume the data is on the same file system as the programs. */
static bool is_container_layer(const char *root)
{
    struct stat here, system;

    return stat(root, &here) == 0 && stat("/", &system) == 0 && here.st_dev == system.st_dev;
}

void check_file_system(struct patient *p)
{
    static const struct {
        unsigned long magic;
        const char *name;
        bool network;
    } kinds[] = {
        {NFS_SUPER_MAGIC, "NFS", true},  {SMB_SUPER_MAGIC, "SMB", true},     {CIFS_SUPER_MAGIC, "CIFS", true},
        {SMB2_SUPER_MAGIC, "SMB", true}, {V9FS_MAGIC, "9p", true},           {CEPH_SUPER_MAGIC, "CephFS", true},
        {AFS_SUPER_MAGIC, "AFS", true},  {MAGIC_FUSE, "FUSE", true},         {TMPFS_MAGIC, "tmpfs", false},
        {RAMFS_MAGIC, "ramfs", false},   {OVERLAYFS_SUPER_MAGIC, "", false},
    };
    const char *root = root_of(p);
    struct statfs fs;
    size_t i = 0;

    if (p->world->look_at_disk(root, &fs) != 0)
        return;
    while (i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].magic != ((unsigned long)fs.f_type & 0xffffffffUL))
        i++;
    if (i == sizeof(kinds) / sizeof(kinds[0]))
        return;
    if (kinds[i].network) {
        complain(p, SEVERITY_ERROR,
                 "%s is on a file system of the network (%s): metadata in shared memory is not safe there", root,
                 kinds[i].name);
        advise(p, "put storage.filesystem.rootdirectory on a local disk");
    } else if (kinds[i].name[0] != '\0') {
        complain(p, SEVERITY_WARNING, "%s is in memory (%s): all images are gone when the machine restarts", root,
                 kinds[i].name);
        advise(p, "put storage.filesystem.rootdirectory on a disk");
    } else if (is_container_layer(root)) {
        complain(p, SEVERITY_WARNING, "%s is in the container itself: all images are gone with it", root);
        advise(p, "run it with a volume: docker run -v /srv/registry:%s ...", word(root));
    }
}

void check_space(struct patient *p)
{
    char left[SIZE_TEXT_ROOM], reserve[SIZE_TEXT_ROOM];
    const char *root = root_of(p);
    struct statfs fs;
    uint64_t bytes;

    if (p->world->look_at_disk(root, &fs) != 0 || fs.f_blocks == 0)
        return;
    bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    size_text(bytes, left);
    size_text(p->config->reserve, reserve);
    if (bytes < p->config->reserve) {
        complain(p, SEVERITY_ERROR, "the disk of %s has %s left, less than the reserve of %s: every push is refused",
                 root, left, reserve);
        advise(p, "berth du tells who needs how much; berth gc frees what nobody needs; or add disk");
    } else if (fs.f_bavail < fs.f_blocks / 100 * LOW_PERCENT) {
        complain(p, SEVERITY_WARNING, "the disk of %s is nearly full: %s left, less than %d %%", root, left,
                 LOW_PERCENT);
        advise(p, "berth du tells who needs how much; berth gc frees what nobody needs; or add disk");
    }
    if (fs.f_files > 0 && fs.f_ffree < fs.f_files / 100 * LOW_PERCENT) {
        complain(p, SEVERITY_WARNING,
                 "the file system of %s has room for %" PRIu64 " more files only, whatever their size", root,
                 (uint64_t)fs.f_ffree);
        advise(p, "df -i %s; make the file system anew with more inodes, or one that has no limit (XFS)", word(root));
    }
}

void check_sync(struct patient *p)
{
    uint64_t median_us;
    bool measured;

    become_user(p);
    measured = p->world->measure_sync(root_of(p), &median_us);
    become_ourselves();
    if (!measured || median_us < SLOW_SYNC_US)
        return;
    complain(p, SEVERITY_WARNING,
             "the disk of %s takes %" PRIu64 " ms to save 4 KiB: every push waits for that several times", root_of(p),
             median_us / 1000);
    advise(p, "use a disk with a protected write cache, or an SSD");
}
