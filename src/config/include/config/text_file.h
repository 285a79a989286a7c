// The user's file of rules for text: replacements, spoken commands, numbers, masked words
// (docs/dictation-text.md). Reading it gives the table that scout_text_rules_new takes.
#ifndef CONFIG_TEXT_FILE_H
#define CONFIG_TEXT_FILE_H

#include "base/status.h"
#include <scout/text.h>

typedef struct ConfigTextFile ConfigTextFile;

// options: what holds where the file says nothing, and receives what it says; its texts then belong
// to *file, so keep that as long as options. Errors name the line and what to do: NOT_FOUND,
// FORMAT, LIMIT for a file of more than 4 MiB. Errors of scout_text_rules_new name the line, too.
ScoutStatus config_read_text_file(const char *path, ScoutTextOptions *options,
                                  ConfigTextFile **file, ScoutError *error);
void config_text_file_free(ConfigTextFile *file);

#endif
