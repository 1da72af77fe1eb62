#include "registry/routes.h"

#include <stdlib.h>

#include "registry/api/api.h"
#include "tests/unit/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void check_text(struct str got, const char *wanted)
{
    char *copy = str_dup(got);

    CHECK_TEXT(copy, wanted);
    free(copy);
}

TEST(paths, "every end-point is found by its path, also when a name looks like one")
{
    static const struct {
        const char *path;
        enum route route;
        const char *repository;
        const char *reference;
    } cases[] = {
        {"/v2/", ROUTE_BASE, "", ""},
        {"/v2", ROUTE_BASE, "", ""},
        {"/v2/_catalog", ROUTE_CATALOG, "", ""},
        {"/v2/_token", ROUTE_TOKEN, "", ""},
        {"/v2/app/tags/list", ROUTE_TAGS, "app", "list"},
        {"/v2/library/app/tags/list", ROUTE_TAGS, "library/app", "list"},
        {"/v2/app/manifests/latest", ROUTE_MANIFEST, "app", "latest"},
        {"/v2/app/manifests/sha256:00", ROUTE_MANIFEST, "app", "sha256:00"},
        {"/v2/app/blobs/sha256:00", ROUTE_BLOB, "app", "sha256:00"},
        {"/v2/app/blobs/uploads/", ROUTE_UPLOADS, "app", ""},
        {"/v2/app/blobs/uploads", ROUTE_UPLOADS, "app", "uploads"},
        {"/v2/app/blobs/uploads/1", ROUTE_UPLOAD, "app", "1"},
        {"/v2/a/b/c/blobs/uploads/1", ROUTE_UPLOAD, "a/b/c", "1"},
        {"/v2/app/referrers/sha256:00", ROUTE_REFERRERS, "app", "sha256:00"},
        /* repositories named like end-points */
        {"/v2/blobs/uploads/manifests/1", ROUTE_MANIFEST, "blobs/uploads", "1"},
        {"/v2/manifests/blobs/sha256:00", ROUTE_BLOB, "manifests", "sha256:00"},
        {"/v2/tags/list/tags/list", ROUTE_TAGS, "tags/list", "list"},
        {"/v2/blobs/uploads/blobs/uploads/1", ROUTE_UPLOAD, "blobs/uploads", "1"},
        {"/v2/_catalog/tags/list", ROUTE_TAGS, "_catalog", "list"},
        /* references that nothing has are for the handlers to refuse */
        {"/v2/app/manifests/", ROUTE_MANIFEST, "app", ""},
        {"/v2/a//b/manifests/1", ROUTE_MANIFEST, "a//b", "1"},
        {"/v2/a/../b/manifests/..", ROUTE_MANIFEST, "a/../b", ".."},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target target;

        route_parse(str_of(cases[i].path), &target);
        if (target.route != cases[i].route)
            test_fail(__FILE__, __LINE__, "%s is route %s", cases[i].path, route_name(target.route));
        check_text(target.repository, cases[i].repository);
        check_text(target.reference, cases[i].reference);
    }
}

TEST(no_path, "what is no end-point has no route")
{
    static const char *const paths[] = {
        "",
        "/",
        "v2/",
        "/v1/",
        "/v2x",
        "/V2/",
        "//v2/",
        "/v2//",
        "/v2/app",
        "/v2/_catalog/",
        "/v2/app/tags",
        "/v2/app/tags/lists",
        "/v2/tags/list",
        "/v2/manifests/latest",
        "/v2//manifests/latest",
        "/v2/app/manifests/a/b",
        "/v2/app/blobs/uploads/1/2",
        "/v2/uploads/1",
        "/v2/app/uploads/1",
        "/v2/blobs/uploads/",
        "/v2/app/Manifests/1",
        "/metrics",
    };

    for (size_t i = 0; i < COUNT(paths); i++) {
        struct target target;

        route_parse(str_of(paths[i]), &target);
        if (target.route != ROUTE_NONE)
            test_fail(__FILE__, __LINE__, "%s is route %s", paths[i], route_name(target.route));
    }
}

TEST(methods, "methods are known by their exact names")
{
    static const char *const names[METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    enum method method = METHOD_COUNT;

    for (int m = 0; m < METHOD_COUNT; m++) {
        CHECK(route_method(str_of(names[m]), &method));
        CHECK_INT(method, m);
    }
    CHECK(!route_method(STR("get"), &method));
    CHECK(!route_method(STR("GETS"), &method));
    CHECK(!route_method(STR("GE"), &method));
    CHECK(!route_method(STR("OPTIONS"), &method));
    CHECK(!route_method(STR(""), &method));
}

TEST(allow, "the Allow header names exactly the methods that have a handler")
{
    static const struct {
        enum route route;
        const char *name;
        const char *allow;
    } cases[] = {
        {ROUTE_NONE, "none", ""},
        {ROUTE_BASE, "base", "GET, HEAD"},
        {ROUTE_CATALOG, "catalog", "GET, HEAD"},
        {ROUTE_TAGS, "tags", "GET, HEAD"},
        {ROUTE_MANIFEST, "manifest", "GET, HEAD, PUT, DELETE"},
        {ROUTE_BLOB, "blob", "GET, HEAD, DELETE"},
        {ROUTE_UPLOADS, "uploads", "POST"},
        {ROUTE_UPLOAD, "upload", "GET, HEAD, PUT, PATCH, DELETE"},
        {ROUTE_REFERRERS, "referrers", "GET, HEAD"},
        {ROUTE_TOKEN, "token", "GET, HEAD"},
    };

    CHECK_INT(COUNT(cases), ROUTE_COUNT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char allow[64];

        route_allow(cases[i].route, 0, allow);
        CHECK_TEXT(allow, cases[i].allow);
        CHECK_TEXT(route_name(cases[i].route), cases[i].name);
    }
}

TEST(handlers, "HEAD is served by the handler of GET")
{
    CHECK(route_handler(ROUTE_BLOB, METHOD_GET) == api_blob_get);
    CHECK(route_handler(ROUTE_BLOB, METHOD_HEAD) == api_blob_get);
    CHECK(route_handler(ROUTE_MANIFEST, METHOD_PUT) == api_manifest_put);
    CHECK(route_handler(ROUTE_BLOB, METHOD_PUT) == NULL);
    CHECK(route_handler(ROUTE_UPLOADS, METHOD_HEAD) == NULL);
    CHECK(route_handler(ROUTE_NONE, METHOD_GET) == NULL);
}

TEST(rights, "reading is pulling, writing is pushing, and everything about an upload is part of pushing")
{
    static const struct {
        enum route route;
        enum method method;
        enum access_action action;
    } cases[] = {
        {ROUTE_TAGS, METHOD_GET, ACCESS_PULL},          {ROUTE_REFERRERS, METHOD_HEAD, ACCESS_PULL},
        {ROUTE_MANIFEST, METHOD_GET, ACCESS_PULL},      {ROUTE_MANIFEST, METHOD_PUT, ACCESS_PUSH},
        {ROUTE_MANIFEST, METHOD_DELETE, ACCESS_DELETE}, {ROUTE_BLOB, METHOD_HEAD, ACCESS_PULL},
        {ROUTE_BLOB, METHOD_DELETE, ACCESS_DELETE},     {ROUTE_UPLOADS, METHOD_POST, ACCESS_PUSH},
        {ROUTE_UPLOAD, METHOD_GET, ACCESS_PUSH},        {ROUTE_UPLOAD, METHOD_PATCH, ACCESS_PUSH},
        {ROUTE_UPLOAD, METHOD_PUT, ACCESS_PUSH},        {ROUTE_UPLOAD, METHOD_DELETE, ACCESS_PUSH},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(route_action(cases[i].route, cases[i].method), cases[i].action);
}
