// Allocation: zeroed, aligned, and never smaller than asked for.
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_multiply(void **state)
{
    (void)state;
    assert_int_equal(mem_multiply(6, 7), 42);
    assert_int_equal(mem_multiply(0, SIZE_MAX), 0);
    assert_int_equal(mem_multiply(SIZE_MAX, 1), SIZE_MAX);
    assert_int_equal(mem_multiply(SIZE_MAX / 2, 3), SIZE_MAX);
    assert_int_equal(mem_multiply((size_t)1 << 32, (size_t)1 << 32), SIZE_MAX);
}

static void test_array_is_zeroed(void **state)
{
    (void)state;
    unsigned char *array = mem_array(1000, 3);
    assert_non_null(array);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(array[i], 0);
    mem_free(array);
}

static void test_aligned(void **state)
{
    (void)state;
    for (size_t size = 1; size < 200; size += 7) {
        unsigned char *block = mem_aligned(size, 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % MEMORY_ALIGNMENT, 0);
        memset(block, 0xAB, size);
        mem_free(block);
    }
}

static void test_nothing_is_still_a_block(void **state)
{
    (void)state;
    void *blocks[] = {mem_array(0, 8), mem_aligned(8, 0), mem_resize(NULL, 0, 8)};
    for (size_t i = 0; i < BASE_COUNT(blocks); i++) {
        assert_non_null(blocks[i]);
        mem_free(blocks[i]);
    }
    mem_free(NULL);
}

static void test_sizes_that_overflow_fail(void **state)
{
    (void)state;
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    assert_null(mem_array(half, half));
    assert_null(mem_aligned(half, half));
    assert_null(mem_array(SIZE_MAX, 1));
    assert_null(mem_aligned(SIZE_MAX - 10, 1)); // would wrap when rounded up
    assert_null(mem_copy_text("", SIZE_MAX));
    int *kept = mem_array(4, sizeof *kept);
    assert_non_null(kept);
    kept[3] = 9;
    assert_null(mem_resize(kept, SIZE_MAX / 2, sizeof *kept));
    assert_int_equal(kept[3], 9);
    mem_free(kept);
}

static void test_resize_keeps_the_content(void **state)
{
    (void)state;
    int *array = mem_array(4, sizeof *array);
    assert_non_null(array);
    array[3] = 9;
    int *larger = mem_resize(array, 4000, sizeof *larger);
    assert_non_null(larger);
    assert_int_equal(larger[3], 9);
    larger[3999] = 1;
    mem_free(larger);
}

static void test_copy_text(void **state)
{
    (void)state;
    BASE_CLEANUP(mem_free_pointer) char *copy = mem_copy_text("hello world", 5);
    assert_non_null(copy);
    assert_string_equal(copy, "hello");
    BASE_CLEANUP(mem_free_pointer) char *empty = mem_copy_text(NULL, 0);
    assert_non_null(empty);
    assert_string_equal(empty, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_array_is_zeroed),
        cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_nothing_is_still_a_block),
        cmocka_unit_test(test_sizes_that_overflow_fail),
        cmocka_unit_test(test_resize_keeps_the_content),
        cmocka_unit_test(test_copy_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
