#include "registry/config/config_schema.h"

#include "registry/config/config_take.h"

#define ONLY_FILES "this storage is not served; use storage.filesystem with a rootdirectory"

#define OR_ALL     "fill it, or remove the key to mean all"
#define OR_DEFAULT "fill it, or remove the key for its default"
#define OR_REMOVE  "fill it, or remove the key"

#define ROW(path_, type_, state_, preset_, note_, take_, field_, ...) \
    {.path = (path_),                                                 \
     .type = CONFIG_TYPE_##type_,                                     \
     .state = CONFIG_##state_,                                        \
     .preset = (preset_),                                             \
     .note = (note_),                                                 \
     .take = (take_),                                                 \
     .field = (field_),                                               \
     __VA_ARGS__},
#define INSTEAD(text)    .instead = (text)
#define HELP(text)       .help = (text)
#define WITH(key)        .with = (key)
#define UNLESS(key)      .unless = (key)
#define WORKED_OUT(text) .worked_out = (text)
#define GROUP(path, ...) ROW(path, GROUP, SERVED, NULL, NULL, NULL, 0, __VA_ARGS__)
#define SERVED(path, type, preset, take, field, ...) \
    ROW(path, type, SERVED, preset, NULL, take, offsetof(struct config, field), __VA_ARGS__)
#define TAKEN(path, type, preset, take, ...)  ROW(path, type, SERVED, preset, NULL, take, 0, __VA_ARGS__)
#define ACCEPTED(path, type, note)            ROW(path, type, ACCEPTED, NULL, note, NULL, 0)
#define REFUSED(path, type, note)             ROW(path, type, REFUSED, NULL, note, NULL, 0)
#define REFUSED_IF_SET(path, type, off, note) ROW(path, type, REFUSED_IF_SET, off, note, NULL, 0)

static const struct config_key keys[] = {
#include "registry/config/config_schema.def"
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]), PATH_LIMIT = 128 };

const struct config_key *config_schema_keys(size_t *n)
{
    *n = KEYS;
    return keys;
}

/* Is `path` that of `parent` with `separator` and `name` behind it? */
static bool is_below(const char *path, const char *parent, const char *separator, struct str name)
{
    struct str rest = str_of(path);
    struct str prefix[] = {str_of(parent), str_of(parent[0] == '\0' ? "" : separator)};

    for (size_t i = 0; i < 2; i++) {
        if (!str_starts(rest, prefix[i]))
            return false;
        rest = str_from(rest, prefix[i].n);
    }
    return str_eq(rest, name);
}

static const struct config_key *find_below(const struct config_key *parent, const char *separator, struct str name)
{
    if (parent->type == CONFIG_TYPE_ANY)
        return parent;
    for (size_t i = 1; i < KEYS; i++)
        if (is_below(keys[i].path, parent->path, separator, name))
            return &keys[i];
    return NULL;
}

const struct config_key *config_schema_member(const struct config_key *parent, struct str name)
{
    if (parent->type == CONFIG_TYPE_NAMES)
        name = STR("*");
    else if (str_find(name, '.') < name.n || str_find(name, '[') < name.n)
        return NULL; /* `http.addr: x` is one odd name, not a path */
    return find_below(parent, ".", name);
}

const struct config_key *config_schema_item(const struct config_key *parent)
{
    static const struct config_key text = {.path = "", .type = CONFIG_TYPE_TEXT, .state = CONFIG_SERVED};

    return parent->type == CONFIG_TYPE_TEXTS ? &text : find_below(parent, "", STR("[]"));
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or replaced to make one of the other (V. I. Levenshtein, 1965). Both are
 * at most PATH_LIMIT bytes long. */
static size_t distance(struct str a, struct str b)
{
    size_t row[PATH_LIMIT + 1];

    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);

            diagonal = row[j];
            row[j] = min(replaced, min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

static struct str last_name(struct str path)
{
    for (size_t i = path.n; i > 0; i--)
        if (path.p[i - 1] == '.')
            return str_from(path, i);
    return path;
}

/* One letter in three may be wrong; the right name in the wrong place counts as two wrong letters. SIZE_MAX: not alike.
 */
static size_t unlikeness(struct str path, struct str known)
{
    enum { MISPLACED = 2 };
    struct str name = last_name(path);
    size_t apart = path.n > known.n ? path.n - known.n : known.n - path.n; /* so many letters differ at least */
    bool alike = known.n <= PATH_LIMIT && (apart <= 1 || apart <= path.n / 3);
    size_t letters = alike ? distance(path, known) : SIZE_MAX;

    if (name.n >= MISPLACED && str_starts(last_name(known), name))
        return min(letters, MISPLACED);
    return letters > 1 && letters > path.n / 3 ? SIZE_MAX : letters;
}

const struct config_key *config_schema_nearest(struct str path)
{
    const struct config_key *nearest = NULL;
    size_t least = SIZE_MAX;

    if (path.n > PATH_LIMIT)
        return NULL;
    for (size_t i = 1; i < KEYS; i++) {
        struct str known = str_of(keys[i].path);
        size_t u = str_find(known, '*') < known.n ? SIZE_MAX : unlikeness(path, known);

        if (u < least) {
            least = u;
            nearest = &keys[i];
        }
    }
    return nearest;
}

void config_schema_expand(struct config_node *root)
{
    for (size_t i = 1; i < KEYS; i++) {
        struct config_node *node = keys[i].type == CONFIG_TYPE_CHOICE ? config_node_get(root, str_of(keys[i].path))
                                                                      : NULL;
        struct config_node *map;

        if (node == NULL || node->kind != CONFIG_SCALAR || config_node_is_unset(node))
            continue;
        map = config_node_container(CONFIG_MAP, node->origin);
        config_node_put(map, str_of(node->text), config_node_container(CONFIG_MAP, node->origin));
        config_node_put(root, str_of(keys[i].path), map);
    }
}
