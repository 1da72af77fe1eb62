/*
 * From nodes to fields: the `take` functions that the table of keys names. Each checks one value (config_schema.h says
 * what is already certain) and stores it; what was there before is freed, so a value may be taken over its default.
 *
 * Failure: ERR_INVALID with "<origin>: <key>: <what is wrong>; <what to do>".
 */
#ifndef BERTH_CONFIG_CONFIG_TAKE_H
#define BERTH_CONFIG_CONFIG_TAKE_H

#include "registry/config/config_schema.h"

/* Any field, by the offset in the row. */
config_take take_text;
config_take take_absolute; /* an absolute one */
config_take take_bool;
config_take take_seconds;      /* a duration, rounded up */
config_take take_milliseconds; /* a duration, rounded up */
config_take take_size;         /* bytes */
config_take take_limit;        /* a count; 0 keeps the default, as it does in distribution */
config_take take_texts;        /* a list of texts, as they are */
config_take take_some_texts;   /* likewise, at least one */

/* config_take.c: version, log, auth */
config_take take_version;
config_take take_log_level;
config_take take_old_log_level;
config_take take_log_formatter;
config_take take_accesslog_formatter;
config_take take_log_fields;
config_take take_auth;
config_take take_realm;

/* config_take_http.c */
config_take take_net;
config_take take_host;
config_take take_headers;
config_take take_manifest_size; /* 64 KiB to CONFIG_MANIFEST_MAX */
config_take take_timeout;       /* milliseconds, at least a second */
config_take take_prometheus_path;
config_take take_minimum_tls;
config_take take_ciphersuites;

/* config_take_validation.c */
config_take take_validation_enabled;
config_take take_expressions;
config_take take_platforms;
config_take take_platform_list;

/* config_take_health.c */
config_take take_check_interval; /* milliseconds, a tenth of a second to a day; 0 is the default */
config_take take_file_checks;
config_take take_http_checks;
config_take take_tcp_checks;

/* config_take_quotas.c */
config_take take_quotas;

/* config_take_tls.c */
config_take take_client_auth;
config_take take_certificate_name;
config_take take_certificate_policy;
config_worked_out client_auth_in_force;
config_worked_out policy_in_force;
/* After all keys are taken: the defaults of clientauth and policy, and the rules between the keys. */
int config_settle_certificates(struct config *config, const struct config_node *root, struct err *e);

/* config_take_access.c */
config_take take_access_rules;
config_take take_access_groups;
/* Turn what was taken of the section `access` (NULL: there is none) into config->access, finished; or NULL when it
 * holds no rules. */
int config_settle_access(struct config *config, const struct config_node *section, struct err *e);

/* config_take_retention.c */
config_take take_retention_rules;
/* After all keys are taken: is there anything to do? */
int config_settle_retention(const struct config *config, const struct config_node *root, struct err *e);

/* config_take_notifications.c */
config_take take_endpoints;
config_take take_queue_limit; /* at least 1 MiB */
void config_endpoints_clear(struct config *config);

/* Lists own their items. Used by config_free() and when a list is taken again. */
void config_list_clear(struct config_list *list);
void config_list_add(struct config_list *list, struct str item);
void config_headers_clear(struct config *config);
void config_platforms_clear(struct config *config);
void config_quotas_clear(struct config *config);
void config_checks_clear(struct config *config);
/* Is a member of a map of headers, a name and its values, one that can be sent? */
int config_check_header(const struct config_node *header, struct err *e);

#endif
