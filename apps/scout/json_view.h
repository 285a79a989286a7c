// JSON of what was recognised, and back: the formats json and jsonl, and the journal of --resume.
// docs/formats/transcript.schema.json describes it.
#ifndef SCOUT_JSON_VIEW_H
#define SCOUT_JSON_VIEW_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "view.h"

// New references; NULL when memory is out.
json_t *json_of_view(const View *view);
json_t *json_of_segment(const ScoutSegment *segment);
json_t *json_of_skipped(const ScoutSkipped *skipped);

// The other way; texts lie in the arena. False when something is missing or not as it was written.
bool json_to_segment(const json_t *object, Arena *arena, ScoutSegment *segment);
bool json_to_skipped(const json_t *object, Arena *arena, ScoutSkipped *skipped);

// Numbers with as many digits as they have, letters as they are. flags as jansson's.
bool json_write(const json_t *value, size_t flags, Buffer *out);

#endif
