#include "registry/config/config_env.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "registry/base/log.h"
#include "registry/config/config_schema.h"
#include "registry/config/config_tree.h"

enum { PLACE_DEPTH_MAX = 16, STEP_NAME_MAX = 256, LIST_INDEX_MAX = 255 };

struct variable {
    struct str name;
    struct str value;
};

/* One level down: a member of a map, or an index of a list. */
struct step {
    bool is_index;
    size_t index;
    char name[STEP_NAME_MAX];
};

/* Where a variable points. */
struct place {
    struct step steps[PLACE_DEPTH_MAX];
    size_t depth;
    const struct config_key *key; /* of the last step */
};

static const struct str prefix = STR("REGISTRY_");

/* ---- which key does a name mean? ---- */

/* One level from `key` by `token`. Returns the row there, NULL when there is none. */
static const struct config_key *step_down(const struct config_key *key, struct str token, struct step *step)
{
    bool list = key->type == CONFIG_TYPE_LIST || key->type == CONFIG_TYPE_TEXTS;
    uint64_t index = LIST_INDEX_MAX + 1;

    if (token.n == 0 || token.n >= sizeof(step->name))
        return NULL;
    str_to_u64(token, &index);
    step->is_index = index <= LIST_INDEX_MAX && (list || key->type == CONFIG_TYPE_ANY);
    step->index = index;
    for (size_t i = 0; i < token.n; i++)
        step->name[i] = (char)(key->type == CONFIG_TYPE_NAMES ? token.p[i] : tolower((unsigned char)token.p[i]));
    step->name[token.n] = '\0';
    if (step->is_index)
        return config_schema_item(key);
    return list ? NULL : config_schema_member(key, str_of(step->name));
}

static bool place_find(struct str name, struct place *place)
{
    size_t n;

    place->depth = 0;
    place->key = config_schema_keys(&n);
    for (struct str rest = name;;) {
        /* A name that the user chooses may hold '_' itself. */
        size_t end = place->key->type == CONFIG_TYPE_NAMES ? rest.n : str_find(rest, '_');

        if (place->depth == PLACE_DEPTH_MAX)
            return false;
        place->key = step_down(place->key, (struct str){rest.p, end}, &place->steps[place->depth++]);
        if (place->key == NULL || end == rest.n)
            return place->key != NULL;
        rest = str_from(rest, end + 1);
    }
}

/* ---- setting ---- */

static struct config_node *step_get(const struct config_node *node, const struct step *step)
{
    if (step->is_index)
        return node->kind == CONFIG_LIST && step->index < node->n ? node->members[step->index] : NULL;
    return config_node_get_nocase(node, str_of(step->name));
}

static void step_put(struct config_node *node, const struct step *step, struct config_node *child)
{
    const struct config_node *old = step_get(node, step);
    char *key;

    if (step->is_index) {
        config_node_put_at(node, step->index, child);
        return;
    }
    key = str_dup(str_of(old != NULL ? old->key : step->name));
    config_node_put(node, str_of(key), child);
    free(key);
}

/* The container that the last step goes into, made where there is none (or something else stands in its place). */
static struct config_node *place_open(struct config_node *root, const struct place *place, struct config_origin origin)
{
    struct config_node *node = root;

    for (size_t i = 0; i + 1 < place->depth; i++) {
        enum config_kind wanted = place->steps[i + 1].is_index ? CONFIG_LIST : CONFIG_MAP;
        struct config_node *child = step_get(node, &place->steps[i]);

        if (child == NULL || child->kind != wanted) {
            child = config_node_container(wanted, origin);
            step_put(node, &place->steps[i], child);
        }
        node = child;
    }
    return node;
}

static bool wants_scalar(enum config_type type)
{
    return type == CONFIG_TYPE_TEXT || type == CONFIG_TYPE_BOOL || type == CONFIG_TYPE_COUNT ||
           type == CONFIG_TYPE_DURATION || type == CONFIG_TYPE_SIZE;
}

static struct config_node *parse_value(const struct variable *v, const struct config_key *key, struct err *e)
{
    struct config_node *node = config_tree_parse(v->value, v->name, false, e);

    if (node == NULL && !wants_scalar(key->type))
        return NULL;
    if (node != NULL && (node->kind == CONFIG_SCALAR || !wants_scalar(key->type)))
        return node;
    config_node_free(&node);
    return config_node_scalar(v->value, false, (struct config_origin){.name = v->name});
}

static int set(struct config_node *root, const struct place *place, const struct variable *v, struct err *e)
{
    struct config_node *value = parse_value(v, place->key, e);
    struct config_node *container;
    const struct config_node *old;

    if (value == NULL)
        return -1;
    container = place_open(root, place, (struct config_origin){.name = v->name});
    old = step_get(container, &place->steps[place->depth - 1]);
    /* `${UNSET}` in a compose file must not take the users away. */
    if (v->value.n == 0 && old != NULL && old->kind != CONFIG_SCALAR && old->n > 0) {
        log_warn("%.*s: empty, ignored; what the file says stays in force (write {} to clear it)", (int)v->name.n,
                 v->name.p);
        config_node_free(&value);
        return 0;
    }
    step_put(container, &place->steps[place->depth - 1], value);
    config_schema_expand(root);
    return 0;
}

/* ---- names that mean no key ---- */

/* Docker links and Kubernetes services of the name "registry" or "registry-…" put these into every container beside
 * them. */
static bool is_of_neighbour(struct str name)
{
    static const char *const parts[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT_", "_ENV_"};
    char *text = str_dup(name);
    size_t n = strlen(text);
    /* REGISTRY_AUTH_FILE is where Skopeo and Podman look for credentials. */
    bool found = str_eq(name, STR("REGISTRY_NAME")) || str_eq(name, STR("REGISTRY_AUTH_FILE")) ||
                 (n > 5 && strcmp(text + n - 5, "_PORT") == 0);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !found; i++)
        found = strstr(text, parts[i]) != NULL;
    free(text);
    return found;
}

void config_env_name(const char *path, struct sbuf *out)
{
    sbuf_str(out, prefix);
    for (const char *p = path; *p != '\0'; p++) {
        char c = (char)(*p == '.' ? '_' : toupper((unsigned char)*p));

        if (*p == '[')
            sbuf_printf(out, "_0");
        else if (*p == '*')
            sbuf_printf(out, "<name>");
        else if (*p != ']')
            sbuf_put(out, &c, 1);
    }
}

/* The variable of the key that a name is most like; empty when none is. */
static void suggest(struct str name, struct sbuf *out)
{
    struct sbuf path = {0};
    const struct config_key *nearest;

    for (size_t i = 0; i < name.n; i++) {
        char c = (char)(name.p[i] == '_' ? '.' : tolower((unsigned char)name.p[i]));

        sbuf_put(&path, &c, 1);
    }
    nearest = config_schema_nearest((struct str){path.p, path.n});
    if (nearest != NULL) {
        sbuf_printf(out, "; did you mean ");
        config_env_name(nearest->path, out);
        sbuf_printf(out, "?");
    }
    sbuf_free(&path);
}

static int unknown(const struct variable *v, struct err *e)
{
    bool lock = str_starts(v->name, STR("REGISTRY_AUTH_")) || str_starts(v->name, STR("REGISTRY_HTTP_TLS_")) ||
                str_starts(v->name, STR("REGISTRY_ACCESS_"));
    struct sbuf hint = {0};

    if (is_of_neighbour(v->name)) {
        log_warn("%.*s: meant for another program (Docker link, Kubernetes, Podman), no key; ignored", (int)v->name.n,
                 v->name.p);
        return 0;
    }
    suggest(str_from(v->name, prefix.n), &hint);
    if (lock)
        err_set(e, ERR_INVALID, "%.*s: unknown variable%s; one about access is not ignored: correct or unset it",
                (int)v->name.n, v->name.p, sbuf_text(&hint));
    else
        log_warn("%.*s: unknown variable, ignored%s", (int)v->name.n, v->name.p, sbuf_text(&hint));
    sbuf_free(&hint);
    return lock ? -1 : 0;
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct variable *)a)->name, ((const struct variable *)b)->name);
}

static size_t collect(char *const *environment, struct variable **out)
{
    size_t n = 0;

    *out = NULL;
    for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++) {
        struct str text = str_of(*entry);
        size_t end = str_find(text, '=');

        if (!str_starts(text, prefix) || end == text.n)
            continue;
        *out = xrealloc(*out, (n + 1) * sizeof(**out));
        (*out)[n++] = (struct variable){{text.p, end}, str_from(text, end + 1)};
    }
    if (n > 0)
        qsort(*out, n, sizeof(**out), by_name);
    return n;
}

static int apply(struct config_node *root, const struct variable *v, struct err *e)
{
    struct place place;

    if (str_eq(v->name, STR("REGISTRY_CONFIGURATION_PATH")))
        return 0;
    if (str_eq(v->name, STR("REGISTRY_VERSION"))) {
        log_warn("REGISTRY_VERSION: the version of the file's format cannot be overridden; ignored");
        return 0;
    }
    return place_find(str_from(v->name, prefix.n), &place) ? set(root, &place, v, e) : unknown(v, e);
}

int config_env_apply(struct config_node *root, char *const *environment, struct err *e)
{
    struct variable *variables;
    size_t n = collect(environment, &variables);
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = apply(root, &variables[i], e);
    free(variables);
    return rc;
}

const char *config_env_get(char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, name, n) == 0 && (*entry)[n] == '=' && (*entry)[n + 1] != '\0')
            return *entry + n + 1;
    return NULL;
}
