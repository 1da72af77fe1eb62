/*
 * Permission: may this caller do this? The gate found out who calls; here the access rules in force (rules.h) decide,
 * and without rules: who is logged in may do everything, and nobody else anything, unless authentication is off.
 *
 * What is denied is answered before anything is looked up, with the same words whether it is there or not: 401 and a
 * challenge when logging in could help, else 403 DENIED.
 *
 * Thread: the request's loop.
 */
#ifndef BERTH_REGISTRY_PERMISSION_H
#define BERTH_REGISTRY_PERMISSION_H

#include "auth/access.h"
#include "registry/request.h"

/* May the caller do this with the repository? */
bool permission_has(const struct request *rq, enum access_action action, struct str repository);

/* The same question about many repositories, within one turn of the loop and while the client is there. */
struct permission_view {
    bool ruled; /* there are rules; else `trusted` answers */
    bool trusted;
    struct access_view rules;
};
void permission_view_make(const struct request *rq, enum access_action action, struct permission_view *out);
bool permission_view_has(const struct permission_view *view, struct str repository);
/* As access_view_from(). */
struct str permission_view_from(const struct permission_view *view, struct str name, char room[ACCESS_NAME_MAX]);

/* Might the caller do anything, somewhere? */
bool permission_any(const struct request *rq);
/* The same; what was logged in may always enter. False: the denial was replied. */
bool permission_enter(struct request *rq);
/* May the caller do with the target what its route and method ask for? False: the denial was replied. */
bool permission_check(struct request *rq);

#endif
