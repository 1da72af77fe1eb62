/* berth: the command line. Called as `registry` it takes distribution's, which is the same. */
#include "registry/commands.h"
#include "registry/program.h"

int main(int argc, char **argv)
{
    argv = gc_spell_out(&argc, argv);
    return program_run(berth_program(), argc, argv);
}
