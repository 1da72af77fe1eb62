#include "registry/oci_error.h"

static const struct {
    const char *code;
    int status;
    const char *message;
} table[] = {
#define OCI_ROW(name, code, status, message) [OCI_##name] = {#code, status, message},
    OCI_ERRORS(OCI_ROW)
#undef OCI_ROW
};

int oci_error_status(enum oci_error error)
{
    return table[error].status;
}

const char *oci_error_code(enum oci_error error)
{
    return table[error].code;
}

void oci_error_json(enum oci_error error, struct str detail, struct sbuf *out)
{
    sbuf_printf(out, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"", table[error].code, table[error].message);
    if (detail.n > 0) {
        sbuf_printf(out, ",\"detail\":");
        sbuf_json(out, detail);
    }
    sbuf_printf(out, "}]}\n");
}
