/*
 * What a run came to, for people and for scripts. All text from hosts has been through trust_clean().
 */
#ifndef BERTH_TOOLS_TRUST_TRUST_PRINT_H
#define BERTH_TOOLS_TRUST_TRUST_PRINT_H

#include <stddef.h>
#include <time.h>

/* tools */
#include "tools/trust/trust_run.h"
#include "registry/base/str.h"

/* One line on standard error: "[2/10] admin@host: installed (docker: 3 written)". For struct trust_ways. */
void trust_print_progress(const struct trust_request *request, const struct trust_result *result, size_t done,
                          size_t total);

/* Append a table with a line for each host, then what is to be known of them: files in a dry run, checks, errors and
 * notes, once with all their names when several say the same. `at` is the time for days left. */
void trust_print_table(const struct trust_request *request, const struct trust_result *results, size_t n, time_t at,
                       struct sbuf *out);

/* Append one JSON object and a newline:
 *   {"registry": …, "action": …, "dry_run": …, "ok": …, "targets": [{"target": …, "ok": …, "result": …, "error": null,
 *    "runtimes": […], "files": [{"path": …, "state": …}], "checks": [{"runtime": …, "place": …, "trusted": …,
 *    "not_after": null, "days_left": null, "detail": …}], "errors": […], "notes": […]}]} */
void trust_print_json(const struct trust_request *request, const struct trust_result *results, size_t n, time_t at,
                      struct sbuf *out);

#endif
