/* server/identity: what `serve` shows, and that it renews by itself. Time is a number here. */
#include "unit.h"

#include "server/identity.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW ((so_unix)1795000000)

typedef struct home {
    char dir[64];
    so_options options;
} home;

static int set_up(void **state)
{
    home *h = calloc(1, sizeof *h);

    (void)strcpy(h->dir, "/tmp/sotto-identity-XXXXXX");
    if (mkdtemp(h->dir) == NULL)
        return 1;
    h->options.state = h->dir;
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key", ".lock", "other"};
    home *h = *state;
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", h->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(h->dir);
    free(h);
    return 0;
}

static so_identity load(home *h, so_unix now)
{
    so_identity identity;
    so_error err;

    if (so_identity_load(&identity, &h->options, now, &err) != SO_OK)
        fail_msg("%s", err.text);
    return identity;
}

/* A leaf lives 90 days and is renewed when 30 are left, under the same CA. */
static void the_leaf_is_renewed_when_a_third_is_left(void **state)
{
    home *h = *state;
    so_identity first = load(h, NOW), kept, renewed;

    assert_true(first.local_ca);
    assert_true(strstr(first.note, "created") != NULL && !first.note_warns);
    assert_in_range(first.not_after, NOW + 89 * SO_DAY, NOW + 90 * SO_DAY);
    kept = load(h, first.not_after - 31 * SO_DAY);
    assert_string_equal(kept.sha256, first.sha256);
    assert_string_equal(kept.note, "");
    renewed = load(h, first.not_after - 29 * SO_DAY);
    assert_string_not_equal(renewed.sha256, first.sha256);
    assert_string_equal(renewed.ca_sha256, first.ca_sha256);
    assert_true(renewed.not_after > first.not_after + 50 * SO_DAY);
    so_identity_free(&first);
    so_identity_free(&kept);
    so_identity_free(&renewed);
}

static void its_names_are_the_hosts_that_count(void **state)
{
    home *h = *state;
    so_identity identity = load(h, NOW);

    assert_true(so_identity_names(&identity, "localhost", 9));
    assert_true(so_identity_names(&identity, "LOCALHOST", 9));
    assert_true(so_identity_names(&identity, "127.0.0.1", 9));
    assert_true(so_identity_names(&identity, "[::1]", 5));
    assert_false(so_identity_names(&identity, "[::2]", 5));
    assert_false(so_identity_names(&identity, "localhost.evil.example", 22));
    assert_false(so_identity_names(&identity, "", 0));
    so_identity_free(&identity);
}

/* What a reload may find half-way: the old identity stays, because the new one was never made. */
static void a_broken_key_is_refused_whole(void **state)
{
    home *h = *state;
    so_identity identity = load(h, NOW);
    char path[128];
    so_error err;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/other", h->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("not a key", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    h->options.cert = identity.cert_file;
    h->options.key = path;
    so_identity fresh;
    assert_int_not_equal(so_identity_load(&fresh, &h->options, NOW, &err), SO_OK);
    assert_true(strlen(err.text) > 20);
    assert_null(fresh.ctx);
    h->options.key = NULL;
    assert_int_equal(so_identity_load(&fresh, &h->options, NOW, &err), SO_BAD_INPUT);
    so_identity_free(&identity);
}

int main(void)
{
#define HOME(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HOME(the_leaf_is_renewed_when_a_third_is_left),
        HOME(its_names_are_the_hosts_that_count),
        HOME(a_broken_key_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
