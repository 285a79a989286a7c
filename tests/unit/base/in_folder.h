// For tests that need files: each runs in a fresh folder, which is the working folder meanwhile and
// is removed afterwards.
#ifndef TESTS_UNIT_BASE_IN_FOLDER_H
#define TESTS_UNIT_BASE_IN_FOLDER_H

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/scout-test-XXXXXX");
    *state = folder;
    return folder && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    char *folder = *state;
    int result = chdir("/") == 0 && file_remove_tree(folder, NULL) == SCOUT_OK ? 0 : -1;
    free(folder);
    return result;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

#endif
