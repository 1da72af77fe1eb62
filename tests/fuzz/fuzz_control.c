/*
 * What comes on <root>/control: a request in its frame, then the command line in it. Input: a byte, odd: the length in
 * front is made right and the first words are those of a good request, or little behind them would ever be reached; the
 * bytes of the request.
 */
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/base/options.h"
#include "registry/ops/wire.h"
#include "registry/commands/program.h"

enum { PATIENCE_MS = 1000 };

static void try_command(const struct request_words *words)
{
    struct invocation call;
    struct err e = {0};

    HOLDS(words->argc > 0 && words->argv[words->argc] == NULL && words->directory != NULL);
    for (int i = 0; i < words->argc; i++)
        HOLDS(words->argv[i] >= words->bytes.p && words->argv[i] < words->bytes.p + words->bytes.n);
    if (program_parse(berth_program(), words->argc, words->argv, &call, &e) == 0)
        invocation_free(&call);
    else
        HOLDS(e.text[0] != '\0');
}

static void put_request(struct sbuf *out, struct str text)
{
    static const char words[] = REQUEST_MAGIC "\0terminal\0/\0berth"; /* and the NUL that ends it */
    uint32_t length = htonl((uint32_t)(sizeof(words) + text.n));

    sbuf_put(out, &length, sizeof(length));
    sbuf_put(out, words, sizeof(words));
    sbuf_str(out, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request_words words;
    struct sbuf bytes = {0};
    struct err e = {0};
    int fds[2];

    if (size == 0)
        return 0;
    if (data[0] % 2 == 1)
        put_request(&bytes, fuzz_text(data + 1, size - 1));
    else
        sbuf_str(&bytes, fuzz_text(data + 1, size - 1));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
        (bytes.n > 0 && write(fds[0], bytes.p, bytes.n) != (ssize_t)bytes.n) || shutdown(fds[0], SHUT_WR) != 0)
        abort();
    if (request_receive(fds[1], -1, PATIENCE_MS, &words, &e) == 0)
        try_command(&words);
    else
        HOLDS(e.code != ERR_NONE && e.text[0] != '\0');
    request_words_free(&words);
    close(fds[0]);
    close(fds[1]);
    sbuf_free(&bytes);
    return 0;
}
