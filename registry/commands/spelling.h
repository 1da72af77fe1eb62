/* Command lines as distribution and its container images spell them, in our words. */
#ifndef BERTH_COMMANDS_SPELLING_H
#define BERTH_COMMANDS_SPELLING_H

/*
 * What is turned into what:
 *   FILE.yml (or .yaml) as the first word   serve FILE.yml
 *   help                                    --help
 *   -v, when the program is `registry`      --version
 *   garbage-collect … -d -m -q (or -dmq)    garbage-collect … --dry-run --delete-untagged --quiet
 * Returns the command line, ended by NULL, to be freed when the program ends; its words are borrowed. *argc follows.
 */
char **spell_out(int *argc, char **argv);

#endif
