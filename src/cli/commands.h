/* The subcommands of `sotto`, one file each. argv[0] is the subcommand's name; what they return is the exit code. */
#ifndef SOTTO_CLI_COMMANDS_H
#define SOTTO_CLI_COMMANDS_H

enum {
    SO_EXIT_OK = 0,
    SO_EXIT_FAILED = 1,
    SO_EXIT_USAGE = 2,
};

int so_cli_serve(int argc, char **argv);
int so_cli_ca(int argc, char **argv);
int so_cli_link(int argc, char **argv);
int so_cli_page(int argc, char **argv);

#endif
