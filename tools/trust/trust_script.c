#include "tools/trust/trust_script.h"

#include <stdlib.h>
#include <string.h>

/* The three files as they are, from the folder in which the compiler runs, and a NUL behind each. */
#define EMBED(symbol, path)                      \
    __asm__(".section .rodata\n"                 \
            ".global " symbol "\n"               \
            ".type " symbol ", %object\n"        \
            "" symbol ":\n"                      \
            ".incbin \"" path "\"\n"             \
            ".byte 0\n"                          \
            ".size " symbol ", . - " symbol "\n" \
            ".previous\n")

EMBED("trust_host_sh", "tools/trust/trust_host.sh");
EMBED("trust_install_sh", "tools/trust/trust_install.sh");
EMBED("trust_check_sh", "tools/trust/trust_check.sh");

extern const char trust_host_sh[], trust_install_sh[], trust_check_sh[];

static const char *const actions[] = {
    [TRUST_INSTALL] = "install", [TRUST_CHECK] = "check",   [TRUST_REMOVE] = "remove",
    [TRUST_READ] = "read",       [TRUST_DAEMON] = "daemon",
};

/* Between single quotes all is literal but the single quote itself (POSIX shell, 2.2.2). */
static void put_quoted(struct sbuf *out, const char *text)
{
    sbuf_put(out, "'", 1);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'')
            sbuf_put(out, "'\\''", 4);
        else
            sbuf_put(out, p, 1);
    }
    sbuf_put(out, "'", 1);
}

/* As $(cat FILE) sees a text: the script compares that way, and its here-document adds the last newline. */
static void put_text(struct sbuf *out, const char *name, const char *text)
{
    struct str s = str_of(text == NULL ? "" : text);
    char *bare;

    while (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    bare = str_dup(s);
    sbuf_printf(out, "%s=", name);
    put_quoted(out, bare);
    sbuf_put(out, "\n", 1);
    explicit_bzero(bare, s.n);
    free(bare);
}

/* Byte for byte. */
static void put_bytes(struct sbuf *out, const char *name, const char *bytes)
{
    sbuf_printf(out, "%s=", name);
    put_quoted(out, bytes == NULL ? "" : bytes);
    sbuf_put(out, "\n", 1);
}

static void put_answer(struct sbuf *out, const char *name, bool yes)
{
    sbuf_printf(out, "%s=%s\n", name, yes ? "yes" : "no");
}

static void put_registry(struct sbuf *out, const struct trust_registry *registry)
{
    struct sbuf names = {0};

    for (size_t i = 0; i < registry->name_count; i++)
        sbuf_printf(&names, "%s%s", i == 0 ? "" : " ", registry->names[i]);
    put_text(out, "NAMES", sbuf_text(&names));
    put_text(out, "CONNECT", registry->connect);
    put_text(out, "HOST", registry->host.text);
    put_text(out, "KIND", registry->host.kind == HOST_NAME ? "name" : "address");
    put_text(out, "PLAIN", registry->plain);
    sbuf_free(&names);
}

void trust_script_put(const struct trust_request *request, enum trust_action step, const char *daemon,
                      const char *daemon_was, struct sbuf *out)
{
    bool installs = step == TRUST_INSTALL;

    put_text(out, "ACTION", actions[step]);
    put_registry(out, request->registry);
    put_text(out, "STAMP", request->stamp);
    put_text(out, "CA", installs ? request->files->ca : NULL);
    put_text(out, "CERTIFICATE", installs ? request->files->certificate : NULL);
    put_text(out, "KEY", installs ? request->files->key : NULL);
    put_bytes(out, "DAEMON", daemon);
    put_bytes(out, "DAEMON_WAS", daemon_was);
    put_text(out, "ROOT", request->root);
    put_text(out, "RUNTIMES", request->runtimes);
    put_answer(out, "DRY", request->dry);
    put_answer(out, "SYSTEM", request->system);
    put_answer(out, "REBOOT", request->reboot);
    sbuf_str(out, str_of(trust_host_sh));
    sbuf_str(out, str_of(trust_install_sh));
    sbuf_str(out, str_of(trust_check_sh));
}
