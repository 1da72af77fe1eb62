/*
 * The commands of berth-ca, and what they share: their options, secrets, and the two ways of answering.
 *
 * Thread: the main thread.
 */
#ifndef BERTH_TOOLS_CA_CA_COMMANDS_H
#define BERTH_TOOLS_CA_CA_COMMANDS_H

#include <stdbool.h>

#include "registry/base/options.h"
#include "registry/base/secret.h"
#include "tools/ca/ca.h"
#include "tools/facts.h"

/* The rows of the option table in berth_ca.c. */
enum ca_option {
    CA_DIR,
    CA_NAME,
    CA_DAYS,
    CA_FORCE,
    CA_KEY,
    CA_PASSPHRASE,
    CA_PASSPHRASE_FILE,
    CA_PASSPHRASE_STDIN,
    CA_OUT,
    CA_IP,
    CA_EMAIL,
    CA_DNS,
    CA_URI,
    CA_PKCS12,
    CA_PASSWORD_FILE,
    CA_PASSWORD_STDIN,
    CA_GENERATE,
    CA_COUNTRY,
    CA_STATE,
    CA_LOCALITY,
    CA_ORGANISATION,
    CA_UNIT,
    CA_DAYS_LEFT,
    CA_NEW_KEY,
    CA_REASON,
    CA_CA,
    CA_CLIENT_CERT,
    CA_CLIENT_KEY,
    CA_JSON,
    CA_OPTIONS
};

/* Each returns an exit status. */
int run_init(const struct invocation *call);
int run_server(const struct invocation *call);
int run_client(const struct invocation *call);
int run_csr(const struct invocation *call);
int run_import(const struct invocation *call);
int run_renew(const struct invocation *call);
int run_revoke(const struct invocation *call);
int run_crl(const struct invocation *call);
int run_list(const struct invocation *call);
int run_show(const struct invocation *call);
int run_check(const struct invocation *call);
int run_verify(const struct invocation *call);
int run_hosts(const struct invocation *call);

/* --- shared (ca_commands.c) --- */

/* The option's value, or `otherwise`. */
const char *call_value(const struct invocation *call, enum ca_option option, const char *otherwise);
/* The authority that the command line names. `passphrase` must live as long. */
struct ca call_ca(const struct invocation *call, struct passphrase *passphrase);
/* Key, days, force and out. ERR_INVALID names the option. */
int call_order(const struct invocation *call, unsigned days_max, unsigned days_default, struct ca_order *order,
               struct err *e);
/* Read host arguments, from the argument `first` on. */
int call_hosts(const struct invocation *call, int first, struct hosts *hosts, struct err *e);
/* As program_fail(); where JSON was asked for, stdout gets {"error": …}, too. */
int call_fail(const struct invocation *call, const struct err *e);
/* Print the facts as JSON if that was asked for, else `text`, or the facts as text if that is NULL. Frees them. */
void call_answer(const struct invocation *call, struct facts *facts, const char *text);

struct secret {
    char text[SECRET_ROOM];
    size_t n;
};

/* The passphrase of a new key: from --passphrase-file or --passphrase-stdin, else typed twice. */
int call_new_passphrase(const struct invocation *call, struct secret *out, struct err *e);
/* The password of a PKCS #12 file: from --password-file or --password-stdin, made up with --generate, else typed twice.
 */
int call_password(const struct invocation *call, const char *user, struct secret *out, struct err *e);

#endif
