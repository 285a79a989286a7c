// A small table of options and commands for the tests of src/config.
#ifndef SMALL_TABLE_H
#define SMALL_TABLE_H

#include "config/config.h"

enum {
    SMALL_FORMAT,
    SMALL_WORDS,
    SMALL_VAD,
    SMALL_BEAM,
    SMALL_TEMPERATURE,
    SMALL_START,
    SMALL_PATIENCE,
    SMALL_HOTWORDS,
    SMALL_NAME,
    SMALL_HELP,
    SMALL_COUNT
};

enum { SMALL_TRANSCRIBE, SMALL_MODELS, SMALL_MODELS_LIST, SMALL_CONFIG, SMALL_COMMANDS };

extern const ConfigTable small_table;

#endif
