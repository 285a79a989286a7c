// The real models that tests may use where they are installed: $SCOUT_TEST_MODELS is a folder of
// models as `scout models pull` makes it.
#ifndef TESTS_SUPPORT_MODELS_H
#define TESTS_SUPPORT_MODELS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// The packed file of a model ("silero-vad"); false if it is not there: the test then skips.
static inline bool test_model_path(const char *name, char *path, size_t size)
{
    const char *const folder = getenv("SCOUT_TEST_MODELS");
    if (!folder)
        return false;
    snprintf(path, size, "%s/%s/model.scout", folder, name);
    return access(path, R_OK) == 0;
}

#endif
