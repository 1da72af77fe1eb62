/* What a run of each kind of check does, but for the storage's. */
#include "registry/health/check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/base/clock.h"
#include "registry/client/http_client.h"
#include "registry/config/address.h"
#include "registry/health/reach.h"

enum { BODY_MOST = 1024 };

int check_run_file(struct check *check, struct err *e)
{
    struct stat st;

    if (lstat(check->wanted->target, &st) == 0)
        return err_set(e, ERR_EXISTS, "file exists");
    return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "is it there?");
}

int check_run_tcp(struct check *check, struct err *e)
{
    struct address address;
    int fd;

    if (address_parse(str_of(check->wanted->target), true, &address, e) != 0)
        return -1;
    fd = reach_tcp(address.host, address.port, clock_monotonic_ms() + check->wanted->timeout_ms, e);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static bool is_stopping(void *arg)
{
    return atomic_load(&((const struct check *)arg)->stopping);
}

static int ask(struct check *check, const struct http_field *fields, struct err *e)
{
    const struct config_check *wanted = check->wanted;
    const struct interrupt interrupt = {is_stopping, check};
    const struct http_request request = {.method = "HEAD",
                                         .url = wanted->target,
                                         .fields = fields,
                                         .field_count = wanted->header_count,
                                         .timeout_ms = wanted->timeout_ms,
                                         .body_most = BODY_MOST,
                                         .interrupt = &interrupt};
    struct http_response response = {0};
    int rc;

    if (check->client == NULL && (check->client = http_client_new(NULL, e)) == NULL)
        return -1;
    rc = http_client_call(check->client, &request, &response, e);
    if (rc == 0 && (uint64_t)response.status != wanted->status)
        rc = err_set(e, ERR_IO, "answers %d, not %llu", response.status, (unsigned long long)wanted->status);
    http_response_clear(&response);
    return rc;
}

int check_run_http(struct check *check, struct err *e)
{
    const struct config_check *wanted = check->wanted;
    struct http_field *fields = xcalloc(wanted->header_count + 1, sizeof(*fields));
    int rc;

    for (size_t i = 0; i < wanted->header_count; i++)
        fields[i] = (struct http_field){wanted->headers[i].name, wanted->headers[i].value};
    rc = ask(check, fields, e);
    free(fields);
    return rc;
}
