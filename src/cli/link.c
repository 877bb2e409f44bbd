#include "base/secret.h"
#include "cli/commands.h"
#include "net/url.h"
#include "trust/invite.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: sotto link URL\n\n"
    "Prints a fresh invitation link to the call page at URL (https://host[:port]). What follows\n"
    "the # is the secret of the call: it is made here, and no server ever sees it.\n";

int so_cli_link(int argc, char **argv)
{
    so_invite invite;
    char text[SO_LINK_TEXT_LEN + 1];
    so_url url;
    so_error err;
    so_status status;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return SO_EXIT_OK;
    }
    if (argc != 2) {
        (void)fprintf(stderr, "sotto link: give the address of the call page\n\n%s", help);
        return SO_EXIT_USAGE;
    }
    if (so_url_parse(&url, argv[1], &err) != SO_OK) {
        (void)fprintf(stderr, "sotto link: %s\n\n%s", err.text, help);
        return SO_EXIT_USAGE;
    }
    status = so_invite_make(&invite, &so_random_system);
    if (status == SO_OK)
        status = so_invite_text(&invite, text);
    if (status == SO_OK)
        (void)printf("%s/#%s\n", url.origin, text);
    else
        (void)fprintf(stderr, "sotto link: the system gives no random numbers; no link can be made\n");
    so_wipe(text, sizeof text);
    so_invite_wipe(&invite);
    return status == SO_OK ? SO_EXIT_OK : SO_EXIT_FAILED;
}
