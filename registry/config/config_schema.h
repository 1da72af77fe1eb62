/*
 * Every configuration key there is, in one table (config_schema.def): type, default, what Berth does with it.
 *
 * A path is names joined by dots; "[]" stands for any index of a list and "*" for any name.
 *
 * Thread: any; the table is constant.
 */
#ifndef BERTH_CONFIG_CONFIG_SCHEMA_H
#define BERTH_CONFIG_CONFIG_SCHEMA_H

#include <stddef.h>

#include "registry/config/config.h"
#include "registry/config/config_node.h"

enum config_type {
    CONFIG_TYPE_ANY,    /* not looked into */
    CONFIG_TYPE_GROUP,  /* a map of known keys */
    CONFIG_TYPE_CHOICE, /* likewise, or the name of one key alone: `auth: htpasswd` means `auth: {htpasswd: {}}` */
    CONFIG_TYPE_NAMES,  /* a map of names that the user chooses */
    CONFIG_TYPE_LIST,   /* a list of maps */
    CONFIG_TYPE_TEXTS,  /* a list of texts */
    CONFIG_TYPE_TEXT,
    CONFIG_TYPE_BOOL,
    CONFIG_TYPE_COUNT,
    CONFIG_TYPE_DURATION,
    CONFIG_TYPE_SIZE,
};

enum config_state {
    CONFIG_SERVED,
    CONFIG_ACCEPTED,       /* known, harmless, ignored on purpose */
    CONFIG_REFUSED_IF_SET, /* an error unless empty, off or disabled */
    CONFIG_REFUSED,        /* an error when it is there at all */
};

struct config_key;

/* Check a node and put its value into `config`. `node` has the key's type and is not null. */
typedef int config_take(struct config *config, const struct config_key *key, const struct config_node *node,
                        struct err *e);

/* What holds of a finished configuration where the key was not set and has no fixed default; NULL: nothing does. */
typedef const char *config_worked_out(const struct config *config);

struct config_key {
    const char *path;
    enum config_type type;
    enum config_state state;
    const char *preset; /* SERVED: the default as YAML text, or NULL; REFUSED_IF_SET: a value that also counts as off,
                           or NULL */
    const char *note;   /* why it is not served and what to do instead; NULL when SERVED */
    config_take *take;  /* NULL: nothing to take at this level */
    size_t field;       /* offset of the field in struct config that a generic `take` fills */
    const char *help;   /* SERVED: what it is, in a line for people; groups have none */
    const char *with;   /* the preset is only worth telling, or may only be written, where this other key is set */
    const char *unless; /* likewise, where this one is not */
    config_worked_out *worked_out; /* or NULL */
    const char *instead; /* of a key about who may in: what to write when it stands there without a value, which would
                            quietly mean less than its author had in mind. NULL: without a value the default holds */
};

/* The table; its first row is the root, of path "". */
const struct config_key *config_schema_keys(size_t *n);
/* The row of member `name` of a map, or of any index of a list of `parent`; NULL when there is none. Under a row of
 * type ANY everything is that row. */
const struct config_key *config_schema_member(const struct config_key *parent, struct str name);
const struct config_key *config_schema_item(const struct config_key *parent);
/* The row whose path is most like `path`, for "did you mean"; NULL when none is near. */
const struct config_key *config_schema_nearest(struct str path);
/* Turn the scalars of CHOICE keys into maps: `storage: filesystem` becomes `storage: {filesystem: {}}`. */
void config_schema_expand(struct config_node *root);

#endif
