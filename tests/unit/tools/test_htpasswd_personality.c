#include "tools/user/htpasswd_personality.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/password.h"
#include "registry/base/file.h"
#include "tests/unit/test.h"

/* What it printed. */
static char out[4096], complaint[4096];
static char folder[400];

static void begin(void)
{
    snprintf(folder, sizeof(folder), "%s", test_dir());
    if (chdir(folder) != 0)
        test_fail(__FILE__, __LINE__, "chdir");
}

static void slurp(const char *name, char *to, size_t room)
{
    struct sbuf text = {0};

    if (file_read(name, room - 1, &text, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot read %s", name);
    memcpy(to, text.p, text.n);
    to[text.n] = '\0';
    sbuf_free(&text);
}

static void redirect(const char *name, int flags, int to)
{
    int fd = open(name, flags, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(99);
    close(fd);
}

/* Run it in a process without a terminal, with `in` (or nothing) on standard input. Returns its exit status. */
static int call(const char *in, const char *const *words)
{
    char copies[10][300];
    char *argv[11];
    int argc = 0, status;
    pid_t child;

    for (; words[argc] != NULL; argc++) {
        snprintf(copies[argc], sizeof(copies[argc]), "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    if (file_replace("in", in == NULL ? "" : in, in == NULL ? 0 : strlen(in), 0600, NULL) != 0)
        test_fail(__FILE__, __LINE__, "cannot write the input");
    fflush(stdout);
    child = fork();
    if (child == 0) {
        setsid();
        redirect("in", O_RDONLY, 0);
        redirect("out", O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect("complaint", O_WRONLY | O_CREAT | O_TRUNC, 2);
        status = htpasswd_main(argc, argv);
        fflush(stdout);
        _exit(status);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    slurp("out", out, sizeof(out));
    slurp("complaint", complaint, sizeof(complaint));
    return WEXITSTATUS(status);
}

#define CALL(in, ...) call(in, (const char *const[]){"htpasswd", __VA_ARGS__, NULL})

/* Does the printed or saved line `text` belong to this user and password? */
static bool is_entry(const char *text, const char *start, const char *password)
{
    bool right = false;
    struct str line = {text, str_find(str_of(text), '\n')};

    if (!str_starts(line, str_of(start)))
        return false;
    line = str_from(line, str_find(line, ':') + 1);
    return password_verify(line, str_of(password), &right, NULL) == 0 && right;
}

TEST(name, "it is called by the last part of the program's name")
{
    char plain[] = "htpasswd", path[] = "/usr/bin/htpasswd", other[] = "/htpasswd/berth-user";

    CHECK(htpasswd_is_called(1, (char *[]){plain, NULL}));
    CHECK(htpasswd_is_called(1, (char *[]){path, NULL}));
    CHECK(!htpasswd_is_called(1, (char *[]){other, NULL}));
    CHECK(!htpasswd_is_called(0, (char *[]){NULL}));
}

TEST(prints, "-n prints the entry and an empty line, with Apache's cost or the one given")
{
    begin();
    CHECK_INT(CALL(NULL, "-Bbn", "user", "password"), HTPASSWD_DONE);
    CHECK(is_entry(out, "user:$2y$05$", "password"));
    CHECK_TEXT(out + strlen(out) - 2, "\n\n");
    CHECK_TEXT(complaint, "");
    CHECK_INT(CALL(NULL, "-nb", "-C", "4", "user", "-x"), HTPASSWD_DONE);
    CHECK(is_entry(out, "user:$2y$04$", "-x"));
    CHECK_INT(CALL("piped\n", "-niBC4", "user"), HTPASSWD_DONE);
    CHECK(is_entry(out, "user:$2y$04$", "piped"));
}

TEST(edits, "a file is made, added to, updated, verified and deleted from, with Apache's words")
{
    static char content[4096];

    begin();
    CHECK_INT(CALL(NULL, "-C4", "-cbB", "f", "u", "one"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "Adding password for user u\n");
    CHECK_INT(CALL("two", "-C4", "-i", "f", "u"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "Updating password for user u\n");
    CHECK_INT(CALL(NULL, "-C4", "-b", "f", "v", "three"), HTPASSWD_DONE);
    slurp("f", content, sizeof(content));
    CHECK(is_entry(content, "u:$2y$04$", "two"));
    CHECK(is_entry(strchr(content, '\n') + 1, "v:$2y$04$", "three"));
    CHECK_INT(CALL(NULL, "-vb", "f", "v", "three"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "Password for user v correct.\n");
    CHECK_INT(CALL("four", "-vi", "f", "v"), HTPASSWD_MISMATCH);
    CHECK_TEXT(complaint, "password verification failed\n");
    CHECK_INT(CALL(NULL, "-vb", "f", "w", "x"), HTPASSWD_BAD_USER);
    CHECK_TEXT(complaint, "User w not found\n");
    CHECK_INT(CALL(NULL, "-D", "f", "u"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "Deleting password for user u\n");
    CHECK_INT(CALL(NULL, "-D", "f", "u"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "User u not found\n");
    slurp("f", content, sizeof(content));
    CHECK(is_entry(content, "v:", "three"));
    CHECK_INT(CALL(NULL, "-C4", "-cb", "f", "z", "five"), HTPASSWD_DONE);
    CHECK_TEXT(complaint, "Adding password for user z\n");
    slurp("f", content, sizeof(content));
    CHECK(is_entry(content, "z:", "five"));
    CHECK(strchr(content, '\n')[1] == '\0');
}

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
    const char *words[8];
    int status;
    const char *complaint; /* how it begins */
} wrong[] = {
    {{"-b", "none", "u", "p"}, HTPASSWD_FILE, "htpasswd: cannot modify file none; use '-c' to create it\n"},
    {{"-cb", "no/where", "u", "p"}, HTPASSWD_FILE, "htpasswd: cannot create file no/where: "},
    {{"f"}, HTPASSWD_USAGE, "usage: htpasswd "},
    {{"-Bbn", "u"}, HTPASSWD_USAGE, "usage: htpasswd "},
    {{"-Bbn", "u", "p", "-C", "6"}, HTPASSWD_USAGE, "usage: htpasswd "},
    {{"-bin", "u", "p"}, HTPASSWD_USAGE, "usage: htpasswd "},
    {{"-q"}, HTPASSWD_USAGE, "usage: htpasswd "},
    {{"-C", "x", "-Bbn", "u", "p"}, HTPASSWD_USAGE, "htpasswd: argument to -C must be a positive integer\n"},
    {{"-C", "18", "-Bbn", "u", "p"}, HTPASSWD_USAGE, "htpasswd: argument to -C must be within 4 to 17\n"},
    {{"-cn", "u"}, HTPASSWD_USAGE, "htpasswd: only one of -c -n -v -D may be specified\n"},
    {{"-mbn", "u", "p"},
     HTPASSWD_USAGE,
     "htpasswd: -m (MD5 (apr1)) is refused: a Berth server accepts no such entry; use -B (bcrypt)\n"},
    {{"-dbn", "u", "p"}, HTPASSWD_USAGE, "htpasswd: -d (DES crypt) is refused"},
    {{"-sbn", "u", "p"}, HTPASSWD_USAGE, "htpasswd: -s (SHA-1) is refused"},
    {{"-pbn", "u", "p"}, HTPASSWD_USAGE, "htpasswd: -p (plain text) is refused"},
    {{"-Bbn", "u", ""}, HTPASSWD_USAGE, "htpasswd: the password is empty\n"},
    {{"-Bn", "u"}, HTPASSWD_USAGE, "htpasswd: there is no terminal to ask on; use -i or -b\n"},
    {{"-Bbn", "u", SEVENTY "123"}, HTPASSWD_TOO_LONG, "htpasswd: password too long (> 72)"},
    {{"-Bbn", SEVENTY SEVENTY SEVENTY SEVENTY, "p"}, HTPASSWD_TOO_LONG, "htpasswd: username too long (> 255)\n"},
    {{"-Bbn", "a:b", "p"}, HTPASSWD_BAD_USER, "htpasswd: username contains illegal character ':'\n"},
    {{"-Bbn", "#a", "p"}, HTPASSWD_BAD_USER, "htpasswd: the user name starts with \"#\" or has a blank at an end\n"},
    {{"-b", "junk", "u", "p"},
     HTPASSWD_BAD_FILE,
     "htpasswd: The file junk does not appear to be a valid htpasswd file (line 2).\n"},
};

TEST(refuses, "what cannot be done is said, has Apache's exit status, and makes nothing")
{
    begin();
    CHECK_INT(file_replace("junk", "a:b\njunk\n", 9, 0600, NULL), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *words[10] = {"htpasswd"};

        memcpy(words + 1, wrong[i].words, sizeof(wrong[i].words));
        CHECK_INT(call(NULL, words), wrong[i].status);
        CHECK_TEXT(out, "");
        if (strncmp(complaint, wrong[i].complaint, strlen(wrong[i].complaint)) != 0)
            CHECK_TEXT(complaint, wrong[i].complaint);
    }
    CHECK(access("none", F_OK) != 0);
}

TEST(help, "help tells what differs from Apache's program")
{
    begin();
    CHECK_INT(CALL(NULL, "--help"), HTPASSWD_DONE);
    CHECK(strstr(out, "usage: htpasswd ") == out);
    CHECK(strstr(out, "\nThis is berth-user under another name. Entries are bcrypt with or without -B") != NULL);
}
