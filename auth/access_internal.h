/*
 * What a set of access rules is made of: access_build.c and access_finish.c fill it, access.c asks it,
 * access_describe.c prints it.
 *
 * Names here are those of access.h, where `struct access_rule` is a rule as written; what it is turned into is an
 * `struct access_entry`.
 *
 * Invariants of a finished set:
 *  1. `members` is ordered by user, then by group, and has no pair twice.
 *  2. `groups` is ordered by name and has no name twice; a group's id is its index.
 *  3. Every subject that names a group has the id of one.
 */
#ifndef BERTH_AUTH_ACCESS_INTERNAL_H
#define BERTH_AUTH_ACCESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* auth */
#include "auth/access.h"
#include "auth/network.h"

/* base */
#include "registry/base/pattern.h"

enum { ACCESS_ORIGIN_SHOWN = 128 }; /* bytes of a rule's origin in an error */

enum access_subject_kind {
    ACCESS_SUBJECT_USER,
    ACCESS_SUBJECT_GROUP,
    ACCESS_SUBJECT_CERTIFICATE,
    ACCESS_SUBJECT_AUTHENTICATED,
    ACCESS_SUBJECT_ANONYMOUS,
};

struct access_subject {
    enum access_subject_kind kind;
    struct str text; /* as written */
    struct str name; /* the part of it that is the name of something */
    size_t group;    /* id; from access_finish() on */
};

/* Fills kind and name; `text` is borrowed. ERR_INVALID says what to write instead. */
int access_subject_parse(struct str text, struct access_subject *out, struct err *e);
/* Can this be the name of a group? */
int access_group_check(struct str name, struct err *e);

struct access_network {
    struct str text; /* as written */
    struct network network;
};

struct access_entry {
    struct str origin;
    bool deny;
    unsigned actions; /* bit 1 << action */
    struct pattern *patterns;
    size_t pattern_count; /* 0: every repository */
    struct access_subject *subjects;
    size_t subject_count;
    struct access_network *networks;
    size_t network_count; /* 0: anywhere */
};

struct access_member {
    struct str user;
    struct str group;
    size_t id; /* the group's, from access_finish() on */
};

/* A string that the set holds on to. */
struct access_copy {
    struct access_copy *next;
    char bytes[];
};

struct access {
    bool finished;
    struct access_copy *copies; /* all strings below point into these */
    struct access_entry *rules;
    size_t rule_count, rule_room;
    struct str *groups; /* names */
    size_t group_count, group_room;
    struct access_member *members;
    size_t member_count, member_room;
};

#endif
