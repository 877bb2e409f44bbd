/* cli/keyring: the identity that the first call makes, and the list that a call and a command change at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/keyring.h"
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NONE ((so_slice){NULL, 0})
#define WORDS ((so_slice){"four random words here", 22})
#define PROCESSES 8

static char base[] = "/tmp/sotto-test-keyring-XXXXXX";
static char dir[200];

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) == NULL ? -1 : 0;
}

static int remove_base(void **state)
{
    char line[300];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -rf '%s'", base);
    return system(line);
}

/* Each test has a folder of its own. */
static int fresh(void **state)
{
    static int count;

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/state%d", base, ++count);
    return 0;
}

/* The thumbprint of the identity that so_identity_open gives. */
static void open_identity(so_slice passphrase, char key[SO_THUMBPRINT_LEN + 1])
{
    so_error err = {0};
    so_pkey *pkey;

    if (so_identity_open(dir, passphrase, &pkey, &err) != SO_OK)
        fail_msg("%s", err.text);
    assert_int_equal(so_thumbprint(key, pkey), SO_OK);
    so_pkey_free(pkey);
}

static void assert_refused(so_slice passphrase, so_status status, const char *words)
{
    so_error err = {0};
    so_pkey *pkey;

    assert_int_equal(so_identity_open(dir, passphrase, &pkey, &err), status);
    assert_null(pkey);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s", err.text);
}

static void the_first_call_makes_it(void **state)
{
    char first[SO_THUMBPRINT_LEN + 1], second[SO_THUMBPRINT_LEN + 1], path[300];
    so_identity_view view;
    so_error err;
    struct stat st;

    (void)state;
    assert_int_equal(so_identity_look(dir, NONE, &view, &err), SO_NOT_FOUND);
    open_identity(NONE, first);
    open_identity(NONE, second);
    assert_string_equal(first, second);
    (void)snprintf(path, sizeof path, "%s/identity.pem", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(so_identity_look(dir, NONE, &view, &err), SO_OK);
    assert_string_equal(view.key, first);
    assert_true(so_known_time_is(view.since) && !view.encrypted);
}

static void with_a_passphrase(void **state)
{
    char first[SO_THUMBPRINT_LEN + 1], second[SO_THUMBPRINT_LEN + 1];

    (void)state;
    open_identity(WORDS, first);
    open_identity(WORDS, second);
    assert_string_equal(first, second);
    assert_refused(NONE, SO_STATE, "--passphrase-file");
    assert_refused((so_slice){"four other words here", 21}, SO_REFUSED, "does not open");
}

static void what_others_could_change_is_refused(void **state)
{
    char key[SO_THUMBPRINT_LEN + 1];

    (void)state;
    open_identity(NONE, key);
    shell("chmod 640 '%s/identity.pem'", dir);
    assert_refused(NONE, SO_REFUSED, "chmod 600");
    shell("chmod 600 '%s/identity.pem' && chmod 720 '%s'", dir, dir);
    assert_refused(NONE, SO_REFUSED, "chmod 700");
    shell("chmod 700 '%s' && mv '%s/identity.pem' '%s/there' && ln -s there '%s/identity.pem'", dir, dir, dir, dir);
    assert_refused(NONE, SO_IO, "not a link");
}

static void another_kind_of_key_is_refused(void **state)
{
    (void)state;
    shell("mkdir -m 700 '%s' && (umask 077; openssl genpkey -algorithm ED25519 -out '%s/identity.pem')", dir, dir);
    assert_refused(NONE, SO_BAD_INPUT, "not a P-256 key");
}

/* Each in a process of its own, all at once; true where every one of them ended well. */
static bool all_at_once(bool (*work)(unsigned number))
{
    pid_t pids[PROCESSES];
    bool good = true;
    int status;

    for (unsigned i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(work(i) ? 0 : 1);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        good &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

/* Leaves its thumbprint in a file beside the folder. */
static bool open_and_tell(unsigned number)
{
    char path[300], key[SO_THUMBPRINT_LEN + 1];
    so_pkey *pkey;
    FILE *out;

    (void)snprintf(path, sizeof path, "%s.key%u", dir, number);
    if (so_identity_open(dir, NONE, &pkey, NULL) != SO_OK || so_thumbprint(key, pkey) != SO_OK)
        return false;
    so_pkey_free(pkey);
    out = fopen(path, "w");
    return out != NULL && fputs(key, out) >= 0 && fclose(out) == 0;
}

static void first_calls_at_once_make_one(void **state)
{
    char key[SO_THUMBPRINT_LEN + 1], told[SO_THUMBPRINT_LEN + 1], path[300];

    (void)state;
    assert_true(all_at_once(open_and_tell));
    open_identity(NONE, key);
    for (unsigned i = 0; i < PROCESSES; i++) {
        FILE *in;

        (void)snprintf(path, sizeof path, "%s.key%u", dir, i);
        in = fopen(path, "r");
        assert_non_null(in);
        assert_non_null(fgets(told, sizeof told, in));
        assert_int_equal(fclose(in), 0);
        assert_string_equal(told, key);
    }
}

static so_status pin(so_known *known, void *user, so_error *err)
{
    char name[16], key[SO_THUMBPRINT_LEN + 1] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const unsigned *number = user;

    (void)snprintf(name, sizeof name, "n%u", *number);
    key[0] = (char)('A' + *number % 26);
    key[1] = (char)('A' + *number / 26);
    return so_known_pin(known, name, key, 0, err);
}

static bool pin_ten(unsigned number)
{
    for (unsigned i = 10 * number; i < 10 * number + 10; i++)
        if (so_peers_change(dir, pin, &i, NULL) != SO_OK)
            return false;
    return true;
}

static void no_change_is_lost(void **state)
{
    so_known known;
    so_error err;
    char name[16];

    (void)state;
    assert_int_equal(so_peers_load(dir, &known, &err), SO_OK);
    assert_int_equal(known.count, 0);
    assert_true(all_at_once(pin_ten));
    assert_int_equal(so_peers_load(dir, &known, &err), SO_OK);
    assert_int_equal(known.count, 10 * PROCESSES);
    for (unsigned i = 0; i < 10 * PROCESSES; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        assert_non_null(so_known_by_name(&known, name));
    }
    so_known_free(&known);
}

static void what_is_refused_is_not_written(void **state)
{
    unsigned number = 3;
    char before[300], line[700];
    so_error err;

    (void)state;
    assert_int_equal(so_peers_change(dir, pin, &number, &err), SO_OK);
    (void)snprintf(before, sizeof before, "%s.before", dir);
    shell("cp '%s/peers.json' '%s'", dir, before);
    assert_int_equal(so_peers_change(dir, pin, &number, &err), SO_REFUSED);
    (void)snprintf(line, sizeof line, "cmp '%s/peers.json' '%s'", dir, before);
    assert_int_equal(system(line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_call_makes_it, fresh),
        cmocka_unit_test_setup(with_a_passphrase, fresh),
        cmocka_unit_test_setup(what_others_could_change_is_refused, fresh),
        cmocka_unit_test_setup(another_kind_of_key_is_refused, fresh),
        cmocka_unit_test_setup(first_calls_at_once_make_one, fresh),
        cmocka_unit_test_setup(no_change_is_lost, fresh),
        cmocka_unit_test_setup(what_is_refused_is_not_written, fresh),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
