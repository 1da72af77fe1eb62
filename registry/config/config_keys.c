#include "registry/config/config_keys.h"

#include <stdio.h>
#include <string.h>

/* base */
#include "registry/base/roff.h"

/* config */
#include "registry/config/config_env.h"
#include "registry/config/config_schema.h"

static const char *const types[] = {
    [CONFIG_TYPE_ANY] = "anything",       [CONFIG_TYPE_GROUP] = "group",         [CONFIG_TYPE_CHOICE] = "name or group",
    [CONFIG_TYPE_NAMES] = "map of names", [CONFIG_TYPE_LIST] = "list of groups", [CONFIG_TYPE_TEXTS] = "list of texts",
    [CONFIG_TYPE_TEXT] = "text",          [CONFIG_TYPE_BOOL] = "true or false",  [CONFIG_TYPE_COUNT] = "number",
    [CONFIG_TYPE_DURATION] = "duration",  [CONFIG_TYPE_SIZE] = "size",
};

static const char *const states[] = {
    [CONFIG_SERVED] = "served",
    [CONFIG_ACCEPTED] = "accepted without effect",
    [CONFIG_REFUSED_IF_SET] = "refused when set",
    [CONFIG_REFUSED] = "refused",
};

/* Groups only hold others. */
static bool is_told(const struct config_key *key)
{
    return key->type != CONFIG_TYPE_GROUP;
}

static const char *words_of(const struct config_key *key)
{
    return key->state == CONFIG_SERVED ? key->help : key->note;
}

/* What holds without the key; NULL: nothing, or what the help says. */
static const char *default_of(const struct config_key *key)
{
    return key->state == CONFIG_SERVED ? key->preset : NULL;
}

/* The version is the file's own. */
static void variable_of(const struct config_key *key, struct sbuf *out)
{
    if (key->state == CONFIG_SERVED && strcmp(key->path, "version") != 0)
        config_env_name(key->path, out);
}

/* ---- text and JSON ---- */

static void put_text(const struct config_key *key, struct sbuf *out)
{
    struct sbuf variable = {0};

    variable_of(key, &variable);
    sbuf_printf(out, "%s  (%s", key->path, types[key->type]);
    if (default_of(key) != NULL)
        sbuf_printf(out, ", default %s", default_of(key));
    if (key->state != CONFIG_SERVED)
        sbuf_printf(out, "; %s", states[key->state]);
    if (variable.n > 0)
        sbuf_printf(out, "; %s", sbuf_text(&variable));
    sbuf_printf(out, ")\n    %s\n", words_of(key));
    sbuf_free(&variable);
}

static void put_member(const char *name, const char *text, struct sbuf *out)
{
    sbuf_printf(out, "\"%s\":", name);
    if (text == NULL)
        sbuf_printf(out, "null");
    else
        sbuf_json(out, str_of(text));
}

static void put_json(const struct config_key *key, struct sbuf *out)
{
    struct sbuf variable = {0};

    variable_of(key, &variable);
    sbuf_printf(out, "{");
    put_member("key", key->path, out);
    sbuf_printf(out, ",");
    put_member("type", types[key->type], out);
    sbuf_printf(out, ",");
    put_member("default", default_of(key), out);
    sbuf_printf(out, ",");
    put_member("variable", variable.n == 0 ? NULL : sbuf_text(&variable), out);
    sbuf_printf(out, ",");
    put_member("state", states[key->state], out);
    sbuf_printf(out, ",");
    put_member("help", words_of(key), out);
    sbuf_printf(out, "}\n");
    sbuf_free(&variable);
}

/* "http.tls" is above "http.tls.key", "storage.quotas" above "storage.quotas[].limit"; the empty path is above all. */
static bool is_below(const char *path, struct str above)
{
    struct str rest = str_from(str_of(path), above.n);

    return str_starts(str_of(path), above) && (above.n == 0 || rest.n == 0 || rest.p[0] == '.' || rest.p[0] == '[');
}

static int fail_unknown(struct str path, struct err *e)
{
    const struct config_key *nearest = config_schema_nearest(path);

    if (nearest == NULL)
        return err_set(e, ERR_NOT_FOUND, "there is no key \"%.*s\"; without one all are listed",
                       path.n < 80 ? (int)path.n : 80, path.p);
    return err_set(e, ERR_NOT_FOUND, "there is no key \"%.*s\"; did you mean %s?", path.n < 80 ? (int)path.n : 80,
                   path.p, nearest->path);
}

int config_keys_put(struct str path, bool json, struct sbuf *out, struct err *e)
{
    size_t n, found = 0;
    const struct config_key *keys = config_schema_keys(&n);

    for (size_t i = 1; i < n; i++) {
        if (!is_below(keys[i].path, path) || !is_told(&keys[i]))
            continue;
        found++;
        if (json)
            put_json(&keys[i], out);
        else
            put_text(&keys[i], out);
    }
    return found > 0 ? 0 : fail_unknown(path, e);
}

/* ---- the manual page ---- */

static const char *const description[] = {
    "The configuration of berth(1) is YAML, as the CNCF distribution registry takes it; files of registry:2 and "
    "registry:3 work as they are. It begins with version: 0.1. A key is written here as the names on the way to it, "
    "joined by dots; [] stands for an entry of a list, * for a name of your own.",
    "Every key can be set by a variable of the environment, which wins over the file: REGISTRY_ and the path in upper "
    "case, joined by _. Its value is YAML. Entries of lists go by number, from 0.",
    "An unknown key, a wrong value, or a key that is known and refused is an error at start, with file and line. "
    "Durations are written 300ms, 30s, 1h30m, 168h; a bare number counts nanoseconds. Sizes are written 64MiB or "
    "100GB; "
    "a bare number counts bytes.",
    "What is in force, and where each value comes from, \"berth config show\" tells.",
};

static void print_key(const struct config_key *key)
{
    struct sbuf variable = {0};

    variable_of(key, &variable);
    puts(".TP");
    roff_font('B', key->path);
    fputs(" (", stdout);
    roff_text(str_of(types[key->type]));
    if (default_of(key) != NULL) {
        fputs(", default ", stdout);
        roff_font('B', default_of(key));
    }
    puts(")");
    roff_line(str_of(words_of(key)));
    if (variable.n > 0) {
        puts(".br");
        roff_line((struct str){variable.p, variable.n});
    }
    sbuf_free(&variable);
}

static void print_keys(const char *section, enum config_state first, enum config_state last)
{
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    printf(".SH \"%s\"\n", section);
    for (size_t i = 1; i < n; i++)
        if (is_told(&keys[i]) && keys[i].state >= first && keys[i].state <= last)
            print_key(&keys[i]);
}

void config_keys_man(void)
{
    printf(".\\\" Made by \"berth config man\" from the table that the server works by.\n"
           ".TH \"BERTH\\-CONFIG\" 5 \"\" \"Berth %s\" \"Berth\"\n.nh\n.ad l\n.SH NAME\n"
           "berth\\-config \\- configuration of a Berth registry\n.SH DESCRIPTION\n",
           BERTH_VERSION);
    for (size_t i = 0; i < sizeof(description) / sizeof(description[0]); i++) {
        if (i > 0)
            puts(".PP");
        roff_line(str_of(description[i]));
    }
    print_keys("KEYS THAT ARE SERVED", CONFIG_SERVED, CONFIG_SERVED);
    print_keys("KEYS WITHOUT EFFECT", CONFIG_ACCEPTED, CONFIG_ACCEPTED);
    print_keys("KEYS THAT ARE REFUSED", CONFIG_REFUSED_IF_SET, CONFIG_REFUSED);
    puts(".SH FILES\n.TP\n\\fB/etc/berth/config.yml\\fR, \\fB/etc/distribution/config.yml\\fR, "
         "\\fB/etc/docker/registry/config.yml\\fR\nthe first that exists is read, when neither the command line nor\n"
         "\\fBREGISTRY_CONFIGURATION_PATH\\fR names one\n.SH \"SEE ALSO\"\nberth(1)");
}
