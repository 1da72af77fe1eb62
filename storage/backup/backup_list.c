#include "storage/backup/backup_list.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "storage/blob_internal.h"

enum { WRITE_BYTES = 64 * 1024, LINE_MAX_BYTES = DIGEST_TEXT_MAX + 32 };

/* ---- writing ---- */

int list_create(struct list_writer *w, const char *path, struct err *e)
{
    *w = (struct list_writer){.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    hasher_init(&w->hasher, DIGEST_SHA256);
    return w->fd >= 0 ? 0 : err_errno(e, "%s", path);
}

static int flush(struct list_writer *w, struct err *e)
{
    hasher_update(&w->hasher, w->line.p, w->line.n);
    if (file_write(w->fd, w->line.p, w->line.n, e) != 0)
        return err_wrap(e, "list of blobs");
    w->line.n = 0;
    return 0;
}

int list_add(struct list_writer *w, const struct digest *d, uint64_t size, struct err *e)
{
    char text[DIGEST_TEXT_MAX];

    digest_format(d, text);
    sbuf_printf(&w->line, "%s %" PRIu64 "\n", text, size);
    return w->line.n >= WRITE_BYTES ? flush(w, e) : 0;
}

int list_finish(struct list_writer *w, struct snapshot_file *out, struct err *e)
{
    if (w->line.n > 0 && flush(w, e) != 0)
        return -1;
    hasher_digest(&w->hasher, &out->digest);
    out->size = hasher_length(&w->hasher);
    return fsync(w->fd) == 0 ? 0 : err_errno(e, "list of blobs: fsync");
}

void list_close(struct list_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    sbuf_free(&w->line);
}

/* ---- one list as a stream ---- */

int snapshot_file_check(const char *path, const struct snapshot_file *file, const struct interrupt *interrupt,
                        struct err *e)
{
    struct digest found;
    uint64_t size;

    if (digest_of_path(path, interrupt, &found, &size, e) != 0)
        return -1;
    if (size == file->size && digest_equal(&found, &file->digest))
        return 0;
    return err_set(e, ERR_DIGEST, "%s is damaged: it is not what was written when the backup was made", path);
}

struct reader {
    FILE *file; /* NULL: at its end */
    char path[PATH_MAX];
    struct list_entry next;
    bool begun;
};

/* The order of keys. */
static int compare(const void *a, const void *b)
{
    const struct digest *x = &((const struct list_entry *)a)->digest, *y = &((const struct list_entry *)b)->digest;

    return x->alg != y->alg ? (int)x->alg - (int)y->alg : memcmp(x->raw, y->raw, digest_size(x->alg));
}

static bool parse_line(const char *line, struct list_entry *out)
{
    struct str s = str_of(line);
    size_t blank = str_find(s, ' ');

    if (s.n == 0 || s.p[s.n - 1] != '\n' || blank == s.n)
        return false;
    s.n--;
    return digest_parse((struct str){s.p, blank}, &out->digest, NULL) == 0 &&
           str_to_u64(str_from(s, blank + 1), &out->size);
}

static void end_reader(struct reader *r)
{
    if (r->file != NULL)
        fclose(r->file);
    r->file = NULL;
}

static int advance(struct reader *r, struct err *e)
{
    struct list_entry before = r->next;
    char line[LINE_MAX_BYTES];

    errno = 0;
    if (fgets(line, sizeof(line), r->file) == NULL) {
        int rc = ferror(r->file) ? err_errno(e, "%s: read", r->path) : 0;

        end_reader(r);
        return rc;
    }
    if (!parse_line(line, &r->next) || (r->begun && compare(&before, &r->next) >= 0))
        return err_set(e, ERR_INVALID, "%s is no list of blobs", r->path);
    r->begun = true;
    return 0;
}

static int begin_reader(struct reader *r, const struct backup_dir *dir, const struct snapshot *s,
                        const struct interrupt *interrupt, struct err *e)
{
    if (snapshot_path(dir, s->stamp, "", "blobs", r->path, e) != 0 ||
        snapshot_file_check(r->path, &s->list, interrupt, e) != 0)
        return -1;
    r->file = fopen(r->path, "re");
    return r->file != NULL ? advance(r, e) : err_errno(e, "%s", r->path);
}

/* ---- side by side ---- */

struct lists {
    struct reader *readers;
    size_t count;
    unsigned folder; /* the next one */
    struct list_entry *entries;
    size_t entry_count;
    size_t room;
};

struct lists *lists_open(const struct backup_dir *dir, const struct snapshot *snapshots, size_t count,
                         const struct interrupt *interrupt, struct err *e)
{
    struct lists *lists = xcalloc(1, sizeof(*lists));

    lists->readers = xcalloc(count + 1, sizeof(*lists->readers));
    lists->count = count;
    for (size_t i = 0; i < count; i++)
        if (begin_reader(&lists->readers[i], dir, &snapshots[i], interrupt, e) != 0) {
            lists_close(&lists);
            return NULL;
        }
    return lists;
}

void lists_close(struct lists **lists)
{
    if (*lists == NULL)
        return;
    for (size_t i = 0; i < (*lists)->count; i++)
        end_reader(&(*lists)->readers[i]);
    free((*lists)->readers);
    free((*lists)->entries);
    free(*lists);
    *lists = NULL;
}

static void keep(struct lists *lists, const struct list_entry *entry)
{
    if (lists->entry_count == lists->room) {
        lists->room = lists->room * 2 + 64;
        lists->entries = xrealloc(lists->entries, lists->room * sizeof(*lists->entries));
    }
    lists->entries[lists->entry_count++] = *entry;
}

static void sort_and_merge(struct lists *lists)
{
    size_t kept = 0;

    if (lists->entry_count == 0)
        return;
    qsort(lists->entries, lists->entry_count, sizeof(*lists->entries), compare);
    for (size_t i = 1; i < lists->entry_count; i++)
        if (compare(&lists->entries[kept], &lists->entries[i]) != 0)
            lists->entries[++kept] = lists->entries[i];
    lists->entry_count = kept + 1;
}

int lists_folder(struct lists *lists, const struct list_entry **entries, size_t *count, struct err *e)
{
    lists->entry_count = 0;
    for (size_t i = 0; i < lists->count; i++) {
        struct reader *r = &lists->readers[i];

        while (r->file != NULL && blob_folder_of(&r->next.digest) == lists->folder) {
            keep(lists, &r->next);
            if (advance(r, e) != 0)
                return -1;
        }
    }
    sort_and_merge(lists);
    lists->folder++;
    *entries = lists->entries;
    *count = lists->entry_count;
    return 0;
}

bool list_has(const struct list_entry *entries, size_t count, const struct digest *d)
{
    const struct list_entry wanted = {.digest = *d};

    return count > 0 && bsearch(&wanted, entries, count, sizeof(*entries), compare) != NULL;
}
