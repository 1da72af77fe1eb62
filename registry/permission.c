#include "registry/permission.h"

#include "registry/login_challenge.h"
#include "registry/reply.h"
#include "registry/rules.h"
#include "registry/server.h"

static struct access_caller caller_of(const struct request *rq)
{
    return (struct access_caller){
        .user = str_of(rq->user),
        .certificate = str_of(rq->certificate),
        .address = request_connection(rq)->peer.address,
    };
}

/* Without rules. */
static bool is_trusted(const struct request *rq)
{
    return !rq->server->authenticates || rq->user[0] != '\0';
}

bool permission_has(const struct request *rq, enum access_action action, struct str repository)
{
    const struct access *access = rules_in_force(rq->loop);
    struct access_caller caller;

    if (access == NULL)
        return is_trusted(rq);
    caller = caller_of(rq);
    return access_decide(access, &caller, action, repository).allowed;
}

void permission_view_make(const struct request *rq, enum access_action action, struct permission_view *out)
{
    const struct access *access = rules_in_force(rq->loop);
    struct access_caller caller = caller_of(rq);

    out->ruled = access != NULL;
    out->trusted = is_trusted(rq);
    if (out->ruled)
        access_view_make(access, &caller, action, &out->rules);
}

bool permission_view_has(const struct permission_view *view, struct str repository)
{
    return view->ruled ? access_view_allows(&view->rules, repository) : view->trusted;
}

struct str permission_view_from(const struct permission_view *view, struct str name, char room[ACCESS_NAME_MAX])
{
    if (view->ruled)
        return access_view_from(&view->rules, name, room);
    return view->trusted ? name : (struct str){0};
}

static bool has_anywhere(const struct request *rq, enum access_action action)
{
    const struct access *access = rules_in_force(rq->loop);
    struct access_caller caller;

    if (access == NULL)
        return is_trusted(rq);
    caller = caller_of(rq);
    return access_possible(access, &caller, action);
}

static void deny(struct request *rq)
{
    if (rq->user[0] == '\0' && rq->server->users != NULL)
        login_challenge(rq, "log in first");
    else if (rq->user[0] == '\0' && rq->server->identifies)
        reply_error(rq, OCI_DENIED, "this needs a client certificate that names a user");
    else
        reply_error(rq, OCI_DENIED, "the access rules do not allow this; ask the registry's administrator");
}

bool permission_any(const struct request *rq)
{
    for (int action = 0; action < ACCESS_ACTION_COUNT; action++)
        if (has_anywhere(rq, (enum access_action)action))
            return true;
    return false;
}

bool permission_enter(struct request *rq)
{
    if (rq->user[0] != '\0' || permission_any(rq))
        return true;
    deny(rq);
    return false;
}

/* The end-points without a repository. Clients ask the base whether and how to log in: who has not is told to, though
 * the rules may let him do some things without; clients that have nothing to log in with get a pass as nobody (gate.h).
 */
static bool may_without_repository(const struct request *rq)
{
    switch (rq->target.route) {
    case ROUTE_BASE:
        return rq->user[0] != '\0' || rq->has_pass || rq->server->users == NULL;
    case ROUTE_CATALOG:
        return rq->user[0] != '\0' || has_anywhere(rq, ACCESS_PULL);
    default:
        return true;
    }
}

bool permission_check(struct request *rq)
{
    bool allowed = rq->target.repository.n == 0
                       ? may_without_repository(rq)
                       : permission_has(rq, route_action(rq->target.route, rq->method), rq->target.repository);

    if (!allowed)
        deny(rq);
    return allowed;
}
