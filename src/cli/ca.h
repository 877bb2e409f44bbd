/* `sotto ca`: this host's own certificate authority. */
#ifndef SOTTO_CLI_CA_H
#define SOTTO_CLI_CA_H

/* argv[0] is "ca". 0: done; 1: it failed, and standard error says why; 2: the command line is wrong. */
int so_cli_ca(int argc, char **argv);

#endif
