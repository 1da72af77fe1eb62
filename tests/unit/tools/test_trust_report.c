#include "tools/trust/trust_report.h"

#include <stdio.h>
#include <string.h>

#include "tools/trust/trust_daemon.h"
#include "tests/unit/test.h"

static void take(struct trust_report *report, const char *line)
{
    trust_report_line(report, str_of(line));
}

TEST(lines, "lines with our tags are taken, with their words")
{
    struct trust_report report = {0};

    take(&report, "@berth\tbegin\t1");
    take(&report, "@berth\tfound\tdocker");
    take(&report, "@berth\tfound\tdocker");
    take(&report, "@berth\tfile\twritten\t/etc/docker/certs.d/r/ca.crt");
    take(&report, "@berth\tfile\tunchanged\t/x");
    take(&report, "@berth\tcheck\tdocker\t/etc/docker/certs.d/r\ttrusted\tNov 22 11:11:46 2027 GMT\tby\tits file");
    CHECK(report.began && !report.done);
    CHECK_INT(report.n, 4);
    CHECK_TEXT(report.entries[1].words[1], "/etc/docker/certs.d/r/ca.crt");
    CHECK_TEXT(report.entries[3].words[4], "by?its file");
    CHECK_INT(trust_report_count(&report, "written"), 1);
    CHECK(trust_report_problem(&report) == NULL);
    take(&report, "@berth\terror\tone");
    take(&report, "@berth\terror\ttwo");
    CHECK_TEXT(trust_report_problem(&report), "one");
    take(&report, "@berth\tdone\t0");
    CHECK(report.done && !report.failed);
    trust_report_free(&report);
    CHECK_INT(report.n, 0);
}

TEST(outside, "what comes before the script runs, or after its end, is no answer of it")
{
    struct trust_report report = {0};

    take(&report, "@berth\tcheck\tdocker\t/d\ttrusted");
    take(&report, "@berth\tdone\t0");
    CHECK(!report.done);
    take(&report, "@berth\tbegin\t1");
    take(&report, "@berth\tnote\tours");
    take(&report, "@berth\tdone\t0");
    take(&report, "@berth\tfile\twritten\t/x");
    take(&report, "@berth\tdone\t1");
    CHECK(report.done && !report.failed);
    CHECK_INT(report.n, 1);
    trust_report_free(&report);
}

TEST(word, "the end says whether something failed, and anything but 0 means that it did")
{
    static const char *const words[] = {"@berth\tdone\t1", "@berth\tdone\t", "@berth\tdone\t00", "@berth\tdone\tok"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct trust_report report = {.began = true};

        take(&report, words[i]);
        CHECK(report.done && report.failed);
        trust_report_free(&report);
    }
}

TEST(checks, "checks are counted by their result")
{
    struct trust_report report = {.began = true};

    CHECK_INT(trust_report_checks(&report, NULL), 0);
    take(&report, "@berth\tcheck\tdocker\t/d\ttrusted");
    take(&report, "@berth\tcheck\tcontainers\t/c\trefused");
    take(&report, "@berth\tfile\ttrusted\t/x");
    CHECK_INT(trust_report_checks(&report, NULL), 2);
    CHECK_INT(trust_report_checks(&report, "refused"), 1);
    trust_report_free(&report);
}

TEST(noise, "what login scripts and broken hosts say is ignored")
{
    static const char *const noise[] = {
        "",
        "Welcome",
        "@berth",
        "@berth\t",
        "@berth\tfile",
        "@berth\tfile\twritten",
        "@berth\tno",
        "@berth\tdonex\t1",
        " @berth\tdone\t0",
        "@berth done 0",
        "@Berth\tdone\t0",
        "@berth\tcheck\tdocker\tx",
    };
    struct trust_report report = {.began = true};

    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
        take(&report, noise[i]);
    CHECK_INT(report.n, 0);
    CHECK(!report.done);
    trust_report_free(&report);
}

TEST(bounded, "a host that never stops fills the report and no more, and our own error has room")
{
    struct trust_report report = {.began = true};

    for (int i = 0; i < TRUST_ENTRIES_MAX + 100; i++)
        take(&report, "@berth\tnote\tagain");
    CHECK_INT(report.n, TRUST_ENTRIES_MAX);
    trust_report_error(&report, "too much");
    CHECK_INT(report.n, TRUST_ENTRIES_MAX);
    CHECK_TEXT(trust_report_problem(&report), "too much");
    trust_report_free(&report);
}

TEST(daemon, "daemon.json arrives as od writes it, and a second reading replaces the first")
{
    struct trust_report report = {.began = true};

    take(&report, "@berth\tdaemon-file\tpresent\t/etc/docker/daemon.json");
    take(&report, "@berth\tdaemon\t 7b 0a");
    take(&report, "@berth\tdaemon\t 7d");
    CHECK(report.daemon_seen && report.daemon_there);
    CHECK_TEXT(sbuf_text(&report.daemon), "{\n}");
    take(&report, "@berth\tdaemon-file\tabsent\t/etc/docker/daemon.json");
    CHECK(!report.daemon_there);
    CHECK_INT(report.daemon.n, 0);
    for (int i = 0; i < TRUST_DAEMON_MAX; i++)
        take(&report, "@berth\tdaemon\t 7b 7b");
    CHECK_INT(report.daemon.n, TRUST_DAEMON_MAX + 1);
    trust_report_free(&report);
}

/* Right-to-left override; an isolate and a zero width space. Compilers warn of them in strings. */
static const char override[] = {'a', '\342', '\200', '\256', 'b', '\0'};
static const char isolate[] = {'\342', '\201', '\246', 'x', '\342', '\200', '\213', '\0'};

static const struct {
    const char *text, *clean;
} texts[] = {
    {"plain", "plain"},
    {"z\303\274rich \342\202\254 \360\237\220\213", "z\303\274rich \342\202\254 \360\237\220\213"},
    {"\033[2J\007\tx\r", "?[2J??x?"},
    {"\177", "?"},
    {"\302\233 31m", "?? 31m"}, /* CSI of C1 */
    {override, "a???b"},
    {isolate, "???x???"},
    {"\300\257", "??"},           /* overlong */
    {"\340\200\200", "???"},      /* overlong */
    {"\355\240\200", "???"},      /* surrogate */
    {"\364\220\200\200", "????"}, /* beyond Unicode */
    {"\303", "?"},                /* cut */
};

TEST(clean, "nothing that a terminal acts on gets through")
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sbuf out = {0};

        trust_clean(str_of(texts[i].text), 100, &out);
        CHECK_TEXT(sbuf_text(&out), texts[i].clean);
        sbuf_free(&out);
    }
}

TEST(cut, "a long text is cut between characters")
{
    struct sbuf out = {0};

    trust_clean(STR("abc\303\274def"), 4, &out);
    CHECK_TEXT(sbuf_text(&out), "abc…");
    out.n = 0;
    trust_clean(STR("abc\303\274"), 5, &out);
    CHECK_TEXT(sbuf_text(&out), "abc\303\274");
    sbuf_free(&out);
}

TEST(dates, "the date of a certificate is read as OpenSSL writes it")
{
    time_t at;

    CHECK(trust_date("Jan  1 00:00:00 1970 GMT", &at));
    CHECK_INT(at, 0);
    CHECK(trust_date("Nov 22 11:11:46 2027 GMT", &at));
    CHECK_INT(at, 1826881906);
    CHECK(!trust_date("", &at));
    CHECK(!trust_date("Nov 22 11:11:46 2027", &at));
    CHECK(!trust_date("Nov 22 11:11:46 2027 GMT x", &at));
}
