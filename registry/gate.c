#include "registry/gate.h"

#include <stdlib.h>
#include <string.h>

#include "auth/recent_login.h"
#include "auth/throttle.h"
#include "registry/base/clock.h"
#include "registry/basic_credentials.h"
#include "registry/login_challenge.h"
#include "registry/observe/metrics.h"
#include "registry/net/peer.h"
#include "registry/reply.h"
#include "registry/server.h"

enum {
    HASHES_WAITING = 64, /* per thread of the lane: some seconds of work */
    JOINED_FOR_ONE = 16, /* of these for one of those: they wait for another's hash */
};

/* A caller's word until it is checked; wiped afterwards. */
struct claim {
    handler_fn *handle;
    struct str name;
    struct str password;
    struct throttle_attempt attempt;
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

static void refuse(struct request *rq, enum metric why, const char *detail)
{
    metric_add(why, 1);
    login_challenge(rq, detail);
}

/* `name` terminated, and cut where it is longer than any name of ours. */
static void copy_name(char out[static HTPASSWD_NAME_MAX + 1], struct str name)
{
    size_t n = name.n < HTPASSWD_NAME_MAX ? name.n : HTPASSWD_NAME_MAX;

    memcpy(out, name.p, n);
    out[n] = '\0';
}

/* ---- certificates ---- */

/* Take the name in the client's certificate. False: it was good once and is not any more, and that was replied. */
static bool take_certificate(struct request *rq)
{
    struct str name;

    switch (peer_certificate(request_connection(rq), &name, &rq->err)) {
    case PEER_CERTIFIED:
        copy_name(rq->certificate, name);
        return true;
    case PEER_REFUSED:
        rq->h2o->http1_is_persistent = 0;
        reply_error(rq, OCI_DENIED, "%s", rq->err.text);
        return false;
    default:
        return true;
    }
}

/* May somebody be the user `name` with the certificate he came with? False: he may not, and that was replied. */
static bool certificate_fits(struct request *rq, struct str name)
{
    if (rq->server->config->certificate_policy != CONFIG_CERTIFICATE_BOTH || !rq->server->identifies ||
        str_eq(str_of(rq->certificate), name))
        return true;
    metric_add(METRIC_LOGIN_REFUSED, 1);
    reply_error(rq, OCI_DENIED,
                "this registry wants a client certificate and the password of the very user that it names");
    return false;
}

/* ---- the end of all ways that know a name ---- */

static void welcome(struct request *rq, struct str name, enum metric way, handler_fn *handle)
{
    metric_add(way, 1);
    copy_name(rq->user, name);
    handle(rq);
}

static void admit_without_word(struct request *rq, handler_fn *handle)
{
    bool named = rq->server->identifies && rq->certificate[0] != '\0' &&
                 rq->server->config->certificate_policy == CONFIG_CERTIFICATE_EITHER;

    if (named) {
        welcome(rq, str_of(rq->certificate), METRIC_LOGIN_CERTIFICATE, handle);
        return;
    }
    metric_add(METRIC_LOGIN_NONE, 1);
    handle(rq);
}

/* ---- passes ---- */

static void admit_pass(struct request *rq, struct str pass, handler_fn *handle)
{
    char name[HTPASSWD_NAME_MAX + 1];

    if (!users_admit(rq->server->users, pass, clock_wall_s(), name)) {
        rq->pass_refused = true;
        refuse(rq, METRIC_LOGIN_WRONG, "the token is not one of this registry's, or has expired; log in again");
        return;
    }
    rq->has_pass = true;
    if (name[0] == '\0')
        admit_without_word(rq, handle);
    else if (certificate_fits(rq, str_of(name)))
        welcome(rq, str_of(name), METRIC_LOGIN_PASS, handle);
}

/* ---- passwords ---- */

/* NULL when the header is anything but Basic credentials. */
static struct claim *parse_claim(struct str header)
{
    struct claim *claim = xcalloc(1, sizeof(*claim) + header.n);

    claim->n = header.n;
    if (basic_credentials(header, claim->text, &claim->name, &claim->password))
        return claim;
    free(claim); /* nothing was left in it */
    return NULL;
}

static void decide(struct request *rq, enum metric way)
{
    struct claim *claim = rq->state;
    handler_fn *handle = claim->handle;
    char name[HTPASSWD_NAME_MAX + 1];
    bool right = claim->verdict == VERDICT_YES;

    copy_name(name, claim->name);
    claim_free(rq);
    rq->has_password = right;
    if (right)
        welcome(rq, str_of(name), way, handle);
    else
        refuse(rq, METRIC_LOGIN_WRONG, "unknown user or wrong password");
}

static void verify(struct request *rq)
{
    struct throttle *throttle = rq->server->throttle;
    struct claim *claim = rq->state;

    claim->verdict = users_verify(rq->server->users, claim->name, claim->password);
    if (throttle == NULL)
        return;
    if (claim->verdict == VERDICT_YES)
        throttle_passed(throttle, &claim->attempt, clock_monotonic_ms());
    else
        throttle_failed(throttle, &claim->attempt);
}

static void verified(struct request *rq)
{
    decide(rq, METRIC_LOGIN_HASHED);
}

static void ask_to_wait(struct request *rq, unsigned seconds)
{
    metric_add(METRIC_LOGIN_THROTTLED, 1);
    reply_header_text(rq, "Retry-After", "%u", seconds);
    reply_error(rq, OCI_TOOMANYREQUESTS, "too many wrong passwords; try again in %u second%s", seconds,
                seconds == 1 ? "" : "s");
}

/* Have the password hashed, unless the caller has used up his attempts. Who fails often waits behind everybody who does
 * not, and in a short queue. */
static void try_password(struct request *rq, struct claim *claim)
{
    struct server *server = rq->server;
    size_t room = (size_t)HASHES_WAITING * server->loop_count;
    const struct network_address *from = &request_connection(rq)->peer.address;
    unsigned seconds = 0;
    enum lane lane;

    if (server->throttle != NULL)
        seconds = throttle_take(server->throttle, from, claim->name, claim->password, clock_monotonic_ms(),
                                &claim->attempt);
    lane = claim->attempt.suspect ? LANE_SUSPECT : LANE_HASH;
    if (claim->attempt.joined)
        room *= JOINED_FOR_ONE;
    if (seconds > 0) {
        ask_to_wait(rq, seconds);
    } else if (workers_waiting(server->workers, lane) < room) {
        request_work(rq, lane, verify, verified);
    } else {
        if (server->throttle != NULL)
            throttle_return(server->throttle, &claim->attempt);
        if (claim->attempt.suspect) {
            ask_to_wait(rq, 1);
            return;
        }
        metric_add(METRIC_LOGIN_BUSY, 1);
        reply_header(rq, "Retry-After", STR("1"));
        reply_error(rq, OCI_UNAVAILABLE, "too many passwords are being checked; try again in a second");
    }
}

static struct recent_login *recent_login(struct request *rq)
{
    return &request_connection(rq)->recent_login;
}

/* Did the connection's last request come with this very header? True: it was answered. */
static bool admit_again(struct request *rq, struct str header, handler_fn *handle)
{
    struct recent_login *login = recent_login(rq);
    struct str name = str_of(login->name);

    if (!recent_login_is(login, header, users_generation(rq->server->users), rq->loop->now_ms))
        return false;
    metric_add(METRIC_PASSWORD_CACHE_HIT, 1);
    if (certificate_fits(rq, name)) {
        rq->has_password = true;
        welcome(rq, name, METRIC_LOGIN_REMEMBERED, handle);
    }
    return true;
}

/* The password may be remembered; but who has used up his attempts is not told. */
static void recall(struct request *rq, struct claim *claim, struct str header)
{
    const struct network_address *from = &request_connection(rq)->peer.address;
    struct throttle *throttle = rq->server->throttle;
    uint64_t generation = users_generation(rq->server->users);
    uint64_t now_ms = clock_monotonic_ms();
    bool paired = false;
    unsigned seconds = throttle == NULL ? 0 : throttle_ask(throttle, from, claim->name, now_ms, &paired);

    if (seconds > 0) {
        ask_to_wait(rq, seconds);
        return;
    }
    claim->verdict = users_recall(rq->server->users, claim->name, claim->password);
    metric_add(claim->verdict == VERDICT_UNKNOWN ? METRIC_PASSWORD_CACHE_MISS : METRIC_PASSWORD_CACHE_HIT, 1);
    if (claim->verdict == VERDICT_YES && throttle != NULL && !paired)
        throttle_remember(throttle, from, claim->name, now_ms);
    if (claim->verdict == VERDICT_YES)
        recent_login_put(recent_login(rq), header, claim->name, generation, now_ms);
    if (claim->verdict != VERDICT_UNKNOWN)
        decide(rq, METRIC_LOGIN_REMEMBERED);
    else
        try_password(rq, claim);
}

static void admit_password(struct request *rq, struct str header, handler_fn *handle)
{
    struct claim *claim = parse_claim(header);

    if (claim == NULL) {
        refuse(rq, METRIC_LOGIN_REFUSED, "the Authorization header must be Basic with user and password");
        return;
    }
    claim->handle = handle;
    rq->state = claim;
    rq->release = claim_free;
    if (certificate_fits(rq, claim->name))
        recall(rq, claim, header);
}

void gate_admit(struct request *rq, handler_fn *handle)
{
    static const struct str bearer = STR("Bearer ");
    struct str header = request_header(rq, H2O_TOKEN_AUTHORIZATION);

    if (!take_certificate(rq))
        return;
    if (rq->server->users == NULL || header.n == 0)
        admit_without_word(rq, handle);
    else if (request_header_repeats(rq, H2O_TOKEN_AUTHORIZATION))
        refuse(rq, METRIC_LOGIN_REFUSED, "more than one Authorization header");
    else if (header.n > bearer.n && str_eq_nocase((struct str){header.p, bearer.n}, bearer))
        admit_pass(rq, str_trim(str_from(header, bearer.n)), handle);
    else if (!admit_again(rq, header, handle))
        admit_password(rq, header, handle);
}
