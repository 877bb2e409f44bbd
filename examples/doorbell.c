/* A device that rings one person: it has a key of its own, sends a line, and talks to nobody but the one whose key it
 * was given. doorbell LINK IDENTITY_FILE EXPECTED_KEY [CA_FILE] */
#include <sotto/sotto.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char identity[SOTTO_IDENTITY_MAX];

static void on_state(void *user, sotto_call *call, sotto_call_state state, const char *reason)
{
    (void)user;
    (void)call;
    if (state == SOTTO_CALL_OPEN)
        puts("The expected one is there.");
    else if (state == SOTTO_CALL_ENDED || state == SOTTO_CALL_FAILED)
        printf("Over: %s\n", reason);
    fflush(stdout);
}

static void on_person(void *user, sotto_call *call, const sotto_person *person)
{
    (void)user;
    (void)call;
    if (person->settled && !person->expected)
        printf("Somebody else: %s\n", person->key[0] == '\0' ? "no key was shown" : person->key);
    fflush(stdout);
}

static void on_data(void *user, sotto_call *call, const sotto_data *data)
{
    static const char line[] = "Somebody is at the door.";

    (void)user;
    if (data->kind == SOTTO_DATA_READY && sotto_call_send_message(call, 1, true, line, strlen(line)) != SOTTO_OK)
        fputs("The line was not sent.\n", stderr);
    if (data->kind == SOTTO_DATA_MESSAGE && data->channel == 1 && data->text)
        printf("Answer: %.*s\n", (int)data->len, (const char *)data->bytes);
    fflush(stdout);
}

/* The key of this device: made at the first start. */
static bool read_identity(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t len = file == NULL ? 0 : fread(identity, 1, sizeof identity - 1, file);
    bool ok;

    if (file != NULL)
        fclose(file);
    identity[len] = '\0';
    if (len > 0)
        return true;
    (void)umask(077); /* it is a secret */
    if (sotto_identity_make(identity, sizeof identity, NULL) != SOTTO_OK || (file = fopen(path, "wx")) == NULL)
        return false;
    ok = fputs(identity, file) >= 0;
    return fclose(file) == 0 && ok;
}

int main(int argc, char **argv)
{
    sotto_call_options options = {.loopback = true, .on_state = on_state, .on_person = on_person, .on_data = on_data};
    char key[SOTTO_KEY_LEN + 1];
    sotto_engine *engine;
    sotto_call *call;
    sotto_error error;

    if (argc < 4 || !read_identity(argv[2]) || sotto_identity_key(key, identity, &error) != SOTTO_OK) {
        fputs("usage: doorbell LINK IDENTITY_FILE EXPECTED_KEY [CA_FILE]\n", stderr);
        return 2;
    }
    printf("My key: %s\n", key);
    fflush(stdout);
    options.link = argv[1];
    options.identity = identity;
    options.expect_key = argv[3];
    if (sotto_engine_new(&engine, argc > 4 ? argv[4] : NULL, &error) != SOTTO_OK) {
        fprintf(stderr, "%s: %s\n", error.layer, error.text);
        return 1;
    }
    if (sotto_call_join(&call, engine, &options, &error) != SOTTO_OK) {
        fprintf(stderr, "%s: %s\n", error.layer, error.text);
        sotto_engine_free(engine);
        return 1;
    }
    sotto_engine_run(engine);
    sotto_call_free(call);
    sotto_engine_free(engine);
    return 0;
}
