/* What a request's head says must not stay in memory that OpenSSL gives back: its allocator looks for it. */
#include "tests/unit/net/stream_fixture.h"

#include <malloc.h>

#include <openssl/crypto.h>

static const char secret[] = "Authorization: Basic a-secret-of-the-client";
static size_t leaks; /* blocks that were freed with the secret in them */

static void *allocate(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(n);
}

static void *reallocate(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return realloc(p, n);
}

/* What leaked is wiped, or the next block in its place would leak it again. */
static void look_and_free(void *p, const char *file, int line)
{
    size_t n = malloc_usable_size(p);

    (void)file, (void)line;
    if (n > 0 && memmem(p, n, secret, sizeof(secret) - 1) != NULL) {
        leaks++;
        explicit_bzero(p, n);
    }
    free(p);
}

/* Before OpenSSL has any memory. */
__attribute__((constructor)) static void watch_memory(void)
{
    if (!CRYPTO_set_mem_functions(allocate, reallocate, look_and_free))
        abort();
}

/* What was read; not from the heap, or the next who gets that memory would seem to leak it. */
static char room[2 * sizeof(secret)];
static size_t room_used;

static void take(void *owner, bool ok)
{
    struct pair *p = owner;
    ssize_t got;

    CHECK(ok);
    while ((got = stream_read(p->stream, room + room_used, sizeof(room) - room_used)) > 0)
        room_used += (size_t)got;
}

static void tell_secret(struct pair *p)
{
    room_used = 0;
    stream_await_readable(p->stream, take);
    CHECK_INT(client_write(p, secret, sizeof(secret)), sizeof(secret));
    for (int i = 0; i < TURNS_MAX && room_used < sizeof(secret); i++)
        turn(p);
    CHECK_INT(room_used, sizeof(secret));
    CHECK(memcmp(room, secret, sizeof(secret)) == 0);
    explicit_bzero(room, sizeof(room));
}

/* How many blocks leaked in a conversation. */
static size_t talk(int version, bool secrets, bool keeps)
{
    struct pair p;

    leaks = 0;
    connect_pair(&p, version);
    stream_expect_secrets(p.stream, secrets);
    stream_keep_buffers(p.stream, keeps);
    tell_secret(&p);
    tell_secret(&p);
    close_pair(&p);
    return leaks;
}

TEST(wiped,
     "after the handshake OpenSSL's copies of what was read are wiped, kept or not; without secrets they are not")
{
    static const int versions_of_tls[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(talk(versions_of_tls[i], true, false), 0);
        CHECK_INT(talk(versions_of_tls[i], true, true), 0);
        CHECK(talk(versions_of_tls[i], false, false) > 0);
    }
}

TEST(at_first, "secrets are expected from the end of the handshake on, unasked")
{
    struct pair p;

    leaks = 0;
    connect_pair(&p, TLS1_3_VERSION);
    tell_secret(&p);
    close_pair(&p);
    CHECK_INT(leaks, 0);
}

TEST(changing, "bytes arrive whole while buffers are kept, given back, and grown for a body")
{
    struct pair p;

    connect_pair(&p, TLS1_3_VERSION);
    for (int i = 0; i < 40; i++) {
        stream_keep_buffers(p.stream, i % 4 < 2);
        stream_expect_secrets(p.stream, i % 3 != 0);
        tell_secret(&p);
    }
    close_pair(&p);
}
