// The arena: aligned, zeroed, apart from each other, within the limit.
#include "base/arena.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_fresh(const unsigned char *block, size_t size)
{
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(block[i], 0);
}

static void test_blocks_are_zeroed_and_apart(void **state)
{
    (void)state;
    enum { BLOCKS = 200 };
    Arena arena;
    arena_init(&arena, SIZE_MAX);
    for (int round = 0; round < 3; round++) {
        unsigned char *blocks[BLOCKS];
        for (size_t i = 0; i < BLOCKS; i++) {
            // Every tenth is far larger than the others, and gets a block of its own.
            size_t size = i % 10 == 9 ? 50000 : i * 3;
            blocks[i] = arena_alloc(&arena, size, 1);
            check_fresh(blocks[i], size);
            memset(blocks[i], (int)i, size);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t size = i % 10 == 9 ? 50000 : i * 3;
            for (size_t at = 0; at < size; at++)
                assert_int_equal(blocks[i][at], (unsigned char)i);
        }
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    arena_done(&arena);
    assert_null(arena.blocks);
    arena_done(&arena);
}

static void test_limit(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena, 10000);
    size_t got = 0;
    while (arena_alloc(&arena, 160, 1))
        got++;
    assert_int_equal(got, 62); // 62 * 160 = 9920
    assert_int_equal(arena.used_bytes, 9920);
    assert_non_null(arena_alloc(&arena, 80, 1));
    assert_null(arena_alloc(&arena, 1, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 10000 / 16, 16));
    arena_done(&arena);

    arena_init(&arena, 0);
    assert_null(arena_alloc(&arena, 0, 1));
    arena_done(&arena);
}

static void test_sizes_that_overflow_fail(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_copy_text(&arena, "", SIZE_MAX));
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1, 1));
    arena_done(&arena);
}

static void test_reset_reuses_the_newest_block(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena, SIZE_MAX);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 1000, 1));
    const ArenaBlock *newest = arena.blocks;
    arena_reset(&arena);
    assert_ptr_equal(arena.blocks, newest);
    for (int i = 0; i < 30; i++)
        assert_non_null(arena_alloc(&arena, 1000, 1));
    assert_ptr_equal(arena.blocks, newest);
    arena_done(&arena);
    arena_reset(&arena);
}

static void test_small_blocks_after_a_large_one_fill_the_old_tail(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena, SIZE_MAX);
    const unsigned char *first = arena_alloc(&arena, 16, 1);
    assert_non_null(arena_alloc(&arena, 1 << 21, 1));
    const unsigned char *second = arena_alloc(&arena, 16, 1);
    assert_ptr_equal(second, first + 16);
    arena_done(&arena);
}

static void test_copy_text(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena, 1000);
    assert_string_equal(arena_copy_text(&arena, "hello world", 5), "hello");
    assert_string_equal(arena_copy_text(&arena, NULL, 0), "");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_zeroed_and_apart),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_sizes_that_overflow_fail),
        cmocka_unit_test(test_reset_reuses_the_newest_block),
        cmocka_unit_test(test_small_blocks_after_a_large_one_fill_the_old_tail),
        cmocka_unit_test(test_copy_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
