/*
 * The script is one function: it puts the words together, looks at what is being completed, picks what may stand there
 * out of the program's words, and answers.
 *
 * bash splits the line at every character of COMP_WORDBREAKS, ":" and "=" among them, so that "registry:5000" is three
 * words, and readline replaces only the last of them. Pieces are put together before they are
 * looked at, and what readline leaves standing is taken off the answers.
 */
#include "registry/base/options_print.h"

#include <stdio.h>
#include <string.h>

/* The name of the shell's function: "_berth_user". */
static void put_function(const struct program_spec *program)
{
    putchar('_');
    for (const char *p = program->name; *p != '\0'; p++)
        putchar(*p == '-' ? '_' : *p);
}

/* Is `word` one of those that `text` is made of? Anything but capitals stands between them. */
static bool mentions(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = text; (p = strstr(p, word)) != NULL; p += n)
        if ((p == text || p[-1] < 'A' || p[-1] > 'Z') && (p[n] < 'A' || p[n] > 'Z'))
            return true;
    return false;
}

/* How the shell completes what stands for `name`: arguments for its compgen. False when it cannot. */
static bool put_action(const char *name)
{
    if (mentions(name, "FILE"))
        puts("action=(-f) ;;");
    else if (mentions(name, "DIR"))
        puts("action=(-d) ;;");
    else
        return false;
    return true;
}

/* The words of "this|that". */
static void put_choice(const char *value)
{
    fputs("action=(-W '", stdout);
    for (const char *p = value; *p != '\0'; p++)
        putchar(*p == '|' ? ' ' : *p);
    puts("') ;;");
}

static const char joining[] = "    local line=${COMP_LINE-} words=() piece current kept i\n"
                              "    local command='' option='' action=() front='' word reply\n"
                              "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
                              "        piece=${COMP_WORDS[i]}\n"
                              "        if [[ ${#words[@]} -gt 0 && $line == [![:blank:]]* ]]; then\n"
                              "            words[${#words[@]}-1]+=$piece\n"
                              "        else\n"
                              "            words+=(\"$piece\")\n"
                              "            line=${line#\"${line%%[![:blank:]]*}\"}\n"
                              "        fi\n"
                              "        line=${line#\"$piece\"}\n"
                              "    done\n"
                              "    current=${words[${#words[@]}-1]}\n"
                              "    kept=${current%\"$piece\"}\n"
                              "    [[ $piece != +([:=]) ]] || kept=$current\n";

/* Names of files come back as they are, and "filenames" has readline escape what needs it. */
static const char completing[] = "    COMPREPLY=()\n"
                                 "    [[ ${#action[@]} -gt 0 ]] || return 0\n"
                                 "    word=$current\n"
                                 "    if [[ $current == --*=* ]]; then\n"
                                 "        front=${current%%=*}=\n"
                                 "        word=${current#*=}\n"
                                 "    fi\n"
                                 "    if [[ ${action[0]} == -[fd] ]]; then\n"
                                 "        word=${word//\\\\/}\n"
                                 "        word=${word#[\\\"\\']}\n"
                                 "        compopt -o filenames 2>/dev/null\n"
                                 "    fi\n"
                                 "    while IFS= read -r reply; do\n"
                                 "        reply=$front$reply\n"
                                 "        COMPREPLY+=(\"${reply#\"$kept\"}\")\n"
                                 "    done < <(compgen \"${action[@]}\" -- \"$word\")\n"
                                 "    return 0\n";

/* Find the command, and the option whose value comes next. */
static void print_search(const struct program_spec *program)
{
    const char *between = "        ";

    fputs("    for ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
          "        word=${words[i]}\n"
          "        if [[ -n $option ]]; then\n"
          "            option=''\n"
          "            continue\n"
          "        fi\n"
          "        case $word in\n",
          stdout);
    for (size_t i = 0; i < program->option_count; i++) {
        if (program->options[i].value == NULL)
            continue;
        printf("%s--%s", between, program->options[i].name);
        between = " | ";
    }
    if (between[1] == '|')
        puts(") option=$word ;;");
    fputs("        -*) ;;\n"
          "        *) command=${command:-$word} ;;\n"
          "        esac\n"
          "    done\n"
          "    [[ $current != --*=* ]] || option=${current%%=*}\n",
          stdout);
}

static void print_values(const struct program_spec *program)
{
    puts("    if [[ -n $option ]]; then\n        case $option in");
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *option = &program->options[i];
        bool choice = option->value != NULL && strchr(option->value, '|') != NULL;

        if (option->value == NULL || (!choice && !mentions(option->value, "FILE") && !mentions(option->value, "DIR")))
            continue;
        printf("        --%s) ", option->name);
        if (!put_action(option->value))
            put_choice(option->value);
    }
    puts("        esac");
}

static void print_options(const struct program_spec *program)
{
    puts("    elif [[ $current == -* ]]; then\n        case $command in");
    for (size_t i = 0; i < program->command_count; i++) {
        printf("        %s) action=(-W '", program->commands[i].name);
        for (size_t k = 0; k < program->option_count; k++)
            if (command_takes(&program->commands[i], k))
                printf("--%s ", program->options[k].name);
        puts("--help') ;;");
    }
    fputs("        *) action=(-W '", stdout);
    for (size_t i = 0; i < program->option_count; i++)
        printf("--%s ", program->options[i].name);
    puts("--help --version') ;;\n        esac");
}

static void print_commands(const struct program_spec *program)
{
    fputs("    elif [[ -z $command ]]; then\n        action=(-W '", stdout);
    for (size_t i = 0; i < program->command_count; i++)
        printf("%s%s", i == 0 ? "" : " ", program->commands[i].name);
    puts("')\n    else\n        case $command in");
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command_spec *command = &program->commands[i];

        if (!mentions(command->arguments, "FILE") && !mentions(command->arguments, "DIR"))
            continue;
        printf("        %s) ", command->name);
        put_action(command->arguments);
    }
    puts("        esac\n    fi");
}

void options_print_completion(const struct program_spec *program)
{
    printf("# bash completion, made by \"%s --completion\" from the tables that it works by.\n", program->name);
    put_function(program);
    printf("()\n{\n%s", joining);
    print_search(program);
    print_values(program);
    print_options(program);
    print_commands(program);
    printf("%s}\ncomplete -F ", completing);
    put_function(program);
    printf(" %s\n", program->name);
}
