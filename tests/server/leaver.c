/* A program that frees its call the moment every check has held: the other end hears a farewell. leaver LINK CA_FILE */
#include <sotto/sotto.h>

#include <stdio.h>

static void on_state(void *user, sotto_call *call, sotto_call_state state, const char *reason)
{
    (void)user;
    (void)reason;
    if (state != SOTTO_CALL_OPEN)
        return;
    puts("open");
    fflush(stdout);
    sotto_call_free(call); /* within a callback of this very call */
}

int main(int argc, char **argv)
{
    sotto_call_options options = {
        .link = argc > 1 ? argv[1] : "", .sends = true, .receives = true, .loopback = true, .on_state = on_state};
    sotto_engine *engine;
    sotto_call *call;

    if (argc != 3 || sotto_engine_new(&engine, argv[2], NULL) != SOTTO_OK ||
        sotto_call_join(&call, engine, &options, NULL) != SOTTO_OK)
        return 1;
    sotto_engine_run(engine);
    sotto_engine_free(engine);
    return 0;
}
