#include "tools/user/htpasswd_personality.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* tools */
#include "registry/base/secret.h"
#include "tools/user/userfile.h"

/* auth */
#include "auth/htpasswd.h"
#include "auth/password.h"

/* As in Apache's program, whose entries are made to be checked at every request. */
enum { COST_DEFAULT = 5, COST_MIN = 4, COST_MAX = 17 };

struct task {
    int mode; /* 'c', 'n', 'D', 'v', or 0: add or update */
    bool batch, piped;
    unsigned cost;
    const char *path; /* NULL with -n */
    struct str user;
    const char *password; /* of -b */
};

static const char usage_text[] =
    "usage: htpasswd [-Bci] [-C COST] FILE USER\n"
    "       htpasswd -b [-Bc] [-C COST] FILE USER PASSWORD\n"
    "       htpasswd -n [-Bi] [-C COST] USER\n"
    "       htpasswd -nb [-B] [-C COST] USER PASSWORD\n"
    "       htpasswd -D FILE USER\n"
    "       htpasswd -v [-bi] FILE USER [PASSWORD]\n"
    "  -B  bcrypt\n"
    "  -C  its cost, 4 to 17, default 5\n"
    "  -c  make the file; one that is there loses its users\n"
    "  -n  print the entry, touch no file\n"
    "  -b  the password stands on the command line, where others on this machine can see it\n"
    "  -i  the password comes from standard input\n"
    "  -D  remove the user\n"
    "  -v  is this the user's password?\n";

static const char help_text[] =
    "\n"
    "This is berth-user under another name. Entries are bcrypt with or without -B: a registry accepts nothing that "
    "-m,\n"
    "-d, -s, -p, -2 or -5 make, so these are refused.\n"
    "\n"
    "exit status: 0 done, 1 file cannot be read or written, 2 wrong usage, 3 wrong password, 4 interrupted,\n"
    "5 name or password too long, 6 bad or unknown user, 7 not a user file\n";

static const struct {
    char option;
    const char *makes;
} refused[] = {
    {'m', "MD5 (apr1)"},    {'d', "DES crypt"},     {'s', "SHA-1"},        {'p', "plain text"},
    {'2', "SHA-256 crypt"}, {'5', "SHA-512 crypt"}, {'r', "SHA-2 rounds"},
};

static int usage(void)
{
    fputs(usage_text, stderr);
    return HTPASSWD_USAGE;
}

static int complain(int status, const char *text)
{
    fprintf(stderr, "htpasswd: %s\n", text);
    return status;
}

static int refuse_scheme(int option)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].option == option) {
            fprintf(stderr, "htpasswd: -%c (%s) is refused: a Berth server accepts no such entry; use -B (bcrypt)\n",
                    option, refused[i].makes);
            return HTPASSWD_USAGE;
        }
    }
    return usage();
}

static int take_cost(struct task *task, const char *text)
{
    uint64_t cost;

    if (!str_to_u64(str_of(text), &cost) || cost == 0)
        return complain(HTPASSWD_USAGE, "argument to -C must be a positive integer");
    if (cost < COST_MIN || cost > COST_MAX)
        return complain(HTPASSWD_USAGE, "argument to -C must be within 4 to 17");
    task->cost = (unsigned)cost;
    return HTPASSWD_DONE;
}

static int take_option(struct task *task, int option)
{
    switch (option) {
    case 'B':
        return HTPASSWD_DONE;
    case 'C':
        return take_cost(task, optarg);
    case 'b':
        task->batch = true;
        return HTPASSWD_DONE;
    case 'i':
        task->piped = true;
        return HTPASSWD_DONE;
    case 'c':
    case 'n':
    case 'D':
    case 'v':
        if (task->mode != 0 && task->mode != option)
            return complain(HTPASSWD_USAGE, "only one of -c -n -v -D may be specified");
        task->mode = option;
        return HTPASSWD_DONE;
    default:
        return refuse_scheme(option);
    }
}

/* Options come first, as in Apache's: a password may begin with a dash. */
static int parse(struct task *task, int argc, char **argv)
{
    int option, wanted;

    optind = 0; /* glibc: start over */
    opterr = 0;
    while ((option = getopt(argc, argv, "+cnmspdBbDi25C:r:v")) != -1) {
        int status = take_option(task, option);

        if (status != HTPASSWD_DONE)
            return status;
    }
    wanted = (task->mode == 'n' ? 1 : 2) + (task->batch ? 1 : 0);
    if (argc - optind != wanted || (task->batch && task->piped))
        return usage();
    if (task->mode != 'n')
        task->path = argv[optind++];
    task->user = str_of(argv[optind++]);
    if (task->batch)
        task->password = argv[optind];
    return HTPASSWD_DONE;
}

static int check_user(const struct task *task)
{
    struct err e;

    if (task->user.n > HTPASSWD_NAME_MAX) {
        fprintf(stderr, "htpasswd: username too long (> %d)\n", HTPASSWD_NAME_MAX);
        return HTPASSWD_TOO_LONG;
    }
    if (str_find(task->user, ':') != task->user.n)
        return complain(HTPASSWD_BAD_USER, "username contains illegal character ':'");
    if (task->mode == 'D' || task->mode == 'v' || htpasswd_check_name(task->user, &e) == 0)
        return HTPASSWD_DONE;
    return complain(HTPASSWD_BAD_USER, e.text);
}

static int from_batch(const struct task *task, char out[SECRET_ROOM], size_t *n, struct err *e)
{
    *n = strlen(task->password);
    if (*n == 0)
        return err_set(e, ERR_INVALID, "the password is empty");
    if (*n >= SECRET_ROOM)
        return err_set(e, ERR_TOO_LARGE, "password too long (> %d)", SECRET_ROOM - 1);
    memcpy(out, task->password, *n + 1);
    return 0;
}

/* The status that goes with an error of secret.h. */
static int password_status(enum err_code code)
{
    switch (code) {
    case ERR_TOO_LARGE:
        return HTPASSWD_TOO_LONG;
    case ERR_DENIED: /* the two that were typed differ */
        return HTPASSWD_MISMATCH;
    case ERR_IO: /* the question was interrupted, by a signal that is ignored elsewhere, or the terminal went away */
        return HTPASSWD_INTERRUPTED;
    default:
        return HTPASSWD_USAGE;
    }
}

static int get_password(const struct task *task, char out[SECRET_ROOM], size_t *n)
{
    struct err e;
    int rc;

    if (task->batch)
        rc = from_batch(task, out, n, &e);
    else if (task->piped)
        rc = secret_read(STDIN_FILENO, "password", out, n, &e);
    else
        rc = secret_ask("password", task->user.p, task->mode != 'v', out, n, &e);
    if (rc == 0)
        return HTPASSWD_DONE;
    return complain(password_status(e.code),
                    e.code == ERR_UNSUPPORTED ? "there is no terminal to ask on; use -i or -b" : e.text);
}

static int make_hash(const struct task *task, char hash[PASSWORD_HASH_MAX])
{
    char password[SECRET_ROOM];
    size_t n = 0;
    struct err e;
    int status = get_password(task, password, &n);

    if (status != HTPASSWD_DONE)
        return status;
    if (n > PASSWORD_BCRYPT_MAX)
        status = complain(HTPASSWD_TOO_LONG, "password too long (> 72): bcrypt does not look further");
    else if (password_hash(PASSWORD_BCRYPT, task->cost, (struct str){password, n}, hash, &e) != 0)
        status = complain(HTPASSWD_USAGE, e.text);
    explicit_bzero(password, sizeof(password));
    return status;
}

/* Open the file for what is to be done. NULL with `status` set and the reason told. */
static struct userfile *open_file(const struct task *task, int *status)
{
    static const char *const failures[] = {"cannot create file", "cannot modify file"};
    enum userfile_access access = task->mode == 'c'   ? USERFILE_CREATE
                                  : task->mode == 'v' ? USERFILE_READ
                                                      : USERFILE_EDIT;
    struct err e;
    struct userfile *file = userfile_open(task->path, access, &e);

    *status = HTPASSWD_FILE;
    if (file == NULL && e.code == ERR_NOT_FOUND && access != USERFILE_CREATE)
        fprintf(stderr, "htpasswd: cannot modify file %s; use '-c' to create it\n", task->path);
    else if (file == NULL)
        fprintf(stderr, "htpasswd: %s %s: %s\n", failures[task->mode != 'c'], task->path, e.text);
    if (file == NULL || task->mode == 'c' || userfile_stray_line(file) == 0)
        return file;
    fprintf(stderr, "htpasswd: The file %s does not appear to be a valid htpasswd file (line %u).\n", task->path,
            userfile_stray_line(file));
    *status = HTPASSWD_BAD_FILE;
    userfile_close(&file);
    return NULL;
}

static int save_file(struct userfile *file)
{
    struct err e;

    return userfile_save(file, &e) == 0 ? HTPASSWD_DONE : complain(HTPASSWD_FILE, e.text);
}

static int run_print(const struct task *task)
{
    char hash[PASSWORD_HASH_MAX];
    int status = make_hash(task, hash);

    if (status != HTPASSWD_DONE)
        return status;
    printf("%s:%s\n\n", task->user.p, hash);
    return fflush(stdout) == 0 ? HTPASSWD_DONE : complain(HTPASSWD_FILE, "cannot write the output");
}

/* The file is looked at before the password is asked for, and opened again to be changed: typing holds no lock. */
static int run_set(const struct task *task)
{
    char hash[PASSWORD_HASH_MAX];
    struct str old;
    struct err e;
    int status;
    struct userfile *file = open_file(task, &status);

    if (file == NULL)
        return status;
    userfile_close(&file);
    status = make_hash(task, hash);
    if (status != HTPASSWD_DONE || (file = open_file(task, &status)) == NULL)
        return status;
    if (task->mode == 'c')
        userfile_clear(file);
    fprintf(stderr, "%s password for user %s\n", userfile_hash(file, task->user, &old) ? "Updating" : "Adding",
            task->user.p);
    status = userfile_set(file, task->user, str_of(hash), &e) == 0 ? save_file(file)
                                                                   : complain(HTPASSWD_BAD_USER, e.text);
    userfile_close(&file);
    return status;
}

static int run_delete(const struct task *task)
{
    int status;
    struct userfile *file = open_file(task, &status);

    if (file == NULL)
        return status;
    if (userfile_remove(file, task->user, NULL) == 0) {
        fprintf(stderr, "Deleting password for user %s\n", task->user.p);
        status = save_file(file);
    } else {
        fprintf(stderr, "User %s not found\n", task->user.p);
        status = HTPASSWD_DONE;
    }
    userfile_close(&file);
    return status;
}

static int compare(const struct task *task, struct str hash)
{
    char password[SECRET_ROOM];
    size_t n = 0;
    bool right = false;
    struct err e;
    int status = get_password(task, password, &n);

    if (status != HTPASSWD_DONE)
        return status;
    if (password_verify(hash, (struct str){password, n}, &right, &e) != 0)
        status = complain(HTPASSWD_MISMATCH, e.text);
    else if (!right)
        status = HTPASSWD_MISMATCH;
    explicit_bzero(password, sizeof(password));
    if (right)
        fprintf(stderr, "Password for user %s correct.\n", task->user.p);
    else if (status == HTPASSWD_MISMATCH)
        fputs("password verification failed\n", stderr);
    return status;
}

static int run_verify(const struct task *task)
{
    int status;
    struct str hash;
    struct userfile *file = open_file(task, &status);

    if (file == NULL)
        return status;
    if (userfile_hash(file, task->user, &hash)) {
        status = compare(task, hash);
    } else {
        fprintf(stderr, "User %s not found\n", task->user.p);
        status = HTPASSWD_BAD_USER;
    }
    userfile_close(&file);
    return status;
}

static void end_interrupted(int signal)
{
    (void)signal;
    _exit(HTPASSWD_INTERRUPTED);
}

bool htpasswd_is_called(int argc, char *const *argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

    return argc > 0 && strcmp(slash == NULL ? argv[0] : slash + 1, "htpasswd") == 0;
}

int htpasswd_main(int argc, char **argv)
{
    struct task task = {.cost = COST_DEFAULT};
    int status;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("%s%s", usage_text, help_text);
        return fflush(stdout) == 0 ? HTPASSWD_DONE : HTPASSWD_FILE;
    }
    status = parse(&task, argc, argv);
    if (status == HTPASSWD_DONE)
        status = check_user(&task);
    if (status != HTPASSWD_DONE)
        return status;
    if (signal(SIGINT, end_interrupted) == SIG_IGN)
        signal(SIGINT, SIG_IGN);
    switch (task.mode) {
    case 'n':
        return run_print(&task);
    case 'D':
        return run_delete(&task);
    case 'v':
        return run_verify(&task);
    default:
        return run_set(&task);
    }
}
