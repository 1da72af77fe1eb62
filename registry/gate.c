#include "registry/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "registry/reply.h"
#include "registry/server.h"

enum { CREDENTIALS_MAX = 4096 }; /* bytes of base64 */

/* A caller's word until it is checked; wiped afterwards. */
struct claim {
    handler_fn *handle;
    struct str name;
    struct str password;
    enum verdict verdict;
    size_t n;
    char text[];
};

static void claim_free(struct request *rq)
{
    struct claim *claim = rq->state;

    if (claim == NULL)
        return;
    explicit_bzero(claim->text, claim->n);
    free(claim);
    rq->state = NULL;
    rq->release = NULL;
}

static void challenge(struct request *rq, const char *detail)
{
    struct sbuf realm = {0};

    sbuf_printf(&realm, "Basic realm=");
    sbuf_json(&realm, str_of(rq->server->config->htpasswd_realm));
    reply_header(rq, "WWW-Authenticate", (struct str){realm.p, realm.n});
    sbuf_free(&realm);
    reply_error(rq, OCI_UNAUTHORIZED, "%s", detail);
}

/* "Basic <base64 of name:password>" (RFC 7617 §2). NULL when it is anything else. */
static struct claim *parse_claim(struct str header)
{
    struct str encoded = str_trim(str_from(header, 6));
    struct claim *claim;
    size_t colon, n;
    int length;

    if (header.n < 6 || !str_eq_nocase((struct str){header.p, 6}, STR("Basic ")) || encoded.n == 0 ||
        encoded.n % 4 != 0 || encoded.n > CREDENTIALS_MAX)
        return NULL;
    claim = xcalloc(1, sizeof(*claim) + encoded.n);
    length = EVP_DecodeBlock((unsigned char *)claim->text, (const unsigned char *)encoded.p, (int)encoded.n);
    n = length < 0 ? 0 : (size_t)length;
    n -= n > 0 && encoded.p[encoded.n - 1] == '=';
    n -= n > 0 && encoded.p[encoded.n - 2] == '=';
    claim->n = encoded.n;
    colon = str_find((struct str){claim->text, n}, ':');
    if (length < 0 || colon == n || colon == 0 || colon > 255) {
        explicit_bzero(claim->text, encoded.n);
        free(claim);
        return NULL;
    }
    claim->name = (struct str){claim->text, colon};
    claim->password = str_from((struct str){claim->text, n}, colon + 1);
    return claim;
}

static void decide(struct request *rq)
{
    struct claim *claim = rq->state;
    handler_fn *handle = claim->handle;
    bool welcome = claim->verdict == VERDICT_YES;

    if (welcome)
        snprintf(rq->user, sizeof(rq->user), "%.*s", (int)claim->name.n, claim->name.p);
    claim_free(rq);
    if (welcome)
        handle(rq);
    else
        challenge(rq, "unknown user or wrong password");
}

static void verify(struct request *rq)
{
    struct claim *claim = rq->state;

    claim->verdict = users_verify(rq->server->users, claim->name, claim->password);
}

void gate_admit(struct request *rq, handler_fn *handle)
{
    struct str header = request_header(rq, H2O_TOKEN_AUTHORIZATION);
    struct claim *claim;

    if (rq->server->users == NULL) {
        handle(rq);
        return;
    }
    if (request_header_repeats(rq, H2O_TOKEN_AUTHORIZATION)) {
        challenge(rq, "more than one Authorization header");
        return;
    }
    if (header.n == 0) {
        challenge(rq, "log in first");
        return;
    }
    claim = parse_claim(header);
    if (claim == NULL) {
        challenge(rq, "the Authorization header must be Basic with user and password");
        return;
    }
    claim->handle = handle;
    rq->state = claim;
    rq->release = claim_free;
    claim->verdict = users_recall(rq->server->users, claim->name, claim->password);
    if (claim->verdict == VERDICT_UNKNOWN)
        request_work(rq, LANE_HASH, verify, decide);
    else
        decide(rq);
}

bool gate_may_pull(const struct request *rq, struct str repository)
{
    (void)repository;
    return rq->server->users == NULL || rq->user[0] != '\0';
}
