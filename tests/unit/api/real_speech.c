// The real model and real speech: see real_speech.h.
#include "real_speech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

size_t real_speech_read(const char *path, int16_t *samples, size_t most)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    (void)fseek(file, REAL_SPEECH_HEADER_BYTES, SEEK_SET);
    const size_t count = fread(samples, sizeof *samples, most, file);
    (void)fclose(file);
    return count;
}

int real_engine_new(const char *decoder, ScoutEngine **engine)
{
    const char *models = getenv("SCOUT_TEST_MODELS");
    if (!models)
        return 0;
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = models;
    options.decoder = decoder;
    options.threads = 2;
    return scout_engine_new(&options, engine, NULL) != SCOUT_OK;
}

void real_engine_need(const ScoutEngine *engine)
{
    if (!engine) {
        print_message("SCOUT_TEST_MODELS is not set: run the tests with tools/test\n");
        skip();
    }
}
