// For tests that need files: each runs in a fresh folder, which is the working folder meanwhile and
// is removed afterwards. It lies in $TMPDIR, or else in memory where Linux offers that: code that
// flushes to disk after each change would take long.
#ifndef TESTS_UNIT_BASE_IN_FOLDER_H
#define TESTS_UNIT_BASE_IN_FOLDER_H

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

static int enter_folder(void **state)
{
    const char *const roots[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
    for (size_t i = 0; i < BASE_COUNT(roots); i++) {
        char *folder = roots[i] ? path_join(roots[i], "scout-test-XXXXXX") : NULL;
        if (folder && mkdtemp(folder)) {
            *state = folder;
            return chdir(folder);
        }
        mem_free(folder);
    }
    return -1;
}

static int leave_folder(void **state)
{
    char *folder = *state;
    int result = chdir("/") == 0 && file_remove_tree(folder, NULL) == SCOUT_OK ? 0 : -1;
    mem_free(folder);
    return result;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

#endif
