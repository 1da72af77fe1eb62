#include "registry/ops/import_source.h"

#include <string.h>

/* base */
#include "registry/base/quote.h"

/* registry */
#include "registry/commands/commands.h"

#define FORM "docker://HOST[:PORT][/REPOSITORY[:TAG]]"

static bool is_remote(const char *text)
{
    return str_starts(str_of(text), STR(IMPORT_SOURCE_PREFIX));
}

static const struct {
    enum command_option option;
    bool remote; /* for another registry; else for a directory */
} particular[] = {
    {OPTION_NO_VERIFY, false}, {OPTION_COPY, false},         {OPTION_TAG, true},       {OPTION_USER, true},
    {OPTION_AUTHFILE, true},   {OPTION_PASSWORD_FILE, true}, {OPTION_CA, true},        {OPTION_INSECURE, true},
    {OPTION_PLAIN_HTTP, true}, {OPTION_JOBS, true},          {OPTION_OVERWRITE, true}, {OPTION_NO_REFERRERS, true},
    {OPTION_QUIET, true},
};

int import_check_options(const struct invocation *call, struct err *e)
{
    bool remote = is_remote(call->arguments[0]);

    for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++)
        if (call->given[particular[i].option] && particular[i].remote != remote)
            return err_set(e, ERR_INVALID, "--%s is for importing from %s",
                           call->program->options[particular[i].option].name,
                           remote ? "a directory" : "another registry, " FORM);
    return 0;
}

static bool port_is_valid(struct str port)
{
    uint64_t number;

    return str_to_u64(port, &number) && number > 0 && number < 65536;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool host_is_valid(struct str host)
{
    bool bracketed = str_starts(host, STR("["));
    size_t end = bracketed ? str_find(host, ']') : str_find(host, ':');
    struct str rest = str_from(host, bracketed ? end + 1 : end);
    struct str name = {host.p + (bracketed ? 1 : 0), end - (bracketed ? 1 : 0)};

    if (host.n == 0 || host.n > IMPORT_HOST_MAX || name.n == 0 || (bracketed && end == host.n))
        return false;
    if (rest.n > 0 && (rest.p[0] != ':' || !port_is_valid(str_from(rest, 1))))
        return false;
    return str_has_only(name, bracketed ? STR(":.") : STR(".-"));
}

static void copy(char *out, struct str text)
{
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
}

/* "repository", "repository:tag", "repository@digest". */
static int take_path(struct str path, struct import_source *out, struct err *e)
{
    struct str name = {path.p, str_find(path, '@')};
    struct str digest = str_from(path, name.n + 1), tag = {"", 0};
    struct digest parsed;
    char said[QUOTE_MAX];
    size_t colon;

    if (name.n < path.n && digest_parse(digest, &parsed, e) != 0)
        return -1;
    colon = str_find(name, ':');
    tag = str_from(name, colon + 1);
    if (colon < name.n && (!tag_valid(tag) || digest.n > 0))
        return err_set(e, ERR_INVALID, "no tag: %s", quote(tag, said));
    name.n = colon;
    if (!repository_name_valid(name))
        return err_set(e, ERR_INVALID, "no name of a repository: %s", quote(name, said));
    copy(out->repository, name);
    copy(out->tag, tag);
    copy(out->digest, digest);
    return 0;
}

int import_source_parse(const char *text, struct import_source *out, struct err *e)
{
    struct str rest = str_from(str_of(text), sizeof(IMPORT_SOURCE_PREFIX) - 1);
    struct str host = {rest.p, str_find(rest, '/')};
    char said[QUOTE_MAX];

    *out = (struct import_source){0};
    if (!is_remote(text) || !host_is_valid(host))
        return err_set(e, ERR_INVALID, "%s is not written as " FORM, quote(str_of(text), said));
    copy(out->host, host);
    rest = str_from(rest, host.n + 1);
    if (rest.n > 0 && take_path(rest, out, e) != 0)
        return err_wrap(e, "not written as " FORM);
    return 0;
}
