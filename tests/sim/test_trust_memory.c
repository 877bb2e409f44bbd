/* Known peers while the nth of Sotto's own allocations fails, for each n: nothing is half done, and nothing leaks. */
#include "trust_vectors.h"

#include "heap.h"
#include "trust/known.h"

#include <stdlib.h>

static const char *text_at(const json_t *all, size_t at, const char *name)
{
    return vector_text(json_array_get(all, at), name);
}

static so_status read_merge_write(const json_t *all)
{
    const char *mine = text_at(all, 0, "mine"), *theirs = text_at(all, 0, "theirs");
    so_known known, file = {NULL, 0, 0};
    so_pem text = {NULL, 0};
    size_t before, added = 0;
    so_status status = so_known_parse(&known, (so_slice){mine, strlen(mine)}, "it", NULL);

    if (status == SO_OK)
        status = so_known_parse(&file, (so_slice){theirs, strlen(theirs)}, "it", NULL);
    before = known.count;
    if (status == SO_OK) {
        status = so_known_merge(&known, &file, &added, NULL);
        assert_int_equal(known.count, before + added);
        assert_int_equal(added, status == SO_OK ? 1 : 0);
    }
    if (status == SO_OK)
        status = so_known_pin(&known, "Eve", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, NULL);
    if (status == SO_OK)
        status = so_known_write(&known, &text, NULL);
    so_pem_free(&text);
    so_known_free(&known);
    so_known_free(&file);
    return status;
}

static void each_allocation_fails_once(void **state)
{
    json_t *root, *all = trust_vectors(&root, "merges");
    unsigned long n = 0;
    so_status status;

    (void)state;
    do {
        long live = heap_live;

        heap_own = 0;
        heap_fail_at = ++n;
        heap_paused = false;
        status = read_merge_write(all);
        heap_paused = true;
        if (status != SO_OK && status != SO_NO_MEMORY)
            fail_msg("allocation %lu: %s", n, so_status_name(status));
        assert_int_equal(heap_live, live);
    } while (status != SO_OK);
    /* Two lists, each looked through for what is there twice; room for more; and the text. */
    assert_true(n > 6);
    heap_fail_at = 0;
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails_once)};

    heap_paused = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
