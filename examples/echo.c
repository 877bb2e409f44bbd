/*
 * An end that joins a call and sends back what it hears.
 *
 *   cc echo.c $(pkg-config --cflags --libs libsotto) -o echo
 *   ./echo LINK [CA_FILE]
 *
 * LINK is an invitation: `sotto link https://call.example` prints one. CA_FILE is needed where the server's certificate
 * comes from an authority of one's own.
 */
#include <sotto/sotto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char report[SOTTO_REPORT_MAX];

static void on_state(void *user, sotto_call *call, sotto_call_state state, const char *reason)
{
    int *code = user;

    switch (state) {
    case SOTTO_CALL_CONNECTING:
        puts("checking");
        break;
    case SOTTO_CALL_WAITING:
        puts("waiting for the other end");
        /* Whoever was here and left has ended the call. */
        if (strcmp(reason, "peer-left") == 0)
            sotto_call_hang_up(call);
        break;
    case SOTTO_CALL_OPEN:
        puts("every check has held; what comes goes back");
        if (sotto_call_report(call, report, sizeof report) == SOTTO_OK)
            puts(report);
        *code = 0;
        break;
    case SOTTO_CALL_ENDED:
        printf("ended: %s\n", reason);
        break;
    case SOTTO_CALL_FAILED:
        printf("failed: %s\n", reason);
        *code = 1;
        break;
    }
    fflush(stdout);
}

static void on_frame(void *user, sotto_call *call, const sotto_frame *frame)
{
    (void)user;
    /* A frame that finds no path at this moment is lost, as on any network. */
    if (sotto_call_send(call, frame) == SOTTO_STATE)
        puts("the call is just ending");
}

int main(int argc, char **argv)
{
    int code = 1;
    sotto_call_options options = {
        .sends = true, .receives = true, .loopback = true, .user = &code, .on_state = on_state, .on_frame = on_frame};
    sotto_engine *engine;
    sotto_call *call;
    sotto_error error;

    if (argc < 2) {
        fprintf(stderr, "usage: %s LINK [CA_FILE]\n", argv[0]);
        return 2;
    }
    options.link = argv[1];
    if (sotto_engine_new(&engine, argc > 2 ? argv[2] : NULL, &error) != SOTTO_OK) {
        fprintf(stderr, "%s: %s\n", error.layer, error.text);
        return 1;
    }
    if (sotto_call_join(&call, engine, &options, &error) == SOTTO_OK) {
        memset(argv[1], 0, strlen(argv[1])); /* the link is a secret, and a process list shows it */
        sotto_engine_run(engine);
        sotto_call_free(call);
    } else {
        fprintf(stderr, "%s: %s\n", error.layer, error.text);
    }
    sotto_engine_free(engine);
    return code;
}
