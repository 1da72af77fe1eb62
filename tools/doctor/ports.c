#include "tools/doctor/ports.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* base */
#include "registry/base/file.h"

/* tools */
#include "tools/doctor/proc.h"

enum { TABLE_MAX = 16 << 20, LISTENING = 0x0a, ADDRESS_WORDS = 4, TABLE_WORDS = 10 };

/* An address as the kernel prints it: words of 32 bits as they lie in memory. */
struct listening {
    size_t words; /* 1: IPv4, 4: IPv6 */
    uint32_t address[ADDRESS_WORDS];
    unsigned port;
    uint64_t inode;
};

static void take_wanted(const struct sockaddr *address, struct listening *out)
{
    *out = (struct listening){.words = address->sa_family == AF_INET ? 1 : ADDRESS_WORDS};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        out->address[0] = in.sin_addr.s_addr;
        out->port = ntohs(in.sin_port);
    } else {
        struct sockaddr_in6 in;

        memcpy(&in, address, sizeof(in));
        memcpy(out->address, &in.sin6_addr, sizeof(out->address));
        out->port = ntohs(in.sin6_port);
    }
}

/* "0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 …" */
static bool take_line(struct str line, size_t words_of_address, struct listening *out)
{
    struct str words[TABLE_WORDS];
    uint32_t port, state;
    uint64_t inode;

    *out = (struct listening){.words = words_of_address};
    if (proc_words(line, words, TABLE_WORDS) < TABLE_WORDS || !proc_hex(words[3], &state) || state != LISTENING ||
        !proc_hex(proc_last(words[1]), &port) || !str_to_u64(words[9], &inode) ||
        str_find(words[1], ':') != 8 * words_of_address)
        return false;
    out->port = port;
    out->inode = inode;
    for (size_t i = 0; i < words_of_address; i++)
        if (!proc_hex((struct str){words[1].p + 8 * i, 8}, &out->address[i]))
            return false;
    return true;
}

static bool is_any(const struct listening *l)
{
    static const uint32_t zeros[ADDRESS_WORDS];

    return memcmp(l->address, zeros, l->words * sizeof(uint32_t)) == 0;
}

static bool collides(const struct listening *there, const struct listening *wanted)
{
    return there->port == wanted->port &&
           (is_any(there) || is_any(wanted) ||
            memcmp(there->address, wanted->address, wanted->words * sizeof(uint32_t)) == 0);
}

static bool find_listener(const char *proc, const struct listening *wanted, uint64_t *inode)
{
    struct sbuf text = {0};
    struct str rest, line;
    char path[PATH_MAX];
    bool found = false;

    snprintf(path, sizeof(path), "%s/net/%s", proc, wanted->words == 1 ? "tcp" : "tcp6");
    if (file_read(path, TABLE_MAX, &text, NULL) != 0)
        return false;
    rest = (struct str){text.p, text.n};
    while (!found && proc_line(&rest, &line)) {
        struct listening there;

        found = take_line(line, wanted->words, &there) && collides(&there, wanted);
        *inode = there.inode;
    }
    sbuf_free(&text);
    return found;
}

/* ---- whose is the socket? ---- */

static bool holds(const char *proc, const char *pid, const char *socket)
{
    char path[PATH_MAX], link[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/%s/fd", proc, pid);
    dir = opendir(path);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%s/fd/%s", proc, pid, entry->d_name);
        n = readlink(path, link, sizeof(link) - 1);
        if (n > 0) {
            link[n] = '\0';
            found = strcmp(link, socket) == 0;
        }
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static void find_holder(const char *proc, uint64_t inode, struct port_holder *holder)
{
    const struct dirent *entry;
    struct sbuf name = {0};
    char socket[64], path[PATH_MAX];
    DIR *dir = opendir(proc);

    snprintf(socket, sizeof(socket), "socket:[%" PRIu64 "]", inode);
    while (dir != NULL && holder->pid == 0 && (entry = readdir(dir)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !holds(proc, entry->d_name, socket))
            continue;
        holder->pid = (pid_t)strtol(entry->d_name, NULL, 10);
        snprintf(path, sizeof(path), "%s/%s/comm", proc, entry->d_name);
        if (file_read(path, sizeof(holder->name) - 1, &name, NULL) == 0)
            snprintf(holder->name, sizeof(holder->name), "%.*s", (int)str_find((struct str){name.p, name.n}, '\n'),
                     name.p);
    }
    if (dir != NULL)
        closedir(dir);
    sbuf_free(&name);
}

bool port_is_taken(const char *proc, const struct sockaddr *address, struct port_holder *holder)
{
    struct listening wanted;
    uint64_t inode;

    *holder = (struct port_holder){.name = "another program"};
    take_wanted(address, &wanted);
    if (!find_listener(proc, &wanted, &inode))
        return false;
    find_holder(proc, inode, holder);
    return true;
}
