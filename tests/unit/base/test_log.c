#include "registry/base/log.h"

#include <jansson.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/base/file.h"
#include "tests/unit/test.h"

/* ---- stderr into a file ---- */

static int kept_stderr = -1;
static FILE *caught;

static void catch_stderr(void)
{
    caught = tmpfile();
    if (caught == NULL || (kept_stderr = dup(STDERR_FILENO)) < 0 || dup2(fileno(caught), STDERR_FILENO) < 0)
        abort();
}

/* What was written since, without the time stamps; the caller frees it. */
static char *release_stderr(void)
{
    struct sbuf text = {0};
    char buf[4096];
    size_t got;

    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(caught);
    while ((got = fread(buf, 1, sizeof(buf), caught)) > 0)
        sbuf_put(&text, buf, got);
    fclose(caught);
    sbuf_text(&text);
    return text.p;
}

static void check_line(const char *line, const char *pattern)
{
    regex_t compiled;
    int rc;

    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    rc = regexec(&compiled, line, 0, NULL, 0);
    regfree(&compiled);
    if (rc != 0)
        test_fail(__FILE__, __LINE__, "%s does not match %s", line, pattern);
}

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z"

TEST(text_line, "a text line has time, level, message and fields, quoted where they must be")
{
    const struct log_field constant[] = {{"service", STR("berth")}, {"site", STR("a b")}};
    const struct log_field own[] = {{"name", STR("a=b")}, {"empty", STR("")}, {"plain", STR("library/app")}};
    char *line;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, constant, 2);
    catch_stderr();
    log_fields(LOG_LEVEL_WARN, own, 3, "%d \"quotes\"", 2);
    line = release_stderr();
    check_line(line, "^time=" TIME " level=warn msg=\"2 \\\\\"quotes\\\\\"\" name=\"a=b\" empty=\"\" plain=library/app "
                     "service=berth site=\"a b\"\n$");
    free(line);
}

TEST(json_line, "a JSON line is one JSON object, whatever is in it")
{
    const struct log_field constant[] = {{"service", STR("be\"rth")}};
    const struct log_field own[] = {{"user", STR("a\nb\xff")}};
    json_t *parsed;
    char *line;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON, constant, 1);
    catch_stderr();
    log_fields(LOG_LEVEL_ERROR, own, 1, "line\nfeed");
    line = release_stderr();
    CHECK_INT(strcspn(line, "\n"), strlen(line) - 1);
    check_line(line, "^\\{\"time\":\"" TIME "\",\"level\":\"error\",");
    parsed = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    CHECK(parsed != NULL);
    CHECK_TEXT(json_string_value(json_object_get(parsed, "msg")), "line\nfeed");
    CHECK_TEXT(json_string_value(json_object_get(parsed, "user")), "a\nb\xef\xbf\xbd");
    CHECK_TEXT(json_string_value(json_object_get(parsed, "service")), "be\"rth");
    json_decref(parsed);
    free(line);
}

TEST(one_line, "no message or field can forge a second line")
{
    const struct log_field own[] = {{"path", STR("x\ntime=0 level=error msg=\"forged\"")}};
    char *line;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, NULL, 0);
    catch_stderr();
    log_fields(LOG_LEVEL_INFO, own, 1, "a\r\nb");
    line = release_stderr();
    CHECK_INT(strcspn(line, "\n"), strlen(line) - 1);
    CHECK(strstr(line, "msg=\"a\\u000d\\u000ab\" path=\"x\\u000atime=0") != NULL);
    free(line);
}

TEST(levels, "what is below the level is not written")
{
    char *lines;

    log_init(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, 0);
    catch_stderr();
    log_debug("no");
    log_info("no");
    log_fields(LOG_LEVEL_INFO, NULL, 0, "no");
    log_warn("yes");
    log_error("yes");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("yes");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("no");
    lines = release_stderr();
    CHECK(strstr(lines, "no") == NULL);
    check_line(lines, "^[^\n]*level=warn msg=\"yes\"\n[^\n]*level=error msg=\"yes\"\n[^\n]*level=debug msg=\"yes\"\n$");
    CHECK(log_enabled(LOG_LEVEL_ERROR));
    CHECK(!log_enabled(LOG_LEVEL_WARN));
    free(lines);
}

TEST(again, "setting up again forgets the constant fields before")
{
    const struct log_field constant[] = {{"old", STR("x")}};
    char *line;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, constant, 1);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, NULL, 0);
    catch_stderr();
    log_info("x");
    line = release_stderr();
    CHECK(strstr(line, "old") == NULL);
    free(line);
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_info("thread %s line %d", (const char *)argument, i);
    return NULL;
}

TEST(whole_lines, "lines of many threads do not mix")
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    size_t count = 0;
    char *lines;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, NULL, 0);
    catch_stderr();
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, write_lines, names[i]) != 0)
            abort();
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    lines = release_stderr();
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; count++)
        check_line(line, "^time=" TIME " level=info msg=\"thread [abcd] line [0-9]+\"$");
    CHECK_INT(count, THREADS * LINES);
    free(lines);
}

TEST(quiet, "a thread that is told to be quiet logs errors only, until it is told otherwise")
{
    char *text;

    catch_stderr();
    log_init(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, NULL, 0);
    log_quiet(true);
    log_warn("unheard");
    CHECK(!log_enabled(LOG_LEVEL_WARN) && log_enabled(LOG_LEVEL_ERROR));
    log_error("heard");
    log_quiet(false);
    log_info("heard again");
    text = release_stderr();
    CHECK(strstr(text, "unheard") == NULL);
    CHECK(strstr(text, "msg=\"heard\"") != NULL && strstr(text, "msg=\"heard again\"") != NULL);
    free(text);
}

static void take_line(void *context, enum log_level level, const char *message)
{
    struct sbuf *taken = context;

    sbuf_printf(taken, "%d %s\n", (int)level, message);
}

TEST(divert, "lines go to who asked for them, as bare messages, and to stderr again after")
{
    struct sbuf taken = {0};
    char *text;

    log_init(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, NULL, 0);
    catch_stderr();
    log_divert(take_line, &taken);
    log_warn("one %d", 1);
    log_info("not wanted");
    log_error("two");
    log_divert(NULL, NULL);
    log_warn("three");
    text = release_stderr();
    CHECK_TEXT(sbuf_text(&taken), "1 one 1\n0 two\n");
    CHECK(strstr(text, "three") != NULL && strstr(text, "one") == NULL);
    free(text);
    sbuf_free(&taken);
}
