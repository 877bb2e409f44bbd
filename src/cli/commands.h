/* The subcommands of `sotto`, one file each. argv[0] is the subcommand's name; what they return is the exit code. */
#ifndef SOTTO_CLI_COMMANDS_H
#define SOTTO_CLI_COMMANDS_H

enum {
    SO_EXIT_OK = 0,
    SO_EXIT_FAILED = 1,
    SO_EXIT_USAGE = 2,
    /* `sotto call` alone, and 3 to 5 `sotto rehearse` too; man/sotto-call.1 and docs say the same. */
    SO_EXIT_UNREACHABLE = 3, /* the server cannot be reached */
    SO_EXIT_CERTIFICATE = 4, /* its certificate was refused */
    SO_EXIT_ROOM = 5,        /* it refused the seat, or the rehearsal */
    SO_EXIT_NOBODY = 6,      /* nobody came, or who came went before every door held */
    SO_EXIT_SEAL = 7,        /* the seal was broken */
    SO_EXIT_FINGERPRINT = 8, /* the other end's certificate is not the promised one */
    SO_EXIT_MEDIA = 9,       /* no path, or no keys */
    SO_EXIT_PEER = 10,       /* a check at the other end failed */
    SO_EXIT_PERSON = 11,     /* not who was expected, or people compared and it was not the same */
    SO_EXIT_POLICY = 12,     /* a policy is not met */
};

int so_cli_call(int argc, char **argv);
int so_cli_serve(int argc, char **argv);
int so_cli_ca(int argc, char **argv);
int so_cli_doctor(int argc, char **argv);
int so_cli_identity(int argc, char **argv);
int so_cli_link(int argc, char **argv);
int so_cli_page(int argc, char **argv);
int so_cli_peers(int argc, char **argv);
int so_cli_policy(int argc, char **argv);
int so_cli_bench(int argc, char **argv);
int so_cli_report(int argc, char **argv);
int so_cli_rehearse(int argc, char **argv);

#endif
