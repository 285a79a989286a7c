// JSON from outside: whole files with a cap, and errors that name the file.
#ifndef MODELS_JSON_TEXT_H
#define MODELS_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

enum { JSON_TEXT_FILE_MAX = 1 << 26 };

// text must be one JSON object without duplicate keys. CORRUPT names `what` and the line. *json is
// the caller's (json_decref).
ScoutStatus json_text_parse(const char *text, size_t length, const char *what, json_t **json,
                            ScoutError *error);

// The same for an object or an array in the file `name` in folder. NOT_FOUND if it is not there.
ScoutStatus json_text_file(const char *folder, const char *name, json_t **json, ScoutError *error);

// For BASE_CLEANUP.
void json_text_release(json_t **json);

#endif
