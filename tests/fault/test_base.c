// base with every allocation failing in turn, and the fault library with itself.
#include "fault.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/thread_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TRIALS_MAX = 1000 };

static void test_only_the_nth_fails(void **state)
{
    (void)state;
    fault_arm(3);
    void *blocks[] = {mem_array(1, 8), mem_aligned(1, 8), mem_resize(NULL, 1, 8),
                      mem_copy_text("x", 1)};
    assert_true(fault_disarm());
    assert_int_equal(fault_count(), 4);
    for (size_t i = 0; i < BASE_COUNT(blocks); i++) {
        assert_int_equal(blocks[i] == NULL, i == 2);
        mem_free(blocks[i]);
    }
    fault_arm(0);
    mem_free(mem_array(1, 8));
    assert_false(fault_disarm());
    assert_int_equal(fault_count(), 1);
}

static ScoutStatus grow_buffer(void *context)
{
    (void)context;
    BASE_CLEANUP(buffer_done) Buffer buffer;
    buffer_init(&buffer, 1 << 16);
    size_t good = 0;
    for (size_t i = 0; i < 5000; i++)
        good += buffer_printf(&buffer, "%04zu", i);
    assert_int_equal(buffer.length, 4 * good);
    if (good)
        assert_memory_equal(buffer.data, "0000", 4);
    return buffer.failed ? SCOUT_ERROR_OUT_OF_MEMORY : SCOUT_OK;
}

static ScoutStatus fill_arena(void *context)
{
    (void)context;
    BASE_CLEANUP(arena_done) Arena arena;
    arena_init(&arena, 1 << 24);
    for (size_t i = 0; i < 300; i++) {
        size_t used_bytes = arena.used_bytes;
        if (!arena_alloc(&arena, i % 50 == 49 ? 1 << 20 : 500, 1)) {
            assert_int_equal(arena.used_bytes, used_bytes);
            assert_non_null(arena_alloc(&arena, 500, 1)); // it goes on
            return SCOUT_ERROR_OUT_OF_MEMORY;
        }
    }
    return SCOUT_OK;
}

static ScoutStatus read_whole(const char *path)
{
    BASE_CLEANUP(buffer_done) Buffer buffer;
    buffer_init(&buffer, 1 << 20);
    ScoutStatus status = file_read(path, 1 << 20, &buffer, NULL);
    if (status != SCOUT_OK)
        assert_int_equal(buffer.length, 0);
    return status;
}

static ScoutStatus read_file(void *context)
{
    return read_whole(context);
}

// Its size is not known before it is read.
static ScoutStatus read_proc_file(void *context)
{
    (void)context;
    return read_whole("/proc/cpuinfo");
}

static ScoutStatus hash_file(void *context)
{
    uint8_t digest[DIGEST_BYTES];
    return digest_sha256_file(context, digest, NULL);
}

static void count_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    ((unsigned char *)context)[index] = 1;
}

static ScoutStatus run_pool(void *context)
{
    (void)context;
    ThreadPool *pool = NULL;
    ScoutStatus status = thread_pool_new(3, &pool, NULL);
    if (status != SCOUT_OK) {
        assert_null(pool);
        return status;
    }
    size_t before = fault_count();
    unsigned char ran[100] = {0};
    thread_pool_run(pool, sizeof ran, count_task, ran);
    assert_int_equal(fault_count(), before); // a run allocates nothing
    thread_pool_free(pool);
    for (size_t i = 0; i < sizeof ran; i++)
        assert_int_equal(ran[i], 1);
    return SCOUT_OK;
}

static ScoutStatus change_tree(void *context)
{
    const char *folder = context;
    BASE_CLEANUP(mem_free_pointer) char *inner = path_join(folder, "a/b");
    if (!inner)
        return SCOUT_ERROR_OUT_OF_MEMORY;
    ScoutStatus status = file_make_folders(inner, NULL);
    if (status != SCOUT_OK)
        return status;
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(inner, "file");
    if (!path)
        return SCOUT_ERROR_OUT_OF_MEMORY;
    status = file_write(path, "x", 1, true, NULL);
    return status == SCOUT_OK ? file_remove_tree(folder, NULL) : status;
}

static void test_memory_only(void **state)
{
    (void)state;
    assert_true(fault_run_all(grow_buffer, NULL, TRIALS_MAX) > 5);
    assert_true(fault_run_all(fill_arena, NULL, TRIALS_MAX) > 5);
    assert_true(fault_run_all(run_pool, NULL, TRIALS_MAX) > 0);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/scout-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = path_join(folder, "file");
    char *tree = path_join(folder, "tree");
    assert_non_null(path);
    assert_non_null(tree);
    char *content = mem_array(100000, 1);
    assert_non_null(content);
    assert_int_equal(file_write(path, content, 100000, true, NULL), SCOUT_OK);
    assert_true(fault_run_all(read_file, path, TRIALS_MAX) > 0);
    assert_true(fault_run_all(read_proc_file, NULL, TRIALS_MAX) > 0);
    assert_true(fault_run_all(hash_file, path, TRIALS_MAX) > 0);
    assert_true(fault_run_all(change_tree, tree, TRIALS_MAX) > 4);
    assert_int_equal(file_remove_tree(folder, NULL), SCOUT_OK);
    mem_free(content);
    mem_free(path);
    mem_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_nth_fails),
        cmocka_unit_test(test_memory_only),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
