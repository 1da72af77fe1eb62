/* berth: the command line. Called as `registry` it takes distribution's, which is the same. */
#include "registry/commands/program.h"
#include "registry/commands/spelling.h"

int main(int argc, char **argv)
{
    argv = spell_out(&argc, argv);
    return program_run(berth_program(), argc, argv);
}
