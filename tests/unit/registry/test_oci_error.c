#include "registry/oci_error.h"

#include <jansson.h>
#include <string.h>

#include "tests/unit/test.h"

static const char *const codes[] = {
#define OCI_NAME(name, code, status, message) #code,
    OCI_ERRORS(OCI_NAME)
#undef OCI_NAME
};

TEST(statuses, "each code has the status that the protocol gives it")
{
    static const struct {
        enum oci_error error;
        int status;
    } cases[] = {
        {OCI_BLOB_UNKNOWN, 404},
        {OCI_BLOB_UPLOAD_INVALID, 400},
        {OCI_BLOB_UPLOAD_RANGE, 416},
        {OCI_BLOB_UPLOAD_UNKNOWN, 404},
        {OCI_DENIED, 403},
        {OCI_DIGEST_INVALID, 400},
        {OCI_MANIFEST_INVALID, 400},
        {OCI_MANIFEST_TOO_LARGE, 413},
        {OCI_MANIFEST_UNKNOWN, 404},
        {OCI_NAME_INVALID, 400},
        {OCI_RANGE_INVALID, 416},
        {OCI_TOOMANYREQUESTS, 429},
        {OCI_UNAUTHORIZED, 401},
        {OCI_UNSUPPORTED, 405},
        {OCI_UNAVAILABLE, 503},
        {OCI_UNKNOWN, 500},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_INT(oci_error_status(cases[i].error), cases[i].status);
}

TEST(form, "an error is one JSON object in the form of the specification")
{
    struct sbuf out = {0};

    oci_error_json(OCI_MANIFEST_UNKNOWN, STR("no tag \"x\""), &out);
    CHECK_TEXT(sbuf_text(&out), "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown to "
                                "registry\",\"detail\":\"no tag \\\"x\\\"\"}]}\n");
    out.n = 0;
    oci_error_json(OCI_DENIED, STR(""), &out);
    CHECK_TEXT(sbuf_text(&out), "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"requested access to the resource is "
                                "denied\"}]}\n");
    out.n = 0;
    oci_error_json(OCI_MANIFEST_TOO_LARGE, STR(""), &out); /* our name differs from the code on the wire */
    CHECK(str_starts((struct str){out.p, out.n}, STR("{\"errors\":[{\"code\":\"SIZE_INVALID\",")));
    sbuf_free(&out);
}

TEST(all, "every row of the table is served as well-formed JSON, whatever the detail holds")
{
    static const struct str hostile = STR("\"}]}\n\0\xff\\");

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct sbuf out = {0};
        json_t *parsed, *error;

        oci_error_json((enum oci_error)i, hostile, &out);
        parsed = json_loadb(out.p, out.n, JSON_ALLOW_NUL, NULL);
        error = json_array_get(json_object_get(parsed, "errors"), 0);
        CHECK_TEXT(json_string_value(json_object_get(error, "code")), codes[i]);
        CHECK(strlen(json_string_value(json_object_get(error, "message"))) > 0);
        CHECK_INT(json_string_length(json_object_get(error, "detail")), hostile.n + 2); /* U+FFFD has 3 bytes */
        CHECK(oci_error_status((enum oci_error)i) >= 400 && oci_error_status((enum oci_error)i) < 600);
        json_decref(parsed);
        sbuf_free(&out);
    }
}
