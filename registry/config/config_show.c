#include "registry/config/config_show.h"

#include <string.h>

#include "registry/config/config_effective.h"

enum { COMMENT_COLUMN = 56, KEY_WIDTH = 48 };

/* ---- YAML ---- */

/* May the text stand without quotes, and mean itself? */
static bool is_plain(struct str text, bool was_plain)
{
    if (!was_plain || text.n == 0 || str_find(STR(":@-.%"), text.p[0]) < 5 || text.p[text.n - 1] == ':')
        return false;
    return str_has_only(text, STR("./_-+:@%")) && !str_eq(text, STR("~")) && !str_eq_nocase(text, STR("null"));
}

/* The bytes of a character that YAML takes for a line's end or does not take at all, or that a terminal obeys; 0 for
 * others. Its number comes into *code: of a byte that is no UTF-8, which YAML cannot say, its value. */
static size_t special(struct str rest, unsigned *code)
{
    const unsigned char *p = (const unsigned char *)rest.p;
    size_t n = str_utf8_length(rest);

    *code = p[0];
    if (n == 0 || p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (n == 2)
        *code = (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU);
    else if (n == 3)
        *code = (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
    else
        return 0;
    return (*code >= 0x80 && *code < 0xa0) || (*code >= 0x2028 && *code <= 0x202e) || *code == 0xfeff || *code >= 0xfffe
               ? n
               : 0;
}

/* Between double quotes, as YAML and JSON know them. */
static void put_quoted(struct str text, struct sbuf *out)
{
    sbuf_printf(out, "\"");
    for (size_t i = 0, n; i < text.n; i += n) {
        unsigned code;

        n = special(str_from(text, i), &code);
        if (n > 0) {
            sbuf_printf(out, "\\u%04x", code);
            continue;
        }
        n = str_utf8_length(str_from(text, i));
        if (text.p[i] == '"' || text.p[i] == '\\')
            sbuf_printf(out, "\\");
        sbuf_put(out, text.p + i, n);
    }
    sbuf_printf(out, "\"");
}

static void put_text(struct str text, bool was_plain, struct sbuf *out)
{
    if (is_plain(text, was_plain))
        sbuf_str(out, text);
    else
        put_quoted(text, out);
}

/* A file's name in a comment must not end it. */
static void put_origin(struct config_origin origin, struct sbuf *out)
{
    struct sbuf text = {0};

    config_origin_put(origin, &text);
    for (size_t i = 0, n; i < text.n; i += n) {
        struct str rest = str_from((struct str){text.p, text.n}, i);
        unsigned code;

        n = special(rest, &code);
        if (n > 0) {
            sbuf_printf(out, "?");
        } else {
            n = str_utf8_length(rest);
            sbuf_put(out, rest.p, n);
        }
    }
    sbuf_free(&text);
}

/* From the line that began at `line` on. */
static void put_comment(const struct config_key *key, const struct config_node *node, size_t line, struct sbuf *out)
{
    struct sbuf note = {0};
    size_t width = out->n - line;

    sbuf_printf(out, "%*s # ", width < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - width) : 0, "");
    put_origin(node->origin, out);
    config_effective_note(key, node, &note);
    if (note.n > 0)
        sbuf_printf(out, "; %s", sbuf_text(&note));
    sbuf_printf(out, "\n");
    sbuf_free(&note);
}

static bool is_leaf(const struct config_node *node)
{
    return node->kind == CONFIG_SCALAR || node->n == 0;
}

static const struct config_key *row_of(const struct config_key *key, const struct config_node *parent,
                                       const struct config_node *member)
{
    return parent->kind == CONFIG_LIST ? config_schema_item(key) : config_schema_member(key, str_of(member->key));
}

static void put_leaf(const struct config_key *key, const struct config_node *node, size_t line, struct sbuf *out)
{
    if (node->kind == CONFIG_SCALAR)
        put_text(str_of(node->text), node->plain, out);
    else
        sbuf_printf(out, node->kind == CONFIG_LIST ? "[]" : "{}");
    put_comment(key, node, line, out);
}

/* `inlined`: the first member stands on a line that has been begun, behind a dash. */
static void put_members(const struct config_key *key, const struct config_node *node, int depth, bool inlined,
                        struct sbuf *out)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct config_node *member = node->members[i];
        const struct config_key *row = row_of(key, node, member);
        bool begun = inlined && i == 0, dash = node->kind == CONFIG_LIST;
        size_t line = begun ? out->n - 2 * (size_t)depth : out->n;

        sbuf_printf(out, "%*s", begun ? 0 : 2 * depth, "");
        if (dash) {
            sbuf_printf(out, "- ");
        } else {
            put_text(str_of(member->key), true, out);
            sbuf_printf(out, is_leaf(member) ? ": " : ":\n");
        }
        if (is_leaf(member))
            put_leaf(row, member, line, out);
        else
            put_members(row, member, depth + 1, dash, out);
    }
}

void config_show_yaml(const struct config_node *effective, struct sbuf *out)
{
    size_t n;

    put_members(&config_schema_keys(&n)[0], effective, 0, false, out);
}

/* ---- JSON ---- */

static void put_value(const struct config_key *key, const struct config_node *node, struct sbuf *out)
{
    uint64_t number;
    bool truth;

    if (node->kind != CONFIG_SCALAR)
        sbuf_printf(out, node->kind == CONFIG_LIST ? "[]" : "{}");
    else if (key->type == CONFIG_TYPE_BOOL && config_node_bool(node, &truth))
        sbuf_printf(out, truth ? "true" : "false");
    else if (key->type == CONFIG_TYPE_COUNT && str_to_u64(str_of(node->text), &number))
        sbuf_u64(out, number);
    else
        sbuf_json(out, str_of(node->text));
}

static void put_source(const struct config_node *node, struct sbuf *out)
{
    if (config_effective_default(node)) {
        sbuf_printf(out, ",\"source\":\"default\"");
        return;
    }
    sbuf_printf(out,
                node->origin.line > 0 ? ",\"source\":\"file\",\"file\":" : ",\"source\":\"environment\",\"variable\":");
    sbuf_json(out, node->origin.name);
    if (node->origin.line > 0)
        sbuf_printf(out, ",\"line\":%zu", node->origin.line);
}

static void put_object(const struct config_key *key, const struct config_node *node, struct sbuf *out)
{
    struct sbuf path = {0}, note = {0};

    config_node_path(node, &path);
    config_effective_note(key, node, &note);
    sbuf_printf(out, "{\"key\":");
    sbuf_json(out, (struct str){path.p, path.n});
    sbuf_printf(out, ",\"value\":");
    put_value(key, node, out);
    put_source(node, out);
    if (note.n > 0) {
        sbuf_printf(out, ",\"note\":");
        sbuf_json(out, (struct str){note.p, note.n});
    }
    sbuf_printf(out, "}\n");
    sbuf_free(&path);
    sbuf_free(&note);
}

static void put_objects(const struct config_key *key, const struct config_node *node, struct sbuf *out)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct config_key *row = row_of(key, node, node->members[i]);

        if (is_leaf(node->members[i]))
            put_object(row, node->members[i], out);
        else
            put_objects(row, node->members[i], out);
    }
}

void config_show_json(const struct config_node *effective, struct sbuf *out)
{
    size_t n;

    put_objects(&config_schema_keys(&n)[0], effective, out);
}

/* ---- what has no value ---- */

void config_show_unset(const struct config_node *effective, bool json, struct sbuf *out)
{
    size_t n;
    const struct config_key *keys = config_schema_keys(&n);

    if (!json)
        sbuf_printf(out, "\n# Served, and not set:\n");
    for (size_t i = 1; i < n; i++) {
        if (keys[i].state != CONFIG_SERVED || keys[i].help == NULL || strpbrk(keys[i].path, "[*") != NULL ||
            config_node_find(effective, keys[i].path) != NULL)
            continue;
        if (json)
            sbuf_printf(out, "{\"key\":\"%s\",\"value\":null,\"source\":\"none\"}\n", keys[i].path);
        else
            sbuf_printf(out, "#   %-*s %s\n", KEY_WIDTH, keys[i].path, keys[i].help);
    }
}
