#include "registry/routes.h"

#include <string.h>

#include "registry/api/api.h"

static const char *const method_names[METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

static const struct {
    const char *name;
    handler_fn *handlers[METHOD_COUNT];
} routes[ROUTE_COUNT] = {
    [ROUTE_NONE] = {"none", {0}},
    [ROUTE_BASE] = {"base", {[METHOD_GET] = api_base}},
    [ROUTE_CATALOG] = {"catalog", {[METHOD_GET] = api_catalog}},
    [ROUTE_TAGS] = {"tags", {[METHOD_GET] = api_tags}},
    [ROUTE_MANIFEST] =
        {"manifest",
         {[METHOD_GET] = api_manifest_get, [METHOD_PUT] = api_manifest_put, [METHOD_DELETE] = api_manifest_delete}},
    [ROUTE_BLOB] = {"blob", {[METHOD_GET] = api_blob_get, [METHOD_DELETE] = api_blob_delete}},
    [ROUTE_UPLOADS] = {"uploads", {[METHOD_POST] = api_upload_start}},
    [ROUTE_UPLOAD] = {"upload",
                      {[METHOD_GET] = api_upload_status,
                       [METHOD_PATCH] = api_upload_patch,
                       [METHOD_PUT] = api_upload_put,
                       [METHOD_DELETE] = api_upload_cancel}},
    [ROUTE_REFERRERS] = {"referrers", {[METHOD_GET] = api_referrers}},
    [ROUTE_TOKEN] = {"token", {[METHOD_GET] = api_token}},
};

/* Cut the last segment off `path`: false when there is no slash in it. */
static bool cut_last(struct str *path, struct str *segment)
{
    size_t n = path->n;

    while (n > 0 && path->p[n - 1] != '/')
        n--;
    if (n == 0)
        return false;
    *segment = str_from(*path, n);
    path->n = n - 1;
    return true;
}

/* "<name>/manifests/<reference>" and its likes, read from the right because names contain slashes (and may contain
 * "blobs"). */
static void parse_repository_path(struct str path, struct target *out)
{
    struct str last, before, name = path;

    if (!cut_last(&name, &last) || !cut_last(&name, &before) || name.n == 0)
        return;
    out->repository = name;
    out->reference = last;
    if (str_eq(before, STR("tags")) && str_eq(last, STR("list"))) {
        out->route = ROUTE_TAGS;
    } else if (str_eq(before, STR("manifests"))) {
        out->route = ROUTE_MANIFEST;
    } else if (str_eq(before, STR("referrers"))) {
        out->route = ROUTE_REFERRERS;
    } else if (str_eq(before, STR("blobs"))) {
        out->route = str_eq(last, STR("uploads")) ? ROUTE_UPLOADS : ROUTE_BLOB;
    } else if (str_eq(before, STR("uploads")) && cut_last(&name, &before) && str_eq(before, STR("blobs"))) {
        out->repository = name;
        out->route = last.n == 0 ? ROUTE_UPLOADS : ROUTE_UPLOAD;
    }
}

void route_parse(struct str path, struct target *out)
{
    *out = (struct target){.route = ROUTE_NONE};
    if (str_eq(path, STR("/v2/")) || str_eq(path, STR("/v2")))
        out->route = ROUTE_BASE;
    else if (str_eq(path, STR("/v2/_catalog")))
        out->route = ROUTE_CATALOG;
    else if (str_eq(path, STR("/v2/_token")))
        out->route = ROUTE_TOKEN;
    else if (str_starts(path, STR("/v2/")))
        parse_repository_path(str_from(path, sizeof("/v2/") - 1), out);
}

bool route_method(struct str name, enum method *out)
{
    for (int m = 0; m < METHOD_COUNT; m++) {
        if (str_eq(name, str_of(method_names[m]))) {
            *out = (enum method)m;
            return true;
        }
    }
    return false;
}

const char *route_method_name(enum method method)
{
    return method_names[method];
}

handler_fn *route_handler(enum route route, enum method method)
{
    handler_fn *const *handlers = routes[route].handlers;

    return handlers[method == METHOD_HEAD ? METHOD_GET : method];
}

/* Everything about an upload is part of pushing: its state and its end concern nobody who may not push. */
enum access_action route_action(enum route route, enum method method)
{
    if (route == ROUTE_UPLOADS || route == ROUTE_UPLOAD)
        return ACCESS_PUSH;
    switch (method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return ACCESS_PULL;
    case METHOD_DELETE:
        return ACCESS_DELETE;
    default:
        return ACCESS_PUSH;
    }
}

void route_allow(enum route route, unsigned disabled, char out[64])
{
    out[0] = '\0';
    for (int m = 0; m < METHOD_COUNT; m++) {
        if (route_handler(route, (enum method)m) == NULL || (disabled & 1U << m) != 0)
            continue;
        if (out[0] != '\0')
            strcat(out, ", ");
        strcat(out, method_names[m]);
    }
}

const char *route_name(enum route route)
{
    return routes[route].name;
}
