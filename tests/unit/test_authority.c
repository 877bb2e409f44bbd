/* The state folder: what is made, kept, renewed and refused, over time, under attack and by several at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/authority.h"
#include "shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW ((so_unix)1795000000)

static char base[] = "/tmp/sotto-test-authority-XXXXXX";
static char dir[200];
static so_name name_list[SO_LEAF_NAMES_MAX];

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

static so_authority_wish wish_at(so_unix now)
{
    return (so_authority_wish){.hostname = "box.home.lan", .now = now, .random = &so_random_system};
}

static so_authority_wish wish_names(so_unix now, const char *const *texts, size_t count)
{
    so_authority_wish wish = wish_at(now);
    so_error err;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(so_name_parse(&name_list[i], texts[i], &err), SO_OK);
    wish.names = name_list;
    wish.name_count = count;
    return wish;
}

static so_status ensure(const so_authority_wish *wish, so_authority_outcome *outcome, so_error *err)
{
    so_authority authority;
    so_status status = so_authority_open(&authority, dir, true, err);

    memset(outcome, 0, sizeof *outcome);
    if (status == SO_OK)
        status = so_authority_ensure(&authority, wish, outcome, err);
    so_authority_close(&authority);
    return status;
}

static so_authority_outcome ensured(const so_authority_wish *wish)
{
    so_authority_outcome outcome;
    so_error err = {0};

    if (ensure(wish, &outcome, &err) != SO_OK)
        fail_msg("%s", err.text);
    return outcome;
}

static void expect_fault(const so_authority_wish *wish, const char *words)
{
    so_authority_outcome outcome;
    so_error err = {0};

    assert_int_not_equal(ensure(wish, &outcome, &err), SO_OK);
    if (strstr(err.text, words) == NULL)
        fail_msg("expected '%s' in: %s", words, err.text);
}

static unsigned mode_of(const char *name)
{
    char path[300];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

/* Everything in the folder fits together. */
static void expect_consistent(void)
{
    so_authority authority;
    so_authority_view view;
    so_issued server;
    so_pkey *key = NULL;
    so_error err;

    assert_int_equal(so_authority_open(&authority, dir, false, &err), SO_OK);
    assert_int_equal(so_authority_look(&authority, &view, &err), SO_OK);
    assert_int_equal(so_authority_load(&authority, &server, &err), SO_OK);
    assert_int_equal(so_certs_count(view.server), 2);
    assert_true(so_certs_signed_by(view.server, 0, view.ca, 0));
    assert_string_equal(so_certs_at(view.server, 1)->sha256, so_certs_at(view.ca, 0)->sha256);
    assert_int_equal(so_pkey_read(&key, so_pem_slice(&server.key), (so_slice){NULL, 0}, "key", &err), SO_OK);
    assert_true(so_certs_key_matches(view.server, 0, key));
    so_pkey_free(key);
    so_issued_free(&server);
    so_authority_view_end(&view);
    so_authority_close(&authority);
}

static void first_use_makes_all(void **state)
{
    so_authority_wish wish = wish_at(NOW);
    so_authority_outcome outcome;

    (void)state;
    (void)umask(0);
    outcome = ensured(&wish);
    (void)umask(022);
    assert_int_equal(outcome.act, SO_AUTHORITY_CREATED);
    assert_true(outcome.ca_created);
    assert_non_null(strstr(outcome.said, "created a CA and a certificate for localhost, 127.0.0.1, ::1, box.home.lan, "
                                         "box.local, valid to 2027-02-16"));
    assert_string_equal(outcome.warning, "");
    assert_int_equal(mode_of(""), 0700);
    assert_int_equal(mode_of("ca.key"), 0600);
    assert_int_equal(mode_of("server.key"), 0600);
    assert_int_equal(mode_of("ca.pem"), 0644);
    expect_consistent();
    outcome = ensured(&wish);
    assert_int_equal(outcome.act, SO_AUTHORITY_KEPT);
    assert_false(outcome.ca_created);
}

static void the_last_third_renews(void **state)
{
    so_authority_wish wish = wish_at(NOW), later;
    so_authority_outcome first = ensured(&wish), outcome;

    (void)state;
    later = wish_at(first.leaf_ends - 30 * SO_DAY - 1);
    assert_int_equal(ensured(&later).act, SO_AUTHORITY_KEPT);
    later = wish_at(first.leaf_ends - 30 * SO_DAY + 1);
    outcome = ensured(&later);
    assert_int_equal(outcome.act, SO_AUTHORITY_RENEWED);
    assert_string_equal(outcome.ca_sha256, first.ca_sha256);
    assert_true(outcome.leaf_ends > first.leaf_ends + 50 * SO_DAY);
    later = wish_at(outcome.leaf_ends + 100 * SO_DAY); /* expired for long */
    assert_int_equal(ensured(&later).act, SO_AUTHORITY_RENEWED);
    expect_consistent();
    /* A clock that stands before the CA's beginning is told, not written into a certificate. */
    later = wish_at(0);
    expect_fault(&later, "clock");
}

static void other_names_reissue(void **state)
{
    static const char *const one[] = {"localhost"}, *const two[] = {"localhost", "10.1.2.3"};
    static const char *const outside[] = {"localhost", "call.example"};
    so_authority_wish wish = wish_names(NOW, one, 1);
    so_authority_outcome first = ensured(&wish), outcome;

    (void)state;
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_KEPT);
    wish = wish_names(NOW, two, 2);
    outcome = ensured(&wish);
    assert_int_equal(outcome.act, SO_AUTHORITY_CHANGED);
    assert_string_equal(outcome.ca_sha256, first.ca_sha256);
    wish = wish_names(NOW, one, 1); /* a name that is no longer wanted goes too */
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CHANGED);
    wish = wish_names(NOW, outside, 2);
    expect_fault(&wish, "call.example");
    expect_consistent();
    wish.name_count = SO_LEAF_NAMES_MAX + 1;
    expect_fault(&wish, "101 names");
}

/* What `sotto ca issue` put in stays when `sotto serve` comes with its defaults, also after a renewal. */
static void issued_names_stay(void **state)
{
    static const char *const extra[] = {"phone.box.local", "192.168.7.7"};
    so_authority_wish wish = wish_at(NOW), issue = wish_names(NOW, extra, 2);
    so_authority authority;
    so_authority_outcome outcome;
    so_authority_view view;
    so_error err;
    bool found = false;

    (void)state;
    assert_true(ensured(&wish).ca_created);
    assert_int_equal(so_authority_open(&authority, dir, false, &err), SO_OK);
    assert_int_equal(so_authority_issue(&authority, &issue, NULL, &outcome, &err), SO_OK);
    so_authority_close(&authority);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CHANGED); /* its own names join */
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_KEPT);
    wish = wish_at(NOW + 80 * SO_DAY);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_RENEWED);
    assert_int_equal(so_authority_open(&authority, dir, false, &err), SO_OK);
    assert_int_equal(so_authority_look(&authority, &view, &err), SO_OK);
    for (size_t i = 0; i < so_certs_at(view.server, 0)->name_count; i++)
        found = found || strcmp(so_certs_at(view.server, 0)->names[i].text, "phone.box.local") == 0;
    assert_true(found);
    so_authority_view_end(&view);
    so_authority_close(&authority);
}

static void an_encrypted_ca_warns_in_time(void **state)
{
    static const so_slice passphrase = {"correct horse battery", 21}, wrong = {"incorrect horse battery", 23};
    so_authority_wish wish = wish_at(NOW), later;
    so_authority_outcome first, outcome;

    (void)state;
    wish.passphrase = passphrase;
    first = ensured(&wish);
    wish.passphrase = (so_slice){NULL, 0};
    outcome = ensured(&wish);
    assert_int_equal(outcome.act, SO_AUTHORITY_KEPT);
    assert_string_equal(outcome.warning, "");
    later = wish_at(first.leaf_ends - 20 * SO_DAY);
    outcome = ensured(&later);
    assert_int_equal(outcome.act, SO_AUTHORITY_KEPT);
    assert_non_null(strstr(outcome.warning, "encrypted and no --passphrase-file"));
    assert_non_null(strstr(outcome.warning, "ends in 20 days"));
    later.passphrase = wrong;
    expect_fault(&later, "does not open");
    later = wish_at(first.leaf_ends + 1);
    expect_fault(&later, "--passphrase-file");
    later.passphrase = passphrase;
    assert_int_equal(ensured(&later).act, SO_AUTHORITY_RENEWED);
    expect_consistent();
}

static void a_ca_key_taken_away_warns_too(void **state)
{
    so_authority_wish wish = wish_at(NOW), later;
    so_authority_outcome first = ensured(&wish), outcome;

    (void)state;
    shell("mv '%s/ca.key' '%s/elsewhere'", dir, base);
    assert_string_equal(ensured(&wish).warning, "");
    later = wish_at(first.leaf_ends - 5 * SO_DAY);
    outcome = ensured(&later);
    assert_non_null(strstr(outcome.warning, "put ca.key back"));
    later = wish_at(first.leaf_ends + 1);
    expect_fault(&later, "ca.key");
    shell("mv '%s/elsewhere' '%s/ca.key'", base, dir);
    assert_int_equal(ensured(&later).act, SO_AUTHORITY_RENEWED);
}

static void the_cas_own_end_is_announced(void **state)
{
    so_authority_wish wish = wish_at(NOW), later;
    so_authority_outcome outcome = ensured(&wish);

    (void)state;
    later = wish_at(NOW + 3600 * SO_DAY);
    outcome = ensured(&later);
    assert_non_null(strstr(outcome.warning, "the CA itself ends on 2036-11-15"));
    assert_int_equal(outcome.leaf_ends, NOW + 3650 * SO_DAY);
    later = wish_at(NOW + 3651 * SO_DAY);
    expect_fault(&later, "sotto ca init --force");
}

static void open_doors_are_refused(void **state)
{
    so_authority_wish wish = wish_at(NOW);

    (void)state;
    (void)ensured(&wish);
    shell("chmod 640 '%s/ca.key'", dir);
    expect_fault(&wish, "chmod 600");
    shell("chmod 602 '%s/ca.key'", dir);
    expect_fault(&wish, "chmod 600");
    shell("chmod 600 '%s/ca.key'; chmod 604 '%s/server.key'", dir, dir);
    expect_fault(&wish, "server.key");
    shell("chmod 600 '%s/server.key'; chmod 750 '%s'", dir, dir);
    expect_fault(&wish, "chmod 700");
    shell("chmod 700 '%s'; mv '%s/ca.key' '%s/real.key'; ln -s real.key '%s/ca.key'", dir, dir, dir, dir);
    expect_fault(&wish, "not a link");
    shell("rm '%s/ca.key'; mkfifo -m 600 '%s/ca.key'", dir, dir); /* which must not hold us */
    wish.now += 300 * SO_DAY;
    expect_fault(&wish, "ca.key");
    if (geteuid() == 0) {
        shell("rm '%s/ca.key'; mv '%s/real.key' '%s/ca.key'; chown 12345 '%s/ca.key'", dir, dir, dir, dir);
        expect_fault(&wish, "another user");
        shell("chown 12345 '%s'", dir);
        expect_fault(&wish, "another user");
    }
}

static void halves_are_named_or_mended(void **state)
{
    so_authority_wish wish = wish_at(NOW);
    so_authority authority;
    so_authority_outcome outcome;
    so_error err;

    (void)state;
    (void)ensured(&wish);
    shell("rm '%s/server.key'", dir);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CREATED);
    expect_consistent();
    shell("echo damaged > '%s/server.pem'", dir);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CREATED);
    expect_consistent();
    /* A crash between the two renames: a new key next to the old certificate. */
    shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out '%s/server.key' 2>/dev/null", dir);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CHANGED);
    expect_consistent();
    /* Leftovers of a crash in the middle of a write are no obstacle. */
    shell("echo half > '%s/.server.key.new'; rm '%s/server.pem'", dir, dir);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CREATED);
    shell("test ! -e '%s/.server.key.new'", dir);
    shell("mv '%s/ca.pem' '%s/gone.pem'", dir, dir);
    expect_fault(&wish, "sotto ca init --force");
    assert_int_equal(so_authority_open(&authority, dir, false, &err), SO_OK);
    assert_int_equal(so_authority_init(&authority, &wish, false, &outcome, &err), SO_STATE);
    assert_int_equal(so_authority_init(&authority, &wish, true, &outcome, &err), SO_OK);
    so_authority_close(&authority);
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_CHANGED); /* the old certificate is of another CA */
    expect_consistent();
    shell("echo damaged > '%s/ca.pem'", dir);
    expect_fault(&wish, "ca.pem of the state folder");
}

/* Eight at once: one makes all, seven find it made. Then eight who each want other names. */
static void many_at_once_do_no_harm(void **state)
{
    static const char *const odd[] = {"localhost"}, *const even[] = {"127.0.0.1"};
    int created = 0, status;
    so_authority_outcome outcome;
    so_error err;
    pid_t children[8];

    (void)state;
    for (int round = 0; round < 2; round++) {
        created = 0;
        for (int i = 0; i < 8; i++) {
            so_authority_wish wish = round == 0 ? wish_at(NOW) : wish_names(NOW, i % 2 == 0 ? odd : even, 1);
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0)
                _exit(ensure(&wish, &outcome, &err) != SO_OK ? 1 : outcome.ca_created ? 2 : 0);
        }
        for (int i = 0; i < 8; i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
            created += WEXITSTATUS(status) == 2;
        }
        assert_int_equal(created, round == 0 ? 1 : 0);
        expect_consistent();
    }
}

/* Killed at any moment, the writer leaves a whole file or none. */
static void killed_writers_do_no_harm(void **state)
{
    static const char *const names[][1] = {{"localhost"}, {"127.0.0.1"}};
    so_authority_wish wish = wish_at(NOW);
    so_authority_outcome outcome;
    so_error err;
    int status;

    (void)state;
    (void)ensured(&wish);
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (int j = 0;; j++) {
                wish = wish_names(NOW, names[j % 2], 1);
                if (ensure(&wish, &outcome, &err) != SO_OK)
                    _exit(1);
            }
        }
        (void)usleep(1000 + 1700 * (unsigned)i % 20000);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        wish = wish_at(NOW);
        (void)ensured(&wish);
        expect_consistent();
    }
}

static void permitted_names_become_the_servers(void **state)
{
    so_permit permits[3];
    so_authority_wish wish = wish_at(NOW);
    so_authority_outcome outcome;
    so_error err;

    (void)state;
    assert_int_equal(so_permit_parse(&permits[0], "call.lan", &err), SO_OK);
    assert_int_equal(so_permit_parse(&permits[1], "192.168.1.5", &err), SO_OK);
    assert_int_equal(so_permit_parse(&permits[2], "10.0.0.0/8", &err), SO_OK);
    wish.permits = permits;
    wish.permit_count = 3;
    outcome = ensured(&wish);
    assert_non_null(strstr(outcome.said, "certificate for call.lan, 192.168.1.5, valid"));
    wish.permit_count = 0;
    assert_int_equal(ensured(&wish).act, SO_AUTHORITY_KEPT);
}

static void hosts_go_by_their_names(void **state)
{
    static const struct {
        const char *hostname, *last, *permit;
        size_t names;
        bool host_only;
    } cases[] = {{"localhost", "::1", NULL, 3, false},
                 {"localhost.localdomain", "::1", NULL, 3, false},
                 {"bad_name", "::1", NULL, 3, false},
                 {"", "::1", NULL, 3, false},
                 {"192.168.1.1", "::1", NULL, 3, false},
                 {"Box", "box.local", "box", 5, true},
                 {"box.local", "box.local", "box.local", 4, false},
                 {"box.home.lan", "box.local", "box.home.lan", 5, false}};
    so_name names[SO_LEAF_NAMES_MAX];
    so_permit permits[SO_CA_PERMITS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = so_authority_default_names(names, cases[i].hostname);
        assert_int_equal(count, cases[i].names);
        assert_string_equal(names[count - 1].text, cases[i].last);
        count = so_authority_default_permits(permits, cases[i].hostname);
        assert_int_equal(count, 7 + cases[i].names - 3);
        if (cases[i].permit != NULL) {
            assert_string_equal(permits[1].text, cases[i].permit);
            assert_int_equal(permits[1].host_only, cases[i].host_only);
        }
    }
}

static void state_is_found_by_the_environment(void **state)
{
    so_authority authority;
    so_error err;
    char path[300];

    (void)state;
    (void)setenv("XDG_STATE_HOME", base, 1);
    assert_int_equal(so_authority_open(&authority, NULL, false, &err), SO_NOT_FOUND);
    assert_non_null(strstr(err.text, "sotto ca init"));
    assert_int_equal(so_authority_open(&authority, NULL, true, &err), SO_OK);
    (void)snprintf(path, sizeof path, "%s/sotto", base);
    assert_string_equal(authority.folder.path, path);
    so_authority_close(&authority);
    (void)setenv("XDG_STATE_HOME", "relative", 1);
    (void)setenv("HOME", base, 1);
    assert_int_equal(so_authority_open(&authority, NULL, true, &err), SO_OK);
    (void)snprintf(path, sizeof path, "%s/.local/state/sotto", base);
    assert_string_equal(authority.folder.path, path);
    so_authority_close(&authority);
    (void)unsetenv("XDG_STATE_HOME");
    (void)unsetenv("HOME");
    assert_int_equal(so_authority_open(&authority, NULL, true, &err), SO_BAD_INPUT);
}

static void passphrase_files_are_read(void **state)
{
    char path[300];
    so_pem passphrase;
    so_error err;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/passphrase", base);
    shell("umask 077; printf 'two words\\r\\nand more\\n' > '%s'", path);
    assert_int_equal(so_passphrase_read(path, &passphrase, &err), SO_OK);
    assert_string_equal(passphrase.text, "two words");
    assert_int_equal(passphrase.len, 9);
    so_pem_free(&passphrase);
    shell("chmod 644 '%s'", path);
    assert_int_equal(so_passphrase_read(path, &passphrase, &err), SO_REFUSED);
    shell("chmod 600 '%s'; echo > '%s'", path, path);
    assert_int_equal(so_passphrase_read(path, &passphrase, &err), SO_BAD_INPUT);
    assert_int_equal(so_passphrase_read("/nowhere", &passphrase, &err), SO_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_use_makes_all),           TEST(the_last_third_renews),
        TEST(other_names_reissue),           TEST(issued_names_stay),
        TEST(an_encrypted_ca_warns_in_time), TEST(a_ca_key_taken_away_warns_too),
        TEST(the_cas_own_end_is_announced),  TEST(open_doors_are_refused),
        TEST(halves_are_named_or_mended),    TEST(many_at_once_do_no_harm),
        TEST(killed_writers_do_no_harm),     TEST(permitted_names_become_the_servers),
        TEST(hosts_go_by_their_names),       TEST(state_is_found_by_the_environment),
        TEST(passphrase_files_are_read),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
