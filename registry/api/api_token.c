/*
 * Passes: GET /v2/_token, the end-point that a Bearer challenge names (distribution's "Token Authentication
 * Specification"; RFC 6750). Who came with a password gets a pass in his name, who came with nothing one in nobody's.
 *
 * The query (service, scope, account, client_id) is not looked at: a pass says who somebody is, and what he may is
 * decided when he does it.
 */
#include "registry/api/api.h"
#include "auth/bearer.h"
#include "registry/base/clock.h"
#include "registry/login_challenge.h"
#include "registry/reply.h"
#include "registry/server.h"

void api_token(struct request *rq)
{
    struct str name = rq->has_password ? str_of(rq->user) : STR("");
    uint64_t now_s = clock_wall_s();
    struct sbuf json = {0}, pass = {0};
    char issued[CLOCK_TEXT_ROOM];

    if (rq->has_pass && rq->user[0] != '\0') {
        login_challenge(rq, "a token is given for a password, not for another token");
        return;
    }
    if (rq->server->users == NULL) {
        reply_error(rq, OCI_NAME_UNKNOWN, "this registry has no passwords, and gives out no tokens for them");
        return;
    }
    if (users_issue(rq->server->users, name, now_s, BEARER_LIFETIME, &pass, &rq->err) != 0) {
        login_challenge(rq, rq->err.text); /* removed since the password was checked */
    } else {
        clock_text((int64_t)now_s, issued);
        sbuf_printf(&json, "{\"token\":\"%s\",\"access_token\":\"%s\",\"expires_in\":%d,\"issued_at\":\"%s\"}\n",
                    sbuf_text(&pass), sbuf_text(&pass), BEARER_LIFETIME, issued);
        reply_header(rq, "Cache-Control", STR("no-store"));
        reply_body(rq, 200, "application/json", (struct str){json.p, json.n});
    }
    sbuf_wipe(&pass);
    sbuf_wipe(&json);
}
