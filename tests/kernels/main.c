// Checks every operation on every tier that this machine can run, or with --bench measures them:
//   test_kernels [--tier NAME] [--bench [OPERATION]]
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { SUBJECTS_MAX = 16 };

static int run_checks(const Subject *one)
{
    subject = one;
    printf("# %s\n", one->name);
    int failures = _cmocka_run_group_tests(one->name, GEMM_TESTS, GEMM_TEST_COUNT, NULL, NULL);
    failures += _cmocka_run_group_tests(one->name, ATTEND_TESTS, ATTEND_TEST_COUNT, NULL, NULL);
    failures +=
        _cmocka_run_group_tests(one->name, ELEMENTWISE_TESTS, ELEMENTWISE_TEST_COUNT, NULL, NULL);
    failures += _cmocka_run_group_tests(one->name, PEAK_TESTS, PEAK_TEST_COUNT, NULL, NULL);
    return failures;
}

int main(int argc, char **argv)
{
    static Subject subjects[SUBJECTS_MAX];
    size_t count = find_subjects(subjects, SUBJECTS_MAX);
    const char *tier = NULL;
    const char *filter = NULL;
    bool bench = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tier") == 0 && i + 1 < argc) {
            tier = argv[++i];
        } else if (strcmp(argv[i], "--bench") == 0) {
            bench = true;
            filter = i + 1 < argc ? argv[++i] : NULL;
        } else {
            fprintf(stderr, "usage: %s [--tier NAME] [--bench [OPERATION]]\n", argv[0]);
            return 2;
        }
    }
    if (tier != NULL) {
        size_t found = 0;
        while (found < count && strcmp(subjects[found].name, tier) != 0) {
            found++;
        }
        if (found == count) {
            fprintf(stderr, "tier %s cannot run here\n", tier);
            return 2;
        }
        subjects[0] = subjects[found];
        count = 1;
    }
    if (bench) {
        return run_benches(subjects, count, filter);
    }
    int failures = _cmocka_run_group_tests("plain", PLAIN_TESTS, PLAIN_TEST_COUNT, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        failures += run_checks(&subjects[i]);
    }
    return failures == 0 ? 0 : 1;
}
