#include "registry/client/login_file.h"

#include <string.h>

#include <jansson.h>

/* base */
#include "registry/base/base64.h"
#include "registry/base/file.h"

#define OTHER_WAYS "; use --user, with --password-file or typing"

/* "https://registry.example/v1/" is an old way to say "registry.example". */
static struct str host_of(struct str key)
{
    static const struct str schemes[] = {STR("https://"), STR("http://")};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (str_starts(key, schemes[i]))
            key = str_from(key, schemes[i].n);
    key.n = str_find(key, '/');
    return key;
}

static const json_t *find_entry(json_t *auths, const char *host)
{
    const json_t *entry = json_object_get(auths, host);
    const char *key;
    json_t *value;

    if (entry != NULL)
        return entry;
    json_object_foreach(auths, key, value)
    {
        if (str_eq_nocase(host_of(str_of(key)), str_of(host)))
            return value;
    }
    return NULL;
}

static int take_entry(const json_t *entry, struct sbuf *out, struct err *e)
{
    const json_t *auth = json_object_get(entry, "auth");
    size_t from = out->n;

    if (json_is_string(json_object_get(entry, "identitytoken")))
        return err_set(e, ERR_UNSUPPORTED, "the login is a token there, which is not understood" OTHER_WAYS);
    if (!json_is_string(auth) || json_string_length(auth) == 0)
        return 0;
    if (!base64_take((struct str){json_string_value(auth), json_string_length(auth)}, out) ||
        memchr(out->p + from, ':', out->n - from) == NULL || memchr(out->p + from, '\0', out->n - from) != NULL)
        return err_set(e, ERR_INVALID, "the login is malformed there" OTHER_WAYS);
    return 0;
}

static int find(json_t *document, const char *host, struct sbuf *out, struct err *e)
{
    const json_t *entry = find_entry(json_object_get(document, "auths"), host);
    size_t from = out->n;

    if (entry != NULL && take_entry(entry, out, e) != 0)
        return -1;
    if (out->n > from)
        return 0;
    if (json_object_get(json_object_get(document, "credHelpers"), host) != NULL ||
        (entry != NULL && json_object_get(document, "credsStore") != NULL))
        return err_set(e, ERR_UNSUPPORTED, "a credential helper keeps the login for %s%s", host, OTHER_WAYS);
    return 0;
}

int login_file_find(const char *path, const char *host, struct sbuf *out, struct err *e)
{
    struct sbuf bytes = {0};
    json_t *document = NULL;
    int rc = file_read_regular(path, LOGIN_FILE_MAX, &bytes, e);

    if (rc != 0)
        return -1;
    document = json_loadb(bytes.p, bytes.n, 0, NULL);
    rc = json_is_object(document) ? find(document, host, out, e) : err_set(e, ERR_INVALID, "it is no JSON object");
    json_decref(document);
    sbuf_wipe(&bytes);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
