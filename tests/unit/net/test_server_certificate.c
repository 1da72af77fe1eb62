#include "registry/net/server_certificate.h"

#include "tests/unit/net/certificate_fixture.h"

TEST(steps, "people are told 30, 14, 7 days and 1 day before a certificate ends, and when it has ended")
{
    static const struct {
        int64_t left;
        enum expiry expiry;
    } cases[] = {
        {365 * (int64_t)DAY, EXPIRY_FAR},
        {30 * DAY + 1, EXPIRY_FAR},
        {30 * DAY, EXPIRY_30_DAYS},
        {14 * DAY + 1, EXPIRY_30_DAYS},
        {14 * DAY, EXPIRY_14_DAYS},
        {7 * DAY + 1, EXPIRY_14_DAYS},
        {7 * DAY, EXPIRY_7_DAYS},
        {DAY + 1, EXPIRY_7_DAYS},
        {DAY, EXPIRY_1_DAY},
        {1, EXPIRY_1_DAY},
        {0, EXPIRY_OVER},
        {-1, EXPIRY_OVER},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_INT(expiry_of(1000 * (uint64_t)DAY - (uint64_t)cases[i].left, 1000 * (uint64_t)DAY), cases[i].expiry);
}

TEST(once, "each step is told once, at start also the one that holds then")
{
    enum expiry told = EXPIRY_FAR;
    uint64_t end_s = 100 * (uint64_t)DAY;
    int warnings = 0;

    for (uint64_t now_s = end_s - 60 * DAY; now_s <= end_s + DAY; now_s += HOUR / 2)
        warnings += expiry_crossed(&told, now_s, end_s);
    CHECK_INT(warnings, 5);
    CHECK_INT(told, EXPIRY_OVER);
    told = EXPIRY_FAR;
    CHECK(expiry_crossed(&told, end_s - 3 * DAY, end_s));
    CHECK_INT(told, EXPIRY_7_DAYS);
    CHECK(!expiry_crossed(&told, end_s - 3 * DAY + 1, end_s));
}

TEST(backwards, "a clock that is set back tells nothing, and what comes near again is told again")
{
    enum expiry told = EXPIRY_1_DAY;

    CHECK(!expiry_crossed(&told, 0, 100 * (uint64_t)DAY));
    CHECK_INT(told, EXPIRY_FAR);
    CHECK(expiry_crossed(&told, 95 * (uint64_t)DAY, 100 * (uint64_t)DAY));
}

static struct server_certificate *parse(const struct sbuf *certificate, const struct sbuf *key, struct err *e)
{
    const struct file_of_set files[] = {{"http.tls.certificate", "c.pem", {certificate->p, certificate->n}},
                                        {"http.tls.key", "k.pem", {key->p, key->n}}};

    return server_certificate_parse(&files[0], &files[1], e);
}

static void check_refused(const struct sbuf *certificate, const struct sbuf *key, const char *text)
{
    struct err e;

    CHECK(parse(certificate, key, &e) == NULL);
    CHECK_TEXT(e.text, text);
    CHECK_INT(e.code, ERR_INVALID);
}

TEST(good, "a certificate with its chain and key is taken, with the end of the certificate itself")
{
    struct identity root = make_authority("root", NULL), server = make_client("server", &root);
    struct sbuf pem = {0}, key = {0};
    struct server_certificate *c;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct err e;
    time_t now = time(NULL);

    put_certificate(&pem, server.certificate);
    put_certificate(&pem, root.certificate);
    put_key(&key, server.key, NULL);
    c = parse(&pem, &key, &e);
    must(c != NULL);
    CHECK(server_certificate_end_s(c) + 60 > (uint64_t)now + DAY &&
          server_certificate_end_s(c) < (uint64_t)now + DAY + 60);
    CHECK_INT(server_certificate_use(c, context, &e), 0);
    CHECK_INT(X509_cmp(SSL_CTX_get0_certificate(context), server.certificate), 0);
    server_certificate_free(&c);
    CHECK(c == NULL);
    SSL_CTX_free(context);
    sbuf_free(&pem);
    sbuf_free(&key);
    identity_free(&server);
    identity_free(&root);
}

TEST(bad, "what is no certificate and its key is refused with the file's name")
{
    struct identity one = make_client("one", NULL), two = make_client("two", NULL);
    struct sbuf pem = {0}, key = {0}, other = {0}, encrypted = {0}, empty = {0}, cut = {0};

    put_certificate(&pem, one.certificate);
    put_key(&key, one.key, NULL);
    put_key(&other, two.key, NULL);
    put_key(&encrypted, one.key, EVP_aes_128_cbc());
    check_refused(&empty, &key, "http.tls.certificate c.pem: holds no certificate; write at least one in PEM form");
    check_refused(&key, &key, "http.tls.certificate c.pem: holds no certificate; write at least one in PEM form");
    check_refused(&pem, &other, "not the key of the certificate in c.pem: http.tls.key k.pem: key values mismatch");
    check_refused(&pem, &encrypted,
                  "http.tls.key k.pem: is encrypted; write a copy without passphrase with `openssl pkey`");
    sbuf_put(&cut, pem.p, pem.n);
    sbuf_put(&cut, "-----BEGIN CERTIF", 17);
    check_refused(&cut, &key, "http.tls.certificate c.pem: ends in the middle of a PEM block; write the whole file");
    cut.n = pem.n;
    sbuf_put(&cut, pem.p, pem.n / 2);
    check_refused(&cut, &key, "http.tls.certificate c.pem: bad end line");
    sbuf_free(&pem);
    sbuf_free(&key);
    sbuf_free(&other);
    sbuf_free(&encrypted);
    sbuf_free(&cut);
    identity_free(&one);
    identity_free(&two);
}
