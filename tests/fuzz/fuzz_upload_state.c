/*
 * Records of upload sessions, as files. Input: one byte, odd: the checksum at the end is made right, or nothing behind
 * it would ever be reached; the record. A record that is read must be the same when it was written and read again.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/upload_state.h"

enum { RECORD_SIZE = 854, CHECKSUM_SIZE = 32 };

static const char *const id = "00000000-0000-4000-8000-000000000000";
static char path[64] = "/dev/shm/berth-fuzz.XXXXXX"; /* in memory: a disk would be all that is tried */
static int dir = -1, file = -1;

static void remove_files(void)
{
    char name[UPLOAD_STATE_NAME_MAX];

    upload_state_name(id, name);
    unlinkat(dir, name, 0);
    rmdir(path);
}

static void open_files(void)
{
    char name[UPLOAD_STATE_NAME_MAX];

    upload_state_name(id, name);
    if (mkdtemp(path) == NULL || (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        (file = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0 || atexit(remove_files) != 0)
        abort();
}

static void write_input(bool repair, const uint8_t *bytes, size_t n)
{
    uint8_t record[RECORD_SIZE] = {0};
    struct digest checksum;

    if (repair) {
        if (n > 0)
            memcpy(record, bytes, n < RECORD_SIZE ? n : RECORD_SIZE);
        digest_of(DIGEST_SHA256, record, RECORD_SIZE - CHECKSUM_SIZE, &checksum);
        memcpy(record + RECORD_SIZE - CHECKSUM_SIZE, checksum.raw, CHECKSUM_SIZE);
        bytes = record;
        n = RECORD_SIZE;
    }
    if (ftruncate(file, 0) != 0 || pwrite(file, bytes, n, 0) != (ssize_t)n)
        abort();
}

static void check_state(const struct upload_state *state)
{
    struct upload_state back;
    uint8_t saved[HASHER_STATE_MAX], saved_back[HASHER_STATE_MAX];
    size_t n = hasher_save(&state->checkpoint, saved);

    HOLDS(strnlen(state->repository, sizeof(state->repository)) < sizeof(state->repository));
    HOLDS(strnlen(state->owner, sizeof(state->owner)) < sizeof(state->owner));
    HOLDS(strnlen(state->boot, sizeof(state->boot)) < sizeof(state->boot));
    HOLDS(upload_state_write(dir, id, state, NULL) == 0 && upload_state_read(dir, id, &back, NULL) == 0);
    HOLDS(strcmp(state->repository, back.repository) == 0 && strcmp(state->owner, back.owner) == 0);
    HOLDS(state->started == back.started && strcmp(state->boot, back.boot) == 0);
    HOLDS(hasher_save(&back.checkpoint, saved_back) == n && memcmp(saved, saved_back, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct upload_state state;
    struct err e = {0};

    if (file < 0)
        open_files();
    if (size == 0)
        return 0;
    write_input(data[0] % 2 == 1, data + 1, size - 1);
    if (upload_state_read(dir, id, &state, &e) == 0)
        check_state(&state);
    else
        HOLDS(e.code == ERR_INVALID && e.text[0] != '\0');
    return 0;
}
