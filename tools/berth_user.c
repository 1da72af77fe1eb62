/*
 * berth-user: who may log in. Edits the user file that the server reads; the server notices by itself.
 *
 * Called by the name htpasswd it is htpasswd_personality.h.
 */

/* tools */
#include "tools/user/htpasswd_personality.h"
#include "tools/user/user_command.h"

static const struct option_spec options[] = {
    [USER_FILE] = {"file", "FILE", "the user file; default: $BERTH_HTPASSWD, else /etc/berth/htpasswd", false},
    [USER_PASSWORD_STDIN] = {"password-stdin", NULL, "read the password from standard input", false},
    [USER_GENERATE] = {"generate", NULL, "make up a password and print it, this once", false},
    [USER_ALGORITHM] = {"algorithm", "bcrypt|argon2id", "default: what suits the file, see below", false},
    [USER_COST] = {"cost", "N", "bcrypt: 2^N rounds, 4 to 20 (default 10); argon2id: passes, 1 to 100 (default 2)",
                   false},
    [USER_MEMORY] = {"memory", "MIB", "argon2id: memory, 1 to 1024 (default 19)", false},
    [USER_PARALLELISM] = {"parallelism", "N", "argon2id: lanes, 1 to 64 (default 1)", false},
    [USER_UPDATE] = {"update", NULL, "set users anew that are there already, instead of refusing the list", false},
    [USER_JSON] = {"json", NULL, "print JSON", false},
};

#define TAKES(option) (UINT64_C(1) << (option))

enum {
    HASHING = TAKES(USER_FILE) | TAKES(USER_ALGORITHM) | TAKES(USER_COST) | TAKES(USER_MEMORY) |
              TAKES(USER_PARALLELISM) | TAKES(USER_JSON),
    SETTING = HASHING | TAKES(USER_PASSWORD_STDIN) | TAKES(USER_GENERATE),
};

static const uint64_t exclusive[] = {TAKES(USER_PASSWORD_STDIN) | TAKES(USER_GENERATE)};

static const struct command_spec commands[] = {
    {"add", "USER", 1, 1, SETTING, "make a user; makes the file, too, if need be", user_add},
    {"passwd", "USER", 1, 1, SETTING, "change a user's password", user_passwd},
    {"del", "USER…", 1, ARGUMENTS_ANY, TAKES(USER_FILE) | TAKES(USER_JSON), "remove users; all or none", user_del},
    {"rename", "OLD NEW", 2, 2, TAKES(USER_FILE) | TAKES(USER_JSON),
     "call a user by another name, with the same password", user_rename},
    {"import", "[FILE]", 0, 1, HASHING | TAKES(USER_UPDATE),
     "make the users of a list, or of standard input; all or none", user_import},
    {"list", "", 0, 0, TAKES(USER_FILE) | TAKES(USER_JSON), "print the names, one a line", user_list},
    {"verify", "USER", 1, 1, TAKES(USER_FILE) | TAKES(USER_PASSWORD_STDIN) | TAKES(USER_JSON),
     "is this the user's password?", user_verify},
};

static const struct program_example examples[] = {
    {"a user with a password typed twice, in the file of the system's server", "berth-user add alice"},
    {"a machine's user, with a password that is printed once", "berth-user add ci --file users --generate"},
    {"a password from another program", "pass show registry | berth-user passwd alice --password-stdin"},
    {"a whole team; names without a password get one, printed as CSV", "berth-user import team.csv > passwords.csv"},
    {"whom a server would refuse, and why", "berth-user list --json | jq '.[] | select(.accepted | not)'"},
    {"a file that registry:2 or Apache is to read, too", "berth-user add alice --file users --algorithm bcrypt"},
};

static const char notes[] =
    "Passwords are asked for on the terminal unless an option says otherwise. A running server uses the changed file\n"
    "within seconds.\n"
    "\n"
    "In a file that is new, or whose entries are all argon2id, new entries are argon2id: it is the stronger one, and\n"
    "it takes passwords of up to 1024 bytes. As soon as one entry is bcrypt, or anything else, new entries are\n"
    "bcrypt, which registry:2 and Apache can read: somebody else probably reads the file, and entries that cost the\n"
    "same to check do not tell by the time it takes who is there. bcrypt takes passwords of up to 72 bytes.\n"
    "\n"
    "A list for import has a user on each line, and may begin with the line \"user,password\":\n"
    "  alice                     a password is made up and printed as \"alice,PASSWORD\"\n"
    "  bob,secret                CSV; \"quote\" what has commas, quotes or blanks at its ends\n"
    "  carol:$2y$10$…            a line of another user file\n"
    "  # a comment\n"
    "\n"
    "As \"htpasswd\" (ln -s berth-user htpasswd) it takes the options of Apache's program of that name.\n"
    "\n"
    "exit status: 0 done, 1 refused or wrong password, 2 wrong usage, 3 no such user or file, 4 saved, but not in\n"
    "force, because a server would refuse the file\n";

static const struct program_item environment[] = {
    {"BERTH_HTPASSWD", "the user file, when --file does not name one"},
};

static const struct program_item files[] = {
    {"/etc/berth/htpasswd", "the user file, when nothing else names one"},
    {"FILE.lock", "held locked while FILE is edited, and stays; for all who may write FILE"},
};

int main(int argc, char **argv)
{
    static const struct program_spec program = {
        .name = "berth-user",
        .summary = "who may log in",
        .examples = examples,
        .example_count = sizeof(examples) / sizeof(examples[0]),
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .exclusive = exclusive,
        .exclusive_count = sizeof(exclusive) / sizeof(exclusive[0]),
        .notes = notes,
        .description =
            "Edits the user file that a Berth server reads: lines of NAME:HASH, as in Apache's htpasswd files. The\n"
            "file is replaced whole under a lock, and keeps its mode, its owner, its comments and its order.",
        .environment = environment,
        .environment_count = sizeof(environment) / sizeof(environment[0]),
        .files = files,
        .file_count = sizeof(files) / sizeof(files[0]),
        .see_also = "berth(1), berth-ca(1), htpasswd(1)",
    };

    return htpasswd_is_called(argc, argv) ? htpasswd_main(argc, argv) : program_run(&program, argc, argv);
}
