#include "tools/trust/trust_print.h"

#include <string.h>

#include "tests/unit/test.h"

enum { NOW = 1795521600 }; /* Nov 24 2026 */

static struct trust_registry registry = {.names = {"r.example:5000"}, .name_count = 1};
static struct trust_target good = {.text = (char[]){"root@node1"}}, bad = {.text = (char[]){"node2"}};

/* Two hosts: the one's lines, which end with "done", and one that failed with a text that JSON must escape. */
static void answer(struct trust_result results[2], const char *const *lines, size_t n)
{
    memset(results, 0, 2 * sizeof(*results));
    results[0].target = &good;
    results[1].target = &bad;
    trust_report_line(&results[0].report, STR("@berth\tbegin\t1"));
    for (size_t i = 0; i < n; i++)
        trust_report_line(&results[0].report, str_of(lines[i]));
    trust_report_line(&results[0].report, STR("@berth\tdone\t0"));
    trust_report_error(&results[1].report, "say \"no\"");
}

static void check_text(void (*print)(const struct trust_request *, const struct trust_result *, size_t, time_t,
                                     struct sbuf *),
                       const struct trust_request *request, const char *const *lines, size_t n, const char *wanted)
{
    struct trust_result results[2];
    struct sbuf out = {0};

    answer(results, lines, n);
    print(request, results, 2, NOW, &out);
    CHECK_TEXT(sbuf_text(&out), wanted);
    sbuf_free(&out);
    trust_report_free(&results[0].report);
    trust_report_free(&results[1].report);
}

static const char *const installed[] = {
    "@berth\tfound\tdocker",       "@berth\tfound\tcontainers", "@berth\tfile\twritten\t/a",
    "@berth\tfile\tunchanged\t/b", "@berth\tnote\tknow this",
};

TEST(table, "the table has a line for each host, and below it what there is to know")
{
    struct trust_request request = {.action = TRUST_INSTALL, .registry = &registry};

    check_text(trust_print_table, &request, installed, 5,
               "TARGET      RESULT         WHAT\n"
               "root@node1  installed      docker, containers: 1 written, 1 unchanged\n"
               "node2       failed         -\n"
               "\n"
               "root@node1: note: know this\n"
               "node2: error: say \"no\"\n");
}

TEST(json, "the JSON has all of it")
{
    struct trust_request request = {.action = TRUST_INSTALL, .registry = &registry};

    check_text(
        trust_print_json, &request, installed, 5,
        "{\"registry\": \"r.example:5000\", \"action\": \"install\", \"dry_run\": false, \"ok\": false, \"targets\": ["
        "{\"target\": \"root@node1\", \"ok\": true, \"result\": \"installed\", \"error\": null, "
        "\"runtimes\": [\"docker\", \"containers\"], "
        "\"files\": [{\"path\": \"/a\", \"state\": \"written\"}, {\"path\": \"/b\", \"state\": \"unchanged\"}], "
        "\"checks\": [], \"errors\": [], \"notes\": [\"know this\"]}, "
        "{\"target\": \"node2\", \"ok\": false, \"result\": \"failed\", \"error\": \"say \\\"no\\\"\", \"runtimes\": "
        "[], "
        "\"files\": [], \"checks\": [], \"errors\": [\"say \\\"no\\\"\"], \"notes\": []}]}\n");
}

static const char *const checked[] = {
    "@berth\tcheck\tdocker\t/d\ttrusted\tNov 25 12:00:00 2026 GMT\tby its file",
    "@berth\tcheck\tcontainerd\t/c\trefused\t\twhy not",
};

TEST(check_table, "a check says for each place whether it is trusted, and for how many days")
{
    struct trust_request request = {.action = TRUST_CHECK, .registry = &registry};

    check_text(trust_print_table, &request, checked, 2,
               "TARGET      RESULT         WHAT\n"
               "root@node1  not trusted    -\n"
               "node2       failed         -\n"
               "\n"
               "root@node1: /d: trusted, by its file, 1 days left\n"
               "root@node1: /c: not trusted, why not\n"
               "node2: error: say \"no\"\n");
}

TEST(check_json, "and so does its JSON")
{
    struct trust_request request = {.action = TRUST_CHECK, .registry = &registry};
    struct trust_result results[2];
    struct sbuf out = {0};

    answer(results, checked, 2);
    trust_print_json(&request, results, 1, NOW, &out);
    CHECK(strstr(sbuf_text(&out), "\"ok\": false") != NULL);
    CHECK(strstr(out.p, "{\"runtime\": \"docker\", \"place\": \"/d\", \"trusted\": true, \"not_after\": "
                        "\"2026-11-25T12:00:00Z\", \"days_left\": 1, \"detail\": \"by its file\"}") != NULL);
    CHECK(strstr(out.p, "{\"runtime\": \"containerd\", \"place\": \"/c\", \"trusted\": false, \"not_after\": null, "
                        "\"days_left\": null, \"detail\": \"why not\"}") != NULL);
    sbuf_free(&out);
    trust_report_free(&results[0].report);
    trust_report_free(&results[1].report);
}

TEST(dry, "a dry run lists what it would do")
{
    static const char *const lines[] = {"@berth\tfile\twould-write\t/a", "@berth\tfile\twould-remove\t/b"};
    struct trust_request request = {.action = TRUST_INSTALL, .registry = &registry, .dry = true};

    check_text(trust_print_table, &request, lines, 2,
               "TARGET      RESULT         WHAT\n"
               "root@node1  would change   1 to write, 1 to remove\n"
               "node2       failed         -\n"
               "\n"
               "root@node1: would write /a\n"
               "root@node1: would remove /b\n"
               "node2: error: say \"no\"\n");
}

/* Three hosts with these notes, each behind "node1" and so on. */
static void check_notes(const char *const notes[3][2], const char *wanted)
{
    char names[3][6] = {"node1", "node2", "node3"};
    struct trust_target nodes[] = {{.text = names[0]}, {.text = names[1]}, {.text = names[2]}};
    struct trust_request request = {.action = TRUST_INSTALL, .registry = &registry};
    struct trust_result results[3] = {0};
    struct sbuf out = {0};

    for (size_t i = 0; i < 3; i++) {
        results[i].target = &nodes[i];
        trust_report_line(&results[i].report, STR("@berth\tbegin\t1"));
        for (size_t k = 0; k < 2; k++)
            if (notes[i][k] != NULL)
                trust_report_line(&results[i].report, str_of(notes[i][k]));
        trust_report_line(&results[i].report, STR("@berth\tdone\t0"));
    }
    trust_print_table(&request, results, 3, NOW, &out);
    CHECK_TEXT(strstr(sbuf_text(&out), "\n\n"), wanted);
    sbuf_free(&out);
    for (size_t i = 0; i < 3; i++)
        trust_report_free(&results[i].report);
}

TEST(grouped, "what several hosts say stands there once, with their names, and in the order it came")
{
    static const char *const notes[3][2] = {
        {"@berth\tnote\tz common", "@berth\tnote\tm own"},
        {"@berth\tnote\ta two", "@berth\tnote\tz common"},
        {"@berth\tnote\tz common", "@berth\tnote\ta two"},
    };

    check_notes(notes, "\n\n"
                       "all 3: note: z common\n"
                       "node1: note: m own\n"
                       "node2, node3: note: a two\n");
}

TEST(repeated, "a host that says something twice is named once, and a note is no error of the same words")
{
    static const char *const notes[3][2] = {
        {"@berth\tnote\tsame", "@berth\tnote\tsame"},
        {"@berth\terror\tsame", NULL},
        {"@berth\tnote\tsame", NULL},
    };

    check_notes(notes, "\n\n"
                       "node1, node3: note: same\n"
                       "node2: error: same\n");
}
