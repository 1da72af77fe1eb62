#include "storage/upload_state.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"

/*
 * The record, byte by byte:
 *     0    8  "BERTHUPL"
 *     8    1  version, 1
 *     9    1  length of the repository's name
 *    10    1  length of the owner's name
 *    11    1  length of the saved hash
 *    12    8  start, seconds since the epoch, big-endian
 *    20   36  boot id
 *    56  255  repository, filled up with zeros
 *   311  255  owner, filled up with zeros
 *   566  256  saved hash (hasher_save), filled up with zeros
 *   822   32  SHA-256 of all before it
 */
enum {
    AT_VERSION = 8,
    AT_REPOSITORY_LENGTH = 9,
    AT_OWNER_LENGTH = 10,
    AT_HASH_LENGTH = 11,
    AT_STARTED = 12,
    AT_BOOT = 20,
    AT_REPOSITORY = AT_BOOT + UPLOAD_BOOT_LENGTH,
    AT_OWNER = AT_REPOSITORY + REPOSITORY_NAME_MAX,
    AT_HASH = AT_OWNER + UPLOAD_OWNER_MAX,
    AT_CHECKSUM = AT_HASH + HASHER_STATE_MAX,
    CHECKSUM_SIZE = 32,
    RECORD_SIZE = AT_CHECKSUM + CHECKSUM_SIZE,
    RECORD_VERSION = 1,
};

_Static_assert(RECORD_SIZE <= 4096, "a record lies inside one page");

static const char magic[AT_VERSION + 1] = "BERTHUPL";

void upload_state_name(const char *id, char out[UPLOAD_STATE_NAME_MAX])
{
    snprintf(out, UPLOAD_STATE_NAME_MAX, "%.*s.state", UPLOAD_ID_LENGTH, id);
}

static void encode(const struct upload_state *state, uint8_t out[RECORD_SIZE])
{
    uint64_t started = htobe64(state->started);
    struct digest checksum;

    memset(out, 0, RECORD_SIZE);
    memcpy(out, magic, AT_VERSION);
    out[AT_VERSION] = RECORD_VERSION;
    out[AT_REPOSITORY_LENGTH] = (uint8_t)strlen(state->repository);
    out[AT_OWNER_LENGTH] = (uint8_t)strlen(state->owner);
    out[AT_HASH_LENGTH] = (uint8_t)hasher_save(&state->checkpoint, out + AT_HASH);
    memcpy(out + AT_STARTED, &started, sizeof(started));
    memcpy(out + AT_BOOT, state->boot, UPLOAD_BOOT_LENGTH);
    memcpy(out + AT_REPOSITORY, state->repository, strlen(state->repository));
    memcpy(out + AT_OWNER, state->owner, strlen(state->owner));
    digest_of(DIGEST_SHA256, out, AT_CHECKSUM, &checksum);
    memcpy(out + AT_CHECKSUM, checksum.raw, CHECKSUM_SIZE);
}

static int decode(const uint8_t record[RECORD_SIZE], struct upload_state *out, struct err *e)
{
    struct digest checksum;
    uint64_t started;

    memset(out, 0, sizeof(*out));
    if (memcmp(record, magic, AT_VERSION) != 0 || record[AT_VERSION] != RECORD_VERSION)
        return err_set(e, ERR_INVALID, "not an upload record of version %d", RECORD_VERSION);
    digest_of(DIGEST_SHA256, record, AT_CHECKSUM, &checksum);
    if (memcmp(checksum.raw, record + AT_CHECKSUM, CHECKSUM_SIZE) != 0)
        return err_set(e, ERR_INVALID, "wrong checksum");
    memcpy(out->repository, record + AT_REPOSITORY, record[AT_REPOSITORY_LENGTH]);
    memcpy(out->owner, record + AT_OWNER, record[AT_OWNER_LENGTH]);
    memcpy(out->boot, record + AT_BOOT, UPLOAD_BOOT_LENGTH);
    memcpy(&started, record + AT_STARTED, sizeof(started));
    out->started = be64toh(started);
    return hasher_load(&out->checkpoint, record + AT_HASH, record[AT_HASH_LENGTH], e);
}

static int write_record(int fd, const struct upload_state *state, struct err *e)
{
    uint8_t record[RECORD_SIZE];
    struct iovec span = {.iov_base = record, .iov_len = sizeof(record)};

    encode(state, record);
    return file_pwritev(fd, &span, 1, 0, e);
}

int upload_state_create(int dir, const char *id, const struct upload_state *state, struct err *e)
{
    char name[UPLOAD_STATE_NAME_MAX];
    int fd, rc;

    upload_state_name(id, name);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(e, "create %s", name);
    rc = write_record(fd, state, e);
    close(fd);
    if (rc != 0) {
        unlinkat(dir, name, 0);
        return err_wrap(e, "create %s", name);
    }
    return 0;
}

int upload_state_write(int dir, const char *id, const struct upload_state *state, struct err *e)
{
    char name[UPLOAD_STATE_NAME_MAX];
    int fd, rc;

    upload_state_name(id, name);
    fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(e, "checkpoint %s", name);
    rc = write_record(fd, state, e);
    close(fd);
    return rc == 0 ? 0 : err_wrap(e, "checkpoint %s", name);
}

static int read_record(int fd, uint8_t record[RECORD_SIZE], struct err *e)
{
    ssize_t got;

    do
        got = pread(fd, record, RECORD_SIZE, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(e, "read");
    return got == RECORD_SIZE ? 0 : err_set(e, ERR_INVALID, "%zd bytes instead of %d", got, RECORD_SIZE);
}

int upload_state_read(int dir, const char *id, struct upload_state *out, struct err *e)
{
    char name[UPLOAD_STATE_NAME_MAX];
    uint8_t record[RECORD_SIZE];
    int fd, rc;

    upload_state_name(id, name);
    fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(e, "%s", name);
    rc = read_record(fd, record, e);
    close(fd);
    if (rc != 0 || decode(record, out, e) != 0)
        return err_wrap(e, "%s", name);
    return 0;
}
