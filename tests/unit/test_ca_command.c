/* `sotto ca` as people type it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/status.h"
#include "cli/ca.h"
#include "shell.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[] = "/tmp/sotto-test-ca-XXXXXX";
static char dir[200];

static int make_base(void **state)
{
    (void)state;
    if (mkdtemp(base) == NULL)
        return -1;
    (void)snprintf(dir, sizeof dir, "%s/state", base);
    return 0;
}

static int remove_base(void **state)
{
    char line[300];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -rf '%s'", base);
    return system(line);
}

/* Runs `sotto ca ...` in a child, its output into a file; gives the exit code. */
static int run_cli(const char *const *words, char *out, size_t cap)
{
    char path[300], *argv[16] = {NULL};
    int argc = 0, status, fd;
    ssize_t got;
    pid_t child;

    (void)snprintf(path, sizeof path, "%s/output", base);
    while (words[argc] != NULL) {
        argv[argc] = strdup(words[argc]);
        argc++;
    }
    child = fork();
    if (child == 0) {
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
            _exit(99);
        status = so_cli_ca(argc, argv);
        (void)fflush(stdout);
        _exit(status);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    assert_int_equal(waitpid(child, &status, 0), child);
    fd = open(path, O_RDONLY);
    got = read(fd, out, cap - 1);
    (void)close(fd);
    out[got < 0 ? 0 : got] = '\0';
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define CLI(...) run_cli((const char *const[]){"ca", __VA_ARGS__, NULL}, out, sizeof out)

static void the_command_works(void **state)
{
    char out[16000], to[300], secret[300];

    (void)state;
    (void)snprintf(to, sizeof to, "%s/out", base);
    (void)snprintf(secret, sizeof secret, "%s/secret", base);
    shell("umask 077; echo 'a long passphrase' > '%s'", secret);
    assert_int_equal(CLI("--help"), 0);
    assert_int_equal(CLI("init", "--help"), 0);
    assert_int_equal(CLI("issue", "--help"), 0);
    assert_int_equal(CLI("show", "--help"), 0);
    assert_int_equal(CLI("dance"), 2);
    assert_int_equal(CLI("init", "--dance"), 2);
    assert_int_equal(CLI("init", "name"), 2);
    assert_int_equal(CLI("init", "--permit", "*.lan", "--state", dir), 2);
    assert_int_equal(CLI("issue", "--state", dir), 2);
    assert_int_equal(CLI("issue", "call.lan", "--days", "91", "--state", dir), 2);
    assert_int_equal(CLI("issue", "call.lan", "--days", "9x", "--state", dir), 2);
    assert_int_equal(CLI("show", "--state", dir), 1);
    assert_non_null(strstr(out, "sotto ca init"));
    assert_int_equal(CLI("init", "--permit", "call.lan", "--passphrase-file", secret, "--state", dir), 0);
    assert_non_null(strstr(out, "update-ca-certificates"));
    assert_int_equal(CLI("init", "--state", dir), 1);
    assert_non_null(strstr(out, "--force"));
    assert_int_equal(CLI("issue", "call.lan", "--state", dir), 1);
    assert_non_null(strstr(out, "--passphrase-file"));
    assert_int_equal(CLI("issue", "call.lan", "--days", "7", "--passphrase-file", secret, "--out", to, "--state", dir),
                     0);
    shell("test \"$(stat -c %%a '%s/server.key')\" = 600 && test ! -e '%s/server.pem'", to, dir);
    shell("openssl verify -x509_strict -CAfile '%s/ca.pem' -verify_hostname call.lan '%s/server.pem' >/dev/null", dir,
          to);
    assert_int_equal(CLI("issue", "call.example", "--passphrase-file", secret, "--state", dir), 1);
    assert_non_null(strstr(out, "call.example"));
    assert_int_equal(CLI("issue", "call.lan", "--out", "/tmp", "--passphrase-file", secret, "--state", dir), 1);
    assert_non_null(strstr(out, "choose another"));
    assert_int_equal(CLI("show", "--state", dir), 0);
    assert_non_null(strstr(out, "key        encrypted"));
    assert_int_equal(CLI("show", "--json", "--state", dir), 0);
    assert_non_null(strstr(out, "\"server\": null"));
    assert_int_equal(CLI("init", "--force", "--state", dir), 0);
    assert_int_equal(CLI("issue", "localhost", "--state", dir), 0);
    assert_int_equal(CLI("show", "--json", "--state", dir), 0);
    assert_non_null(strstr(out, "\"names\""));
    assert_non_null(strstr(out, "\"key\": \"plain\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_command_works)};
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
