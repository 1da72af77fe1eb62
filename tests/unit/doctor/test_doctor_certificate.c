/* Mistakes in the server's certificate, in its key, and in what client certificates are verified against are found. */
#include "tests/unit/doctor/doctor_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* For openssl: a key of its own, and a certificate of the test's authority with what `extensions` says. */
#define KEY "openssl ecparam -name prime256v1 -genkey -noout -out tls/server.key 2>/dev/null; "
#define SIGN(arguments, extensions)                                                                            \
    "openssl req -new -key tls/server.key -subj /CN=registry.test -out r.csr 2>/dev/null; printf '" extensions \
    "' >x.cnf; openssl x509 -req -in r.csr -CA tls/ca.crt -CAkey tls/ca.key -set_serial 7 -days 90 -extfile "  \
    "x.cnf " arguments " -out tls/server.crt 2>/dev/null; "
#define SELF(arguments)                                                                                         \
    "openssl req -x509 -key tls/server.key -subj /CN=registry.test -days 90 " arguments " -out tls/server.crt " \
    "2>/dev/null; "
/* An authority between the root and the server, whose certificate is left in tls/chain.pem. */
#define BETWEEN                                                                                                    \
    "openssl ecparam -name prime256v1 -genkey -noout -out i.key 2>/dev/null; openssl req -new -key i.key -subj "   \
    "/CN=Between -out i.csr 2>/dev/null; printf 'basicConstraints=critical,CA:TRUE\\n' >i.cnf; openssl x509 -req " \
    "-in i.csr -CA tls/ca.crt -CAkey tls/ca.key -set_serial 8 -days 90 -extfile i.cnf -out tls/chain.pem "         \
    "2>/dev/null; "                                                                                                \
    "openssl req -new -key tls/server.key -subj /CN=registry.test -out r.csr 2>/dev/null; printf "                 \
    "'subjectAltName=DNS:registry.test\\n' >x.cnf; openssl x509 -req -in r.csr -CA tls/chain.pem -CAkey i.key "    \
    "-set_serial 9 -days 80 -extfile x.cnf -out tls/server.crt 2>/dev/null; "
#define HOST "registry.test"

TEST(files, "a certificate and a key that are missing, not to be read or not a pair are found")
{
    static const struct mistake mistakes[] = {
        {.plant = "rm tls/server.crt",
         .found = "error    certificate: http.tls.certificate: tls/server.crt: No such file",
         .remedy = "berth-ca server --force --dir tls $(berth-ca hosts)"},
        {.plant = "echo x >tls/server.crt; rm tls/ca.key",
         .found = "error    certificate: http.tls.certificate: tls/server.crt: no certificate in PEM form",
         .remedy = "ask your authority or ACME client for a new one"},
        {.plant = "rm tls/server.key",
         .found = "error    certificate: http.tls.key: tls/server.key: No such file",
         .remedy = "set http.tls.key to the file with the key of tls/server.crt"},
        {.plant = KEY,
         .found = "error    certificate: http.tls.key: tls/server.key: not the key of the certificate beside it",
         .remedy = "two files that were made together"},
        {.plant = "openssl pkey -aes256 -passout pass:x -in tls/server.key -out k; mv k tls/server.key",
         .found = "error    certificate: http.tls.key: tls/server.key: ",
         .remedy = "openssl pkey -in tls/server.key -out NEW-KEY"},
        {.plant = "chmod 644 tls/server.key",
         .found = "error    certificate: everybody on this machine may read the private key tls/server.key",
         .remedy = "chmod o-rwx tls/server.key"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(validity, "a certificate that has ended, soon ends or has not begun is found")
{
    static const struct mistake mistakes[] = {
        {.days = 826,
         .found = "error    certificate: tls/server.crt expired at 20",
         .remedy = "berth-ca renew server.crt --dir tls"},
        {.days = 820,
         .found = "warning  certificate: tls/server.crt ends in 4 days",
         .remedy = "berth-ca renew server.crt --dir tls"},
        {.plant = "rm tls/ca.key",
         .days = 820,
         .found = "warning  certificate: tls/server.crt ends in 4 days",
         .remedy = "certbot renew"},
        {.days = -30, .found = "error    certificate: tls/server.crt is not valid before 20", .remedy = "date -u"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(kind, "a certificate that is no server's, an authority's, signed by itself or weak is found")
{
    static const struct mistake mistakes[] = {
        {.plant = "cp tls/ca.crt tls/server.crt; cp tls/ca.key tls/server.key",
         .host = HOST,
         .found = "warning  certificate: tls/server.crt is an authority's certificate",
         .remedy = "keep the authority's key elsewhere"},
        {.plant = KEY SELF("-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:registry.test"),
         .host = HOST,
         .found = "warning  certificate: tls/server.crt is signed by itself",
         .remedy = "make an authority once: berth-ca init"},
        {.plant = KEY SIGN("", "extendedKeyUsage=clientAuth\\nsubjectAltName=DNS:registry.test\\n"),
         .host = HOST,
         .found = "error    certificate: tls/server.crt is not meant for servers",
         .remedy = "berth-ca server --force"},
        {.plant = "openssl genrsa -out tls/server.key 1024 2>/dev/null; " SIGN("",
                                                                               "subjectAltName=DNS:registry.test\\n"),
         .host = HOST,
         .found = "error    certificate: tls/server.crt: ",
         .remedy = "berth-ca server --force"},
        {.plant = KEY SIGN("-sha1", "subjectAltName=DNS:registry.test\\n"),
         .host = HOST,
         .found = "error    certificate: tls/server.crt or one of its chain is signed over SHA-1 or MD5",
         .remedy = "berth-ca server --force"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(names, "a certificate that does not name the registry as clients call it is found")
{
    static const struct mistake mistakes[] = {
        {.host = "other.test:5999",
         .found = "error    certificate names: tls/server.crt does not cover other.test:5999 (--host)",
         .remedy = "berth-ca server --force --dir tls $(berth-ca hosts) other.test"},
        {.variable = "REGISTRY_HTTP_HOST=https://other.test:5999",
         .found = "error    certificate names: tls/server.crt does not cover other.test:5999 (http.host)",
         .remedy = "$(berth-ca hosts) other.test"},
        {.variable = "REGISTRY_HTTP_ADDR=203.0.113.9:5999",
         .found = "warning  certificate names: tls/server.crt does not cover 203.0.113.9 (http.addr)",
         .remedy = "$(berth-ca hosts) 203.0.113.9"},
        {.plant = KEY SIGN("", "keyUsage=digitalSignature\\n"),
         .host = HOST,
         .found = "error    certificate names: tls/server.crt names its host in the subject only",
         .remedy = "berth-ca server --force"},
        {.plant = KEY SIGN("", "subjectAltName=DNS:elsewhere.example\\n"),
         .found = "warning  certificate names: tls/server.crt covers none of this host's names and addresses: ",
         .remedy = "berth-ca server --force --dir tls $(berth-ca hosts)"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(chain, "a chain that is out of order or lacks a link is found")
{
    static const struct mistake mistakes[] = {
        {.plant = KEY BETWEEN,
         .host = HOST,
         .found = "error    certificate chain: tls/server.crt lacks the certificate of \"CN = Between\"",
         .remedy = "append it: cat SERVER.pem INTERMEDIATE.pem >tls/server.crt"},
        {.plant = KEY BETWEEN "cat tls/ca.crt tls/chain.pem >>tls/server.crt",
         .host = HOST,
         .found = "error    certificate chain: tls/server.crt: certificate 2 in it did not sign the one before it",
         .remedy = "put them in order"},
        {.plant = KEY SIGN("", "subjectAltName=DNS:registry.test\\nauthorityInfoAccess=caIssuers;URI:http://a.example/"
                               "i.crt\\n") "rm tls/ca.crt",
         .host = HOST,
         .found = "error    certificate chain: tls/server.crt lacks the certificate of ",
         .remedy = "take the full chain"},
    };
    static const struct mistake whole = {.plant = KEY BETWEEN "cat tls/chain.pem >>tls/server.crt", .host = HOST};
    struct sbuf out;
    int errors;

    check_mistakes(mistakes, COUNT(mistakes));
    begin_case();
    plant(&whole);
    out = examine(&whole, NULL, &errors);
    CHECK(strstr(out.p, "\nno findings\n") != NULL);
    sbuf_free(&out);
}

#define WITH_CLIENTS(more)                                                                             \
    "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\nauth: {htpasswd: {path: htpasswd}}\n" \
    "http: {addr: ':5999', tls: {certificate: tls/server.crt, key: tls/server.key, " more "}}\n"
#define OTHER                                                                                                        \
    "berth_other() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout o.key -subj " \
    "/CN=Other -days $1 -out o.crt 2>/dev/null; }; "

TEST(clients, "authorities and revocation lists of clients that are missing, wrong or old are found")
{
    static const struct mistake mistakes[] = {
        {.more = WITH_CLIENTS("clientcas: [none.crt]"),
         .found = "error    client authorities: http.tls.clientcas: none.crt: No such file",
         .remedy = "as ca.crt of berth-ca"},
        {.more = WITH_CLIENTS("clientcas: [tls/server.crt]"),
         .found = "error    client authorities: tls/server.crt holds a certificate that is no authority's",
         .remedy = "as ca.crt of berth-ca"},
        {.more = WITH_CLIENTS("clientcas: [o.crt]"),
         .plant = OTHER "berth_other 40",
         .days = 50,
         .found = "error    client authorities: the authority in o.crt has expired",
         .remedy = "berth-ca client"},
        {.more = WITH_CLIENTS("clientcas: [o.crt]"),
         .plant = OTHER "berth_other 40",
         .days = 20,
         .found = "warning  client authorities: the authority in o.crt ends in ",
         .remedy = "add it to http.tls.clientcas"},
        {.more = WITH_CLIENTS("clientcas: [tls/ca.crt], clientcrls: [none.pem]"),
         .found = "error    revocation lists: http.tls.clientcrls: none.pem: No such file",
         .remedy = "berth-ca crl --dir DIR"},
        {.more = WITH_CLIENTS("clientcas: [o.crt], clientcrls: [tls/crl.pem]"),
         .plant = OTHER "berth_other 400",
         .found = "error    revocation lists: tls/crl.pem is a list of another authority",
         .remedy = "crl.pem of berth-ca"},
        {.more = WITH_CLIENTS("clientcas: [tls/ca.crt], clientcrls: [tls/crl.pem]"),
         .days = 4000,
         .found = "warning  revocation lists: tls/crl.pem should have been replaced at 20",
         .remedy = "berth-ca crl --dir DIR"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}
