/* berth: the command line. Called as `registry` it takes distribution's, which is the same. */
#include <stdlib.h>

#include "registry/commands/program.h"
#include "registry/commands/spelling.h"

int main(int argc, char **argv)
{
    char **words = spell_out(&argc, argv);
    int status = program_run(berth_program(), argc, words);

    free(words);
    return status;
}
