#include "registry/config/config_tree.h"

#include <yaml.h>

#define TOO_DEEP "nested more than 64 levels deep (an alias inside its own anchor?)"

struct reader {
    yaml_document_t *document;
    struct str name;
    bool lines;
    size_t nodes; /* made so far */
    size_t depth;
    struct err *e;
};

/* Where a node is going to stand. Containers know it before they are filled, so that errors inside them can name the
 * whole path. */
struct place {
    struct config_node *parent;
    struct str key; /* when the parent is a map */
};

static struct config_node *build(struct reader *r, int id, struct place place);

static int fail_at(struct str name, size_t line, struct err *e, const char *text)
{
    struct sbuf where = {0};

    config_origin_put((struct config_origin){name, line}, &where);
    err_set(e, ERR_INVALID, "%s: %s", sbuf_text(&where), text);
    sbuf_free(&where);
    return -1;
}

static struct config_origin origin_of(const struct reader *r, const yaml_node_t *yaml)
{
    return (struct config_origin){r->name, r->lines ? yaml->start_mark.line + 1 : 0};
}

static struct str text_of(const yaml_node_t *yaml)
{
    return (struct str){(const char *)yaml->data.scalar.value, yaml->data.scalar.length};
}

/* Text travels on as C strings. */
static int check_text(const struct reader *r, const yaml_node_t *yaml)
{
    struct str text = text_of(yaml);

    if (str_find(text, '\0') == text.n)
        return 0;
    return fail_at(r->name, origin_of(r, yaml).line, r->e, "a NUL byte in a text; remove \\0");
}

static struct config_node *build_scalar(struct reader *r, const yaml_node_t *yaml)
{
    if (check_text(r, yaml) != 0)
        return NULL;
    return config_node_scalar(text_of(yaml), yaml->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, origin_of(r, yaml));
}

static struct config_node *build_container(const struct reader *r, const yaml_node_t *yaml, struct place place)
{
    struct config_node *node = config_node_container(yaml->type == YAML_MAPPING_NODE ? CONFIG_MAP : CONFIG_LIST,
                                                     origin_of(r, yaml));

    node->parent = place.parent;
    if (place.parent != NULL && place.parent->kind == CONFIG_MAP)
        node->key = str_dup(place.key);
    return node;
}

static int fill_list(struct reader *r, struct config_node *list, const yaml_node_t *yaml)
{
    for (const yaml_node_item_t *item = yaml->data.sequence.items.start; item < yaml->data.sequence.items.top; item++) {
        struct config_node *member = build(r, *item, (struct place){.parent = list});

        if (member == NULL)
            return -1;
        config_node_put_at(list, list->n, member);
    }
    return 0;
}

/* A plain `<<` as key: https://yaml.org/type/merge.html */
static bool is_merge(const yaml_node_t *key)
{
    return key->type == YAML_SCALAR_NODE && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           str_eq(text_of(key), STR("<<"));
}

/* Move the members of `source` that `map` does not have yet; what the map says itself wins. */
static int adopt(const struct reader *r, struct config_node *map, struct config_node *source)
{
    if (source->kind != CONFIG_MAP)
        return fail_at(r->name, source->origin.line, r->e,
                       "<< merges a map or a list of maps; write for example <<: *anchor");
    for (size_t i = 0; i < source->n; i++) {
        struct config_node *member = source->members[i];
        struct str key = str_of(member->key);

        if (config_node_get(map, key) != NULL)
            continue;
        if (map->n == CONFIG_MEMBERS_MAX)
            return fail_at(r->name, map->origin.line, r->e, "more than 4096 entries in one map or list");
        source->members[i] = config_node_scalar(STR(""), true, member->origin);
        source->members[i]->key = str_dup(key);
        config_node_put(map, key, member);
    }
    return 0;
}

static int merge(struct reader *r, struct config_node *map, int id)
{
    struct config_node *source = build(r, id, (struct place){map, STR("<<")});
    int rc = 0;

    if (source == NULL)
        return -1;
    if (source->kind != CONFIG_LIST)
        rc = adopt(r, map, source);
    for (size_t i = 0; source->kind == CONFIG_LIST && i < source->n && rc == 0; i++)
        rc = adopt(r, map, source->members[i]);
    config_node_free(&source);
    return rc;
}

static int fail_twice(struct config_node *map, struct str key, struct config_origin origin, struct err *e)
{
    struct config_node *second = config_node_scalar(STR(""), true, origin);

    second->parent = map;
    second->key = str_dup(key);
    if (origin.line > 0)
        config_node_fail(second, e, "given twice, first on line %zu; keep one", config_node_get(map, key)->origin.line);
    else
        config_node_fail(second, e, "given twice; keep one");
    config_node_free(&second);
    return -1;
}

static int add_pair(struct reader *r, struct config_node *map, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
    struct config_origin origin = origin_of(r, key);
    struct config_node *member;

    if (key->type != YAML_SCALAR_NODE)
        return fail_at(r->name, origin.line, r->e, "a key is one word, not a list or map; check brackets and braces");
    if (check_text(r, key) != 0)
        return -1;
    if (config_node_get(map, text_of(key)) != NULL)
        return fail_twice(map, text_of(key), origin, r->e);
    member = build(r, pair->value, (struct place){map, text_of(key)});
    if (member == NULL)
        return -1;
    member->origin = origin; /* the line of the key, which a value may follow on a later one */
    config_node_put(map, text_of(key), member);
    return 0;
}

/* What a map says itself first, then what it merges in. */
static int fill_map(struct reader *r, struct config_node *map, const yaml_node_t *yaml)
{
    const yaml_node_pair_t *begin = yaml->data.mapping.pairs.start, *end = yaml->data.mapping.pairs.top;

    for (const yaml_node_pair_t *pair = begin; pair < end; pair++)
        if (!is_merge(yaml_document_get_node(r->document, pair->key)) && add_pair(r, map, pair) != 0)
            return -1;
    for (const yaml_node_pair_t *pair = begin; pair < end; pair++)
        if (is_merge(yaml_document_get_node(r->document, pair->key)) && merge(r, map, pair->value) != 0)
            return -1;
    return 0;
}

static bool too_many_members(const yaml_node_t *yaml)
{
    if (yaml->type == YAML_SEQUENCE_NODE)
        return yaml->data.sequence.items.top - yaml->data.sequence.items.start > CONFIG_MEMBERS_MAX;
    return yaml->type == YAML_MAPPING_NODE &&
           yaml->data.mapping.pairs.top - yaml->data.mapping.pairs.start > CONFIG_MEMBERS_MAX;
}

static int check_limits(struct reader *r, const yaml_node_t *yaml)
{
    const char *over = NULL;

    if (r->depth >= CONFIG_DEPTH_MAX && yaml->type != YAML_SCALAR_NODE)
        over = TOO_DEEP;
    else if (r->nodes >= CONFIG_NODES_MAX)
        over = "more than 100000 values once every alias is written out; use fewer aliases";
    else if (too_many_members(yaml))
        over = "more than 4096 entries in one map or list";
    return over == NULL ? 0 : fail_at(r->name, origin_of(r, yaml).line, r->e, over);
}

static struct config_node *build(struct reader *r, int id, struct place place)
{
    const yaml_node_t *yaml = yaml_document_get_node(r->document, id);
    struct config_node *node;
    int rc;

    if (check_limits(r, yaml) != 0)
        return NULL;
    r->nodes++;
    if (yaml->type == YAML_SCALAR_NODE)
        return build_scalar(r, yaml);
    node = build_container(r, yaml, place);
    r->depth++;
    rc = node->kind == CONFIG_MAP ? fill_map(r, node, yaml) : fill_list(r, node, yaml);
    r->depth--;
    if (rc != 0)
        config_node_free(&node);
    return node;
}

/* libyaml tells the line of what it could scan, and only the byte of what it could not decode. */
static int explain(const yaml_parser_t *parser, struct str yaml, struct str name, bool lines, struct err *e)
{
    const char *problem = parser->problem == NULL ? "out of memory" : parser->problem;
    size_t line = parser->problem_mark.line + 1;
    struct sbuf text = {0};

    if (parser->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < yaml.n && i < parser->problem_offset; i++)
            line += yaml.p[i] == '\n';
    }
    sbuf_printf(&text, "not YAML: %s", problem);
    if (parser->context != NULL)
        sbuf_printf(&text, ", %s", parser->context);
    sbuf_printf(&text, parser->error == YAML_READER_ERROR ? "; save the text as UTF-8"
                                                          : "; check indentation (spaces, no tabs), colons and quotes");
    fail_at(name, lines ? line : 0, e, sbuf_text(&text));
    sbuf_free(&text);
    return -1;
}

static bool has_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

/* What libyaml takes time square in is counted before a document is loaded: brackets that stand open, and anchors. */
static const char *check_event(const yaml_event_t *event, size_t *depth, size_t *anchors)
{
    *depth += event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
    *depth -= event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
    *anchors += has_anchor(event);
    if (*depth > CONFIG_DEPTH_MAX)
        return TOO_DEEP;
    return *anchors > CONFIG_ANCHORS_MAX ? "more than 1000 anchors; use fewer" : NULL;
}

/* The first pass over the text, event by event; it finds every flaw that libyaml knows. */
static int check_events(struct str yaml, struct str name, bool lines, struct err *e)
{
    yaml_parser_t parser;
    yaml_event_type_t type = YAML_NO_EVENT;
    size_t depth = 0, anchors = 0;
    int rc = 0;

    if (!yaml_parser_initialize(&parser))
        return fail_at(name, 0, e, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
    while (rc == 0 && type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        const char *over;

        if (!yaml_parser_parse(&parser, &event)) {
            rc = explain(&parser, yaml, name, lines, e);
            break;
        }
        type = event.type;
        over = check_event(&event, &depth, &anchors);
        if (over != NULL)
            rc = fail_at(name, lines ? event.start_mark.line + 1 : 0, e, over);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}

/* The parser stands behind the first document: nothing may follow. */
static int check_end(yaml_parser_t *parser, const struct reader *r, struct str yaml)
{
    yaml_document_t second;
    const yaml_node_t *root;
    int rc = 0;

    if (!yaml_parser_load(parser, &second))
        return explain(parser, yaml, r->name, r->lines, r->e);
    root = yaml_document_get_root_node(&second);
    if (root != NULL)
        rc = fail_at(r->name, origin_of(r, root).line, r->e, "a second document; remove it and the --- line before it");
    yaml_document_delete(&second);
    return rc;
}

static struct config_node *read_document(yaml_parser_t *parser, struct str yaml, struct str name, bool lines,
                                         struct err *e)
{
    yaml_document_t document;
    struct reader r = {.document = &document, .name = name, .lines = lines, .e = e};
    struct config_node *root = NULL;

    if (!yaml_parser_load(parser, &document)) {
        explain(parser, yaml, name, lines, e);
        return NULL;
    }
    if (yaml_document_get_root_node(&document) == NULL)
        root = config_node_scalar(STR(""), true, (struct config_origin){name, lines});
    else if (check_end(parser, &r, yaml) == 0)
        root = build(&r, 1, (struct place){0}); /* libyaml counts nodes from 1, the root */
    yaml_document_delete(&document);
    return root;
}

struct config_node *config_tree_parse(struct str yaml, struct str name, bool lines, struct err *e)
{
    yaml_parser_t parser;
    struct config_node *root;

    if (check_events(yaml, name, lines, e) != 0)
        return NULL;
    if (!yaml_parser_initialize(&parser)) {
        fail_at(name, 0, e, "out of memory");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
    root = read_document(&parser, yaml, name, lines, e);
    yaml_parser_delete(&parser);
    return root;
}
