/* base/pool: blocks are given again, and no more is kept than was needed at the same time. */
#include "unit.h"

#include "base/pool.h"

static void what_was_given_back_is_taken_again(void **state)
{
    so_pool pool;
    void *a, *b;

    (void)state;
    so_pool_init(&pool, 32);
    a = so_pool_take(&pool);
    b = so_pool_take(&pool);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    memset(a, 1, 32);
    memset(b, 2, 32);
    so_pool_give(&pool, a);
    so_pool_give(&pool, NULL);
    a = so_pool_take(&pool);
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
    assert_int_equal(pool.spare, 0);
    assert_int_equal(((uint8_t *)b)[31], 2);
    so_pool_give(&pool, a);
    so_pool_give(&pool, b);
    so_pool_end(&pool);
    assert_null(pool.first);
}

static void a_rush_is_not_kept_for_ever(void **state)
{
    static void *blocks[5000];
    so_pool pool;

    (void)state;
    so_pool_init(&pool, sizeof(void *));
    for (size_t i = 0; i < 5000; i++)
        assert_non_null(blocks[i] = so_pool_take(&pool));
    for (size_t i = 0; i < 5000; i++)
        so_pool_give(&pool, blocks[i]);
    assert_true(pool.spare <= 4096);
    so_pool_end(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_back_is_taken_again),
        cmocka_unit_test(a_rush_is_not_kept_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
