// JSON of what was recognised, as in docs/formats/transcript.schema.json.
#ifndef API_RECORDING_JSON_H
#define API_RECORDING_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include <scout/speech.h>

// New references, or NULL when memory is out. start_s is taken from all times.
json_t *recording_json_segment(const ScoutSegment *segment, double start_s);
json_t *recording_json_skipped(const ScoutSkipped *skipped, double start_s);

json_t *recording_json_seconds(double value);  // to the millisecond
json_t *recording_json_text(const char *text); // "" for what is no UTF-8

// Takes value, which may be NULL; false when it is or memory is out.
bool recording_json_put(json_t *object, const char *key, json_t *value);

// The object that the text is, or NULL; *no_memory tells why.
json_t *recording_json_read(const char *text, size_t length, bool *no_memory);

bool recording_json_write(const json_t *value, size_t flags, Buffer *out);

#endif
