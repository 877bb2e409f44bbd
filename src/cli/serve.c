#include "server/serve.h"
#include "cli/commands.h"

#include <stdio.h>
#include <unistd.h>

int so_cli_serve(int argc, char **argv)
{
    so_options options;
    so_options_ask ask;
    so_error err;
    int code = SO_EXIT_USAGE;

    if (so_options_read(&options, argc, argv, environ, &ask, &err) != SO_OK) {
        (void)fprintf(stderr, "sotto serve: %s\n", err.text);
    } else if (ask == SO_ASK_HELP) {
        so_options_help(stdout);
        code = SO_EXIT_OK;
    } else if (ask == SO_ASK_VERSION) {
        (void)printf("sotto %s\n", SOTTO_VERSION);
        code = SO_EXIT_OK;
    } else {
        code = so_serve(&options, &err);
        if (code != 0)
            (void)fprintf(stderr, "sotto serve: %s\n", err.text);
        if (code != 0 && err.status == SO_BAD_INPUT)
            code = SO_EXIT_USAGE;
    }
    so_options_free(&options);
    return code;
}
