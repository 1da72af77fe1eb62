#include "registry/config/config_tree.h"

#include "tests/unit/test.h"

static void dump(const struct config_node *node, struct sbuf *out)
{
    if (node->kind == CONFIG_SCALAR) {
        sbuf_printf(out, config_node_is_unset(node) ? "-" : node->plain ? "%s" : "'%s'", node->text);
        return;
    }
    sbuf_printf(out, node->kind == CONFIG_MAP ? "{" : "[");
    for (size_t i = 0; i < node->n; i++) {
        sbuf_printf(out, "%s", i == 0 ? "" : " ");
        if (node->kind == CONFIG_MAP)
            sbuf_printf(out, "%s=", node->members[i]->key);
        dump(node->members[i], out);
    }
    sbuf_printf(out, node->kind == CONFIG_MAP ? "}" : "]");
}

TEST(shapes, "documents become the trees they describe")
{
    static const struct {
        const char *yaml;
        const char *tree;
    } cases[] = {
        {"", "-"},
        {"# nothing\n", "-"},
        {"---\n", "-"},
        {"a: 1\nb: {c: [x, 'y']}\n", "{a=1 b={c=[x 'y']}}"},
        {"a:\nb: ~\nc: null\nd: ''\n", "{a=- b=- c=- d=-}"},
        {"a: 'null'\n", "{a='null'}"},
        {"a: &x {k: v}\nb: *x\n", "{a={k=v} b={k=v}}"},
        {"a: &x {k: v, l: w}\nb:\n  <<: *x\n  l: mine\n", "{a={k=v l=w} b={l=mine k=v}}"},
        {"b: {<<: [{k: 1}, {k: 2, l: 3}]}\n", "{b={k=1 l=3}}"},
        {"b: {'<<': x}\n", "{b={<<=x}}"},
        {"addr: :5000\n", "{addr=:5000}"},
        {"text: |\n  two\n  lines\n", "{text='two\nlines\n'}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e;
        struct sbuf text = {0};
        struct config_node *root = config_tree_parse(str_of(cases[i].yaml), STR("f"), true, &e);

        if (root == NULL)
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].yaml, e.text);
        dump(root, &text);
        CHECK_TEXT(sbuf_text(&text), cases[i].tree);
        sbuf_free(&text);
        config_node_free(&root);
    }
}

TEST(places, "every node knows its path and the line of its key")
{
    static const struct str yaml = STR("a:\n  b:\n    - x\n    - c:\n        1\n");
    struct err e;
    struct config_node *root = config_tree_parse(yaml, STR("file"), true, &e);
    const struct config_node *c;

    CHECK(root != NULL);
    c = config_node_get(config_node_find(root, "a.b")->members[1], STR("c"));
    CHECK_INT(config_node_fail(c, &e, "is %d", 5), -1);
    CHECK_TEXT(e.text, "file:4: a.b[1].c: is 5");
    CHECK_INT(e.code, ERR_INVALID);
    config_node_free(&root);
}

TEST(malformed, "YAML that cannot be used is refused with file and line")
{
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"a: 1\na: 2\n", "f:2: a: given twice, first on line 1; keep one"},
        {"http:\n  tls:\n    key: 1\n    key: 2\n", "f:4: http.tls.key: given twice, first on line 3; keep one"},
        {"l:\n  - {a: 1}\n  - {a: 1, a: 2}\n", "f:3: l[1].a: given twice, first on line 3; keep one"},
        {"a: 1\n[b]: 2\n", "f:2: a key is one word, not a list or map; check brackets and braces"},
        {"a: \"x\\0y\"\n", "f:1: a NUL byte in a text; remove \\0"},
        {"\"x\\0y\": 1\n", "f:1: a NUL byte in a text; remove \\0"},
        {"a: 1\n---\nb: 2\n", "f:3: a second document; remove it and the --- line before it"},
        {"a: &x 1\nb:\n  <<: *x\n", "f:1: << merges a map or a list of maps; write for example <<: *anchor"},
        {"b: {<<: [1]}\n", "f:1: << merges a map or a list of maps; write for example <<: *anchor"},
        {"a: &x [*x]\n", "f:1: nested more than 64 levels deep (an alias inside its own anchor?)"},
        {"a: &x {<<: *x}\n", "f:1: nested more than 64 levels deep (an alias inside its own anchor?)"},
        {"a: *nobody\n",
         "f:1: not YAML: found undefined alias; check indentation (spaces, no tabs), colons and quotes"},
        {"a: 1\n\tb: 2\n",
         "f:2: not YAML: found a tab character that violates indentation, while scanning a plain scalar; "
         "check indentation (spaces, no tabs), colons and quotes"},
        {"a: [1\nb: 2\n", "f:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence; "
                          "check indentation (spaces, no tabs), colons and quotes"},
        {"a: 1\nb: \xff\n", "f:2: not YAML: invalid leading UTF-8 octet; save the text as UTF-8"},
        {"a: 1\n--- [\n", "f:3: not YAML: did not find expected node content, while parsing a flow node; "
                          "check indentation (spaces, no tabs), colons and quotes"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = {0};
        struct config_node *root = config_tree_parse(str_of(cases[i].yaml), STR("f"), true, &e);

        if (root != NULL)
            test_fail(__FILE__, __LINE__, "%s is taken", cases[i].yaml);
        CHECK_TEXT(e.text, cases[i].error);
        CHECK_INT(e.code, ERR_INVALID);
    }
}

TEST(variable, "the value of a variable has a name and no line")
{
    struct err e;

    CHECK(config_tree_parse(STR("{a: 1, a: 2}"), STR("REGISTRY_X"), false, &e) == NULL);
    CHECK_TEXT(e.text, "REGISTRY_X: a: given twice; keep one");
    CHECK(config_tree_parse(STR("[a"), STR("REGISTRY_X"), false, &e) == NULL);
    CHECK_TEXT(e.text, "REGISTRY_X: not YAML: did not find expected ',' or ']', while parsing a flow sequence; "
                       "check indentation (spaces, no tabs), colons and quotes");
}

/* `head`, then `text` n times. */
static struct sbuf repeat(const char *head, const char *text, size_t n)
{
    struct sbuf out = {0};

    sbuf_str(&out, str_of(head));
    for (size_t i = 0; i < n; i++)
        sbuf_str(&out, str_of(text));
    return out;
}

TEST(deep, "64 levels are read and 65 are not")
{
    for (size_t levels = 64; levels <= 65; levels++) {
        struct sbuf yaml = repeat("", "[", levels);
        struct sbuf tail = repeat("", "]", levels);
        struct config_node *root;
        struct err e = {0};

        sbuf_put(&yaml, tail.p, tail.n);
        root = config_tree_parse((struct str){yaml.p, yaml.n}, STR("f"), true, &e);
        CHECK((root != NULL) == (levels == 64));
        CHECK_TEXT(e.text,
                   levels == 64 ? "" : "f:1: nested more than 64 levels deep (an alias inside its own anchor?)");
        config_node_free(&root);
        sbuf_free(&yaml);
        sbuf_free(&tail);
    }
}

TEST(unclosed, "a file of nothing but opening brackets is refused at once")
{
    struct sbuf yaml = repeat("", "[", 1000000);
    struct err e;

    CHECK(config_tree_parse((struct str){yaml.p, yaml.n}, STR("f"), true, &e) == NULL);
    CHECK_TEXT(e.text, "f:1: nested more than 64 levels deep (an alias inside its own anchor?)");
    sbuf_free(&yaml);
}

TEST(laughs, "aliases of aliases stop at 100000 values")
{
    static const struct str yaml = STR("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
                                       "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                                       "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                                       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                                       "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                                       "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n");
    struct err e;

    CHECK(config_tree_parse(yaml, STR("f"), true, &e) == NULL);
    CHECK_TEXT(e.text, "f:1: more than 100000 values once every alias is written out; use fewer aliases");
}

TEST(long_list, "a list has at most 4096 entries")
{
    for (size_t n = 4096; n <= 4097; n++) {
        struct sbuf yaml = repeat("", "- x\n", n);
        struct err e = {0};
        struct config_node *root = config_tree_parse((struct str){yaml.p, yaml.n}, STR("f"), true, &e);

        CHECK((root != NULL) == (n == 4096));
        CHECK_TEXT(e.text, n == 4096 ? "" : "f:1: more than 4096 entries in one map or list");
        config_node_free(&root);
        sbuf_free(&yaml);
    }
}

TEST(anchors, "a file has at most 1000 anchors")
{
    struct sbuf yaml = {0};
    struct err e;

    for (int i = 0; i < 1001; i++)
        sbuf_printf(&yaml, "- &a%d x\n", i);
    CHECK(config_tree_parse((struct str){yaml.p, yaml.n}, STR("f"), true, &e) == NULL);
    CHECK_TEXT(e.text, "f:1001: more than 1000 anchors; use fewer");
    sbuf_free(&yaml);
}
