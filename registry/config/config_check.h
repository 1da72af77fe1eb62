/* A tree against the table of keys: names, types and states are checked, values taken. */
#ifndef BERTH_CONFIG_CONFIG_CHECK_H
#define BERTH_CONFIG_CONFIG_CHECK_H

#include "registry/config/config_schema.h"

/* Give every field of a zeroed `config` its default. Fails only if the table holds a bad one. */
int config_check_defaults(struct config *config, struct err *e);

/* Check everything below `root` and put what it says into `config`. Stops at the first error, in the order of writing;
 * ignored keys that deserve it are warned of in the log. */
int config_check_tree(struct config *config, const struct config_node *root, struct err *e);
/* The same for the section `name` of the root, when `section` stands alone. */
int config_check_section(struct config *config, struct str name, const struct config_node *section, struct err *e);

#endif
