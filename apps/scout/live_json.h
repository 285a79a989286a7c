// What a capture tells, as a line of JSON each: `scout listen --format jsonl`. docs/cli.md has the
// list.
#ifndef SCOUT_LIVE_JSON_H
#define SCOUT_LIVE_JSON_H

#include <jansson.h>

#include <scout/capture.h>

// A new reference; NULL when memory is out.
json_t *live_json(const ScoutCaptureEvent *event);

#endif
