/*
 * berth-ca: a private certificate authority for a registry and its clients.
 */
/* tools */
#include "tools/ca/ca_commands.h"

static const struct option_spec options[] = {
    [CA_DIR] = {.name = "dir", .value = "DIR", .help = "where the authority is; default: ./ca"},
    [CA_NAME] = {.name = "name", .value = "CN", .help = "the authority's name; default: Berth registry CA"},
    [CA_DAYS] =
        {.name = "days",
         .value = "N",
         .help = "init: valid for N (3650; at most 10950); server: (825; at most that); client: (397); renew: (as long "
                 "as before); revoke, crl: the list is due after N (when the authority ends); check: and N to go (0)"},
    [CA_FORCE] = {.name = "force", .help = "replace what is there"},
    [CA_KEY] = {.name = "key",
                .value = "ec|rsa|rsa-2048|rsa-3072|rsa-4096",
                .help = "kind of a new key; default: ec (P-256); rsa has 3072 bits"},
    [CA_PASSPHRASE] = {.name = "passphrase", .help = "init: encrypt the authority's key; its passphrase is asked for"},
    [CA_PASSPHRASE_FILE] = {.name = "passphrase-file",
                            .value = "FILE",
                            .help = "read the passphrase of the authority's key from FILE"},
    [CA_PASSPHRASE_STDIN] = {.name = "passphrase-stdin", .help = "read it from standard input"},
    [CA_OUT] = {.name = "out",
                .value = "NAME",
                .help = "server, csr, import: NAME.crt and NAME.key in the directory, or, with a slash in it, anywhere "
                        "(server); client: the directory for client.cert and client.key (DIR/clients/USER)"},
    [CA_IP] = {.name = "ip",
               .value = "ADDRESS",
               .help = "client: the server accepts it from this address only",
               .repeats = true},
    [CA_EMAIL] = {.name = "email", .value = "ADDRESS", .help = "client, csr: an e-mail address", .repeats = true},
    [CA_DNS] = {.name = "dns", .value = "NAME", .help = "client: a DNS name", .repeats = true},
    [CA_URI] = {.name = "uri", .value = "URI", .help = "client: a URI", .repeats = true},
    [CA_PKCS12] = {.name = "pkcs12", .help = "client: write client.p12, too, under a password that is asked for"},
    [CA_PASSWORD_FILE] = {.name = "password-file",
                          .value = "FILE",
                          .help = "read the password of client.p12 from FILE"},
    [CA_PASSWORD_STDIN] = {.name = "password-stdin", .help = "read it from standard input"},
    [CA_GENERATE] = {.name = "generate", .help = "make up the password of client.p12 and print it once"},
    [CA_COUNTRY] = {.name = "country", .value = "CODE", .help = "csr: two letters, as in DE"},
    [CA_STATE] = {.name = "state", .value = "TEXT", .help = "csr: state or province"},
    [CA_LOCALITY] = {.name = "locality", .value = "TEXT", .help = "csr: town"},
    [CA_ORGANISATION] = {.name = "organisation", .value = "TEXT", .help = "csr: organisation"},
    [CA_UNIT] = {.name = "unit", .value = "TEXT", .help = "csr: organisational unit"},
    [CA_DAYS_LEFT] = {.name = "days-left",
                      .value = "N",
                      .help = "renew: only when fewer than N are left (30); verify: fewer are a problem (0)"},
    [CA_NEW_KEY] = {.name = "new-key", .help = "renew: with a new key of the same kind; default: the key stays"},
    [CA_REASON] =
        {.name = "reason",
         .value = "unspecified|keyCompromise|affiliationChanged|superseded|cessationOfOperation|privilegeWithdrawn",
         .help = "revoke: why; default: unspecified"},
    [CA_CA] = {.name = "ca",
               .value = "FILE",
               .help = "verify: trust what is in FILE; default: DIR/ca.crt if it is there, else the system's store"},
    [CA_CLIENT_CERT] = {.name = "client-cert", .value = "FILE", .help = "verify: show this certificate to the server"},
    [CA_CLIENT_KEY] = {.name = "client-key", .value = "FILE", .help = "verify: its key"},
    [CA_JSON] = {.name = "json", .help = "answer in JSON"},
};

static const struct program_example examples[] = {
    {"An authority, and a server certificate for all this machine is called",
     "berth-ca init && berth-ca server $(berth-ca hosts)"},
    {"An authority whose key is encrypted, its passphrase asked on the terminal",
     "berth-ca init --dir /etc/berth/ca --passphrase"},
    {"A certificate for alice on one Docker host only", "berth-ca client alice --ip 192.0.2.17"},
    {"The same for a browser, too, with a password made up", "berth-ca client alice --pkcs12 --generate"},
    {"A request to an authority elsewhere, and its answer",
     "berth-ca csr registry.example.org --country DE --organisation 'Example GmbH' && berth-ca import answer.pem "
     "chain.pem"},
    {"Renew when fewer than 30 days are left: a line for cron; the running server takes the new one by itself",
     "berth-ca renew server --dir /etc/berth/ca"},
    {"Take a laptop's certificate back", "berth-ca revoke alice --reason keyCompromise"},
    {"What does a client see there?", "berth-ca verify registry.example.org:5000 --ca ca/ca.crt"},
};

#define TAKES(option) (UINT64_C(1) << (option))

/* A secret comes from one place, and standard input holds one secret. */
static const uint64_t exclusive[] = {
    TAKES(CA_PASSPHRASE_FILE) | TAKES(CA_PASSPHRASE_STDIN),
    TAKES(CA_PASSWORD_FILE) | TAKES(CA_PASSWORD_STDIN) | TAKES(CA_GENERATE),
    TAKES(CA_PASSPHRASE_STDIN) | TAKES(CA_PASSWORD_STDIN),
};

enum {
    UNLOCK = TAKES(CA_DIR) | TAKES(CA_PASSPHRASE_FILE) | TAKES(CA_PASSPHRASE_STDIN) | TAKES(CA_JSON),
    ISSUE = UNLOCK | TAKES(CA_DAYS) | TAKES(CA_FORCE) | TAKES(CA_KEY),
    NAMES = TAKES(CA_IP) | TAKES(CA_EMAIL) | TAKES(CA_DNS) | TAKES(CA_URI),
    PKCS12 = TAKES(CA_PKCS12) | TAKES(CA_PASSWORD_FILE) | TAKES(CA_PASSWORD_STDIN) | TAKES(CA_GENERATE),
    REQUEST = TAKES(CA_COUNTRY) | TAKES(CA_STATE) | TAKES(CA_LOCALITY) | TAKES(CA_ORGANISATION) | TAKES(CA_UNIT) |
              TAKES(CA_EMAIL),
};

static const struct command_spec commands[] = {
    {"init", "", 0, 0, ISSUE | TAKES(CA_NAME) | TAKES(CA_PASSPHRASE), "make the authority", run_init},
    {"server", "HOST…", 1, HOSTS_MAX, ISSUE | TAKES(CA_OUT),
     "issue a server certificate for names, *.wildcards and addresses", run_server},
    {"client", "USER", 1, 1, ISSUE | TAKES(CA_OUT) | NAMES | PKCS12, "issue a client certificate", run_client},
    {"csr", "HOST…", 1, HOSTS_MAX, TAKES(CA_DIR) | TAKES(CA_KEY) | TAKES(CA_OUT) | TAKES(CA_JSON) | REQUEST,
     "make a signing request for an authority elsewhere; a key that is there already is used again", run_csr},
    {"import", "FILE…", 1, CERTIFICATES_MAX, TAKES(CA_DIR) | TAKES(CA_OUT) | TAKES(CA_JSON),
     "take that authority's answer: the certificate and its issuers", run_import},
    {"renew", "NAME|FILE", 1, 1, UNLOCK | TAKES(CA_DAYS) | TAKES(CA_DAYS_LEFT) | TAKES(CA_NEW_KEY),
     "issue a certificate again before it ends, keeping dated copies of the files from before; NAME is what its files "
     "are called in DIR: \"server\", or a client's USER",
     run_renew},
    {"revoke", "NAME|FILE|SERIAL", 1, 1, UNLOCK | TAKES(CA_DAYS) | TAKES(CA_REASON),
     "take back a certificate, or all valid ones of a name, and write crl.pem; NAME is what \"list\" shows: a client's "
     "USER, a server's first HOST",
     run_revoke},
    {"crl", "", 0, 0, UNLOCK | TAKES(CA_DAYS), "write crl.pem anew", run_crl},
    {"list", "", 0, 0, TAKES(CA_DIR) | TAKES(CA_JSON), "list what was issued", run_list},
    {"show", "FILE", 1, 1, TAKES(CA_JSON) | TAKES(CA_PASSPHRASE_FILE) | TAKES(CA_PASSPHRASE_STDIN),
     "describe a certificate, key, request or revocation list", run_show},
    {"check", "FILE HOST…", 2, 1 + HOSTS_MAX, TAKES(CA_DIR) | TAKES(CA_DAYS) | TAKES(CA_JSON),
     "is it good for these hosts (and, with --dir, from that authority)?", run_check},
    {"verify", "HOST:PORT", 1, 1,
     TAKES(CA_DIR) | TAKES(CA_CA) | TAKES(CA_CLIENT_CERT) | TAKES(CA_CLIENT_KEY) | TAKES(CA_DAYS_LEFT) | TAKES(CA_JSON),
     "connect and say what a client would see, and every problem it would have", run_verify},
    {"hosts", "", 0, 0, 0, "print this machine's names and addresses", run_hosts},
};

static const struct program_item files[] = {
    {"DIR/ca.crt, DIR/ca.key", "the authority: the first is for everybody, the second for nobody"},
    {"DIR/server.crt, DIR/server.key", "for http.tls.certificate and http.tls.key; --out gives other names"},
    {"DIR/clients/USER/client.cert, client.key", "for /etc/docker/certs.d/HOST:PORT/"},
    {"DIR/issued", "what was issued, and what of it is revoked; back it up: without it no revocation list is written"},
    {"DIR/crl.pem", "the revocation list, for http.tls.clientcrls; there from the start"},
};

int main(int argc, char **argv)
{
    const struct program_spec program = {
        .name = "berth-ca",
        .summary = "a private certificate authority for a registry and its clients",
        .examples = examples,
        .example_count = sizeof(examples) / sizeof(examples[0]),
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .options = options,
        .option_count = CA_OPTIONS,
        .exclusive = exclusive,
        .exclusive_count = sizeof(exclusive) / sizeof(exclusive[0]),
        .notes =
            "renew keeps the key, so that only the certificate's file changes, in one step, and a running server takes "
            "it up by itself; --new-key replaces both files, the key first.\n"
            "\n"
            "init makes a crl.pem that revokes nothing, so that http.tls.clientcrls can name it from the start. It is "
            "good "
            "until the authority ends, unless --days says less: past its date, verifiers refuse "
            "every certificate. With --days, run \"berth-ca crl\" in time.\n"
            "\n"
            "exit status: 0 done or good, 1 refused or not good, 2 wrong usage, 3 file or host not found\n",
        .files = files,
        .file_count = sizeof(files) / sizeof(files[0]),
        .see_also = "berth(1), berth-user(1), berth-trust(1)",
    };

    return program_run(&program, argc, argv);
}
