#include "tools/ca/ca_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* base */
#include "registry/base/clock.h"
#include "registry/base/file.h"

enum { INDEX_FILE_MAX = 64 << 20 /* bytes */, FIELDS = 7 };

/* The first line says what the file is and holds the number of the last revocation list. The others are fields with
 * tabs between them: serial, kind, from, until, revoked or "-", reason or "-", name. */
static const char HEADING[] = "# berth-ca issued 1, revocation list ";

static bool parse_time(struct str text, int64_t *out)
{
    char copy[CLOCK_TEXT_ROOM];
    struct tm tm = {0};
    const char *end;

    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

/* False when it does not fit. */
static bool keep(struct str text, char *out, size_t room)
{
    if (text.n >= room)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool parse_line(struct str line, struct issued *out)
{
    struct str fields[FIELDS];
    bool revoked;

    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = (struct str){line.p, i == FIELDS - 1 ? line.n : str_find(line, '\t')};
        if (i < FIELDS - 1 && fields[i].n == line.n)
            return false;
        line = str_from(line, fields[i].n + 1);
    }
    *out = (struct issued){0};
    revoked = !str_eq(fields[4], STR("-"));
    return keep(fields[0], out->serial, sizeof(out->serial)) && out->serial[0] != '\0' &&
           strspn(out->serial, "0123456789abcdef") == fields[0].n && keep(fields[1], out->kind, sizeof(out->kind)) &&
           parse_time(fields[2], &out->from) && parse_time(fields[3], &out->until) &&
           (!revoked || parse_time(fields[4], &out->revoked)) &&
           keep(revoked ? fields[5] : STR(""), out->reason, sizeof(out->reason)) &&
           keep(fields[6], out->name, sizeof(out->name));
}

static struct issued *push(struct ca_index *index)
{
    index->items = xrealloc(index->items, (index->n + 1) * sizeof(*index->items));
    return &index->items[index->n++];
}

static int parse(struct ca_index *index, struct str text, struct err *e)
{
    struct str heading = str_of(HEADING), line = {text.p, str_find(text, '\n')};
    size_t number = 1;

    if (text.n == 0)
        return err_set(e, ERR_INVALID, "%s: it is empty, which it never was; restore the file from a backup",
                       index->path);
    if (!str_starts(line, heading) || !str_to_u64(str_from(line, heading.n), &index->crl_number))
        return err_set(e, ERR_INVALID, "%s:1: not a list of issued certificates", index->path);
    for (text = str_from(text, line.n + 1); text.n > 0; text = str_from(text, line.n + 1)) {
        line = (struct str){text.p, str_find(text, '\n')};
        number++;
        if (line.n == text.n || !parse_line(line, push(index)))
            return err_set(e, ERR_INVALID, "%s:%zu: the line is damaged; restore the file from a backup", index->path,
                           number);
    }
    return 0;
}

struct ca_index *ca_index_open(const char *directory, enum index_access access, struct err *e)
{
    struct ca_index *index = xcalloc(1, sizeof(*index));
    struct sbuf path = {0}, text = {0};
    struct err why = {0};
    int rc = 0;

    sbuf_printf(&path, "%s/issued", directory);
    index->path = str_dup((struct str){path.p, path.n});
    index->lock = -1;
    if (access != INDEX_READ) {
        index->lock = file_lock(index->path, e);
        rc = index->lock < 0 ? -1 : 0;
    }
    if (rc == 0 && access != INDEX_NEW) {
        if (file_read(index->path, INDEX_FILE_MAX, &text, &why) == 0)
            rc = parse(index, (struct str){text.p, text.n}, e);
        else if (why.code != ERR_NOT_FOUND)
            rc = err_set(e, why.code, "%s", why.text);
    }
    sbuf_free(&text);
    sbuf_free(&path);
    if (rc != 0)
        ca_index_close(&index);
    return index;
}

void ca_index_close(struct ca_index **index)
{
    if (*index == NULL)
        return;
    if ((*index)->lock >= 0)
        close((*index)->lock);
    free((*index)->items);
    free((*index)->path);
    free(*index);
    *index = NULL;
}

static void put_line(struct sbuf *out, const struct issued *item)
{
    char from[CLOCK_TEXT_ROOM], until[CLOCK_TEXT_ROOM], revoked[CLOCK_TEXT_ROOM];

    clock_text(item->from, from);
    clock_text(item->until, until);
    clock_text(item->revoked, revoked);
    sbuf_printf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", item->serial, item->kind, from, until,
                item->revoked == 0 ? "-" : revoked, item->revoked == 0 ? "-" : item->reason, item->name);
}

/* Would the line be read as what it was written for? */
static bool is_readable(const struct issued *item)
{
    struct sbuf text = {0};
    struct issued read;
    struct str line;
    bool good;

    put_line(&text, item);
    line = (struct str){text.p, str_find((struct str){text.p, text.n}, '\n')};
    good = line.n + 1 == text.n && parse_line(line, &read) && strcmp(read.serial, item->serial) == 0 &&
           strcmp(read.kind, item->kind) == 0 && read.from == item->from && read.until == item->until &&
           strcmp(read.name, item->name) == 0;
    sbuf_free(&text);
    return good;
}

struct issued *ca_index_add(struct ca_index *index, const struct summary *summary, struct err *e)
{
    struct issued item = {.from = summary->from, .until = summary->until};

    snprintf(item.serial, sizeof(item.serial), "%s", summary->serial);
    snprintf(item.kind, sizeof(item.kind), "%s", summary->kind);
    snprintf(item.name, sizeof(item.name), "%s", summary->name);
    if (!is_readable(&item)) {
        err_set(e, ERR_INVALID, "the list of issued certificates cannot hold serial number %s, %s", item.serial,
                item.name);
        return NULL;
    }
    *push(index) = item;
    return &index->items[index->n - 1];
}

struct issued *ca_index_find(const struct ca_index *index, const char *serial)
{
    for (size_t i = 0; i < index->n; i++)
        if (strcmp(index->items[i].serial, serial) == 0)
            return &index->items[i];
    return NULL;
}

int ca_index_save(const struct ca_index *index, struct err *e)
{
    struct sbuf text = {0};
    int rc;

    sbuf_printf(&text, "%s%" PRIu64 "\n", HEADING, index->crl_number);
    for (size_t i = 0; i < index->n; i++)
        put_line(&text, &index->items[i]);
    rc = file_replace(index->path, text.p, text.n, 0600, e);
    sbuf_free(&text);
    return rc;
}
