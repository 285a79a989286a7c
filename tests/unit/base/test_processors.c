// Counting processors: made-up control groups, and the affinity mask of this process.
#include "processors.h"

#include "base/file.h"
#include "base/thread_pool.h"
#include "in_folder.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void write_text(const char *folder, const char *name, const char *text)
{
    assert_int_equal(file_make_folders(folder, NULL), SCOUT_OK);
    char *path = path_join(folder, name);
    assert_non_null(path);
    assert_int_equal(file_write(path, text, strlen(text), true, NULL), SCOUT_OK);
    free(path);
}

static void check_quota(size_t expected)
{
    assert_int_equal(processors_cgroup_quota("membership", "groups"), expected);
}

static void test_version_2(void **state)
{
    (void)state;
    write_text(".", "membership", "0::/user.slice/scout.service\n");
    check_quota(SIZE_MAX); // no such groups
    write_text("groups/user.slice/scout.service", "cpu.max", "max 100000\n");
    check_quota(SIZE_MAX);
    write_text("groups/user.slice/scout.service", "cpu.max", "400000 100000\n");
    check_quota(4);
    write_text("groups/user.slice", "cpu.max", "250000 100000\n"); // the parent has less
    check_quota(3);
    write_text("groups/user.slice", "cpu.max", "10000 100000\n");
    check_quota(1);
}

static void test_version_2_in_a_container(void **state)
{
    (void)state;
    write_text(".", "membership", "0::/\n");
    write_text("groups", "cpu.max", "200000 100000\n");
    check_quota(2);
    // The path as it is outside, which is not to be seen inside.
    write_text(".", "membership", "0::/docker/0123\n");
    check_quota(2);
}

static void test_version_1(void **state)
{
    (void)state;
    write_text(".", "membership",
               "12:memory:/docker/0123\n5:cpuset:/\n4:cpuacct,cpu:/docker/0123\n0::/\n");
    write_text("groups/cpu", "cpu.cfs_quota_us", "-1\n");
    write_text("groups/cpu", "cpu.cfs_period_us", "100000\n");
    check_quota(SIZE_MAX);
    write_text("groups/cpu/docker/0123", "cpu.cfs_quota_us", "150000\n");
    check_quota(SIZE_MAX); // no period
    write_text("groups/cpu/docker/0123", "cpu.cfs_period_us", "50000\n");
    check_quota(3);
}

static void test_nonsense_is_no_quota(void **state)
{
    (void)state;
    const char *const memberships[] = {"", "\n", "0", "0:", "0::", ":::", "::\n::", "4:cpu"};
    for (size_t i = 0; i < BASE_COUNT(memberships); i++) {
        write_text(".", "membership", memberships[i]);
        check_quota(SIZE_MAX);
    }
    write_text(".", "membership", "0::/\n");
    const char *const quotas[] = {"", "\n", "100000", "100000 ", "100000 0\n", "-5 100000", "a b"};
    for (size_t i = 0; i < BASE_COUNT(quotas); i++) {
        write_text("groups", "cpu.max", quotas[i]);
        check_quota(SIZE_MAX);
    }
    assert_int_equal(processors_cgroup_quota("none", "groups"), SIZE_MAX);
}

static void test_affinity_mask_counts(void **state)
{
    (void)state;
    cpu_set_t old;
    assert_int_equal(sched_getaffinity(0, sizeof old, &old), 0);
    size_t all = thread_processors();
    assert_in_range(all, 1, (size_t)CPU_COUNT(&old));
    int first = 0;
    while (!CPU_ISSET(first, &old))
        first++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    size_t restricted = thread_processors();
    assert_int_equal(sched_setaffinity(0, sizeof old, &old), 0);
    assert_int_equal(restricted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_version_2),
        IN_FOLDER(test_version_2_in_a_container),
        IN_FOLDER(test_version_1),
        IN_FOLDER(test_nonsense_is_no_quota),
        cmocka_unit_test(test_affinity_mask_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
