/*
 * Access rules: who may do what to which repository, from where.
 *
 * Rules are read like those of a firewall: in order, and the first one whose repositories, subjects, actions and
 * networks all match decides, either way. When none matches the answer is no. So a rule never takes effect behind one
 * that covers it, exceptions go in front of what they except from, and the rule that decided can be named.
 *
 * Repositories are patterns; see below.
 *
 * Subjects:
 *   NAME, user:NAME   the user who logged in under that name; the long form for users called like something below, or
 *                     with "@" in front. User names have no ":" in them (RFC 7617 §2), so the forms cannot be confused.
 *   @GROUP            the users who are members of that group, which has to exist.
 *   certificate:NAME  a connection whose client certificate was verified and bears that name, with or without a login.
 *   authenticated     everybody who logged in. A certificate alone is no login, unless the server takes it for one and
 *                     sets the user.
 *   anonymous         everybody, logged in or not: anyone can leave the password out, so what a rule gives to callers
 *                     without a login cannot be kept from those with one, and a pull must not fail for being logged in.
 *                     For a deny it means the same: everybody.
 *
 * Networks are those of auth/network.h; a caller whose address is not known (Unix socket) is in none, and matches only
 * rules without networks.
 *
 * Phases: access_new(), access_add_…() in any order of groups and rules, access_finish(); then queries and
 * access_free(). Before access_finish() everything is denied, after it nothing can be added.
 *
 * Thread: building belongs to one thread. A finished set never changes and may be asked by any number of threads
 * without a lock; whoever shares it decides when it is freed. Queries do not allocate, block or fail; their cost is
 * bounded for any pattern: at most the length of the pattern times the length of the name.
 */
// Patterns are compared with the whole name of a repository, segment by segment:
//
//   *        any number of bytes, also none, but never a slash: "team-*", "*/app"
//   **       only as a segment of its own: any number of segments. In front and in the middle also none, at the end at
//            least one, as in .gitignore: "**/app" matches "app" and "a/b/app"; "team/**" matches all that is below
//            team/, and not a repository called "team": write "team" beside it when that is meant too. "**" alone
//            matches everything.
//   ${user}  the caller's user name where that is one legal segment of a repository's name (lower case, no slash). For
//            all other callers the pattern matches nothing, so that who is called "*", "..", "a/b" or not logged in
//            gets nothing from it. Not together with "*" in one segment: "${user}*" would give user "al" what is
//            "alice"'s.
//
// The rest is literal and must be what names are made of (distribution-spec "Pulling manifests"), at most 255 bytes.
#ifndef BERTH_AUTH_ACCESS_H
#define BERTH_AUTH_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

/* auth */
#include "auth/network.h"

/* base */
#include "registry/base/err.h"
#include "registry/base/str.h"

struct access;

enum access_action {
    ACCESS_PULL,
    ACCESS_PUSH,
    ACCESS_DELETE,
    ACCESS_OVERWRITE, /* move an existing tag to another manifest; tags are immutable for who may push only */
    ACCESS_ACTION_COUNT,
};

/* "pull", "push", "delete", "overwrite". */
const char *access_action_name(enum access_action action);
/* ERR_INVALID, with the word that was probably meant, for anything but these names. */
int access_action_parse(struct str text, enum access_action *out, struct err *e);

struct access_caller {
    struct str user;        /* empty: not logged in */
    struct str certificate; /* the name in the verified client certificate, or empty */
    struct network_address address;
};

struct access_list {
    const struct str *items;
    size_t n;
};

/* A rule as it is written. Everything is copied. */
struct access_rule {
    struct access_list repositories; /* patterns; none: every repository */
    struct access_list subjects;     /* at least one */
    struct access_list actions;      /* none: all */
    struct access_list networks;     /* CIDR; none: anywhere */
    bool deny;
    struct str origin; /* where it is written, for people: "access.yml:12"; not empty */
};

/* No groups and no rules. The caller frees it. */
struct access *access_new(void);
void access_free(struct access **access);

/* Make the group known, with or without members; again is no error. `group` is written without "@". ERR_INVALID when it
 * cannot be the name of one. */
int access_add_group(struct access *access, struct str group, struct err *e);
/* Make the group known and `user` (NAME or user:NAME) its member; again is no error. ERR_INVALID when either cannot be
 * a name; groups have no groups in them. */
int access_add_member(struct access *access, struct str group, struct str user, struct err *e);
/* Append a rule. ERR_INVALID names the origin, the text that is wrong (shortened and printable) and what to write
 * instead; nothing is added then. */
int access_add_rule(struct access *access, const struct access_rule *rule, struct err *e);
/* To be called once. ERR_INVALID when a rule names a group that is not known; to be freed then. */
int access_finish(struct access *access, struct err *e);

/* A finished set by name; the caller frees it. ERR_INVALID for other names, with those that there are.
 *   "authenticated"   who is logged in may do everything, others nothing: what holds where no rules are written
 *   "anonymous-pull"  the same, and everybody may pull */
struct access *access_preset(struct str name, struct err *e);

struct access_decision {
    bool allowed;
    size_t rule; /* the rule that decided, from 1 in the order they were added; 0: none matched */
};

/* `repository` is a legal name; an empty one and one over 255 bytes are in no rule. */
struct access_decision access_decide(const struct access *access, const struct access_caller *caller,
                                     enum access_action action, struct str repository);
/* Might the caller do this to some repository? Never false where access_decide() allows one; may be true where it
 * allows none, when rules that deny add up to everything. */
bool access_possible(const struct access *access, const struct access_caller *caller, enum access_action action);

enum { ACCESS_VIEW_RULES = 64, ACCESS_NAME_MAX = 255 };

/* Many questions of one caller about one action: the rules that are about both are found once, so that each question
 * only costs their patterns. */
struct access_view {
    const struct access *access;
    struct access_caller caller;
    enum access_action action;
    size_t rules[ACCESS_VIEW_RULES]; /* the first that match in all but the repository, as indices */
    size_t n;
    size_t rest, end; /* the rules that did not fit into `rules` are among these, and asked whole every time */
};

/* The rules and the caller's strings must outlive the view. */
void access_view_make(const struct access *access, const struct access_caller *caller, enum access_action action,
                      struct access_view *out);
/* As access_decide().allowed. */
bool access_view_allows(const struct access_view *view, struct str repository);
/* For walks in byte order over more repositories than the caller may see: the first name, from `name` (not empty) on,
 * that is worth asking about, because all those before it are surely not allowed: `name` itself, or one in `room`.
 * Empty: there is none. */
struct str access_view_from(const struct access_view *view, struct str name, char room[ACCESS_NAME_MAX]);

/* Does some rule allow something to `anonymous`? */
bool access_opens_without_login(const struct access *access);

size_t access_rule_count(const struct access *access);
/* Append one line without its end: "access.yml:12: allow pull, push on team-* for @dev from 10.0.0.0/8". For 0:
 * that no rule matched. `rule` is at most access_rule_count(). */
void access_describe(const struct access *access, size_t rule, struct sbuf *out);

/* Each user that a rule names, with the rule's origin, then each member of a group, with the group's name. */
void access_each_user(const struct access *access, void (*visit)(void *context, struct str origin, struct str user),
                      void *context);

/* The parts of a rule, as bits. */
enum access_part {
    ACCESS_PART_REPOSITORY = 1,
    ACCESS_PART_SUBJECT = 2,
    ACCESS_PART_ACTION = 4,
    ACCESS_PART_NETWORK = 8,
};

/* Which parts of `rule` (from 1) do not match; 0 when it matches, whether or not an earlier rule decides. */
unsigned access_mismatch(const struct access *access, size_t rule, const struct access_caller *caller,
                         enum access_action action, struct str repository);
/* Append the names of the parts in `parts`: "repository, network". */
void access_describe_parts(unsigned parts, struct sbuf *out);

#endif
