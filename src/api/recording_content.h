// What a recording's journal or its finished files say, put together: which texts stand, which
// spans were skipped, what is missing.
#ifndef API_RECORDING_CONTENT_H
#define API_RECORDING_CONTENT_H

#include <jansson.h>
#include <stdbool.h>

#include "audio/journal.h"
#include "base/buffer.h"

enum { RECORDING_LANGUAGE_BYTES = 16 };

// A text or a skipped span.
typedef struct RecordingItem {
    json_t *json; // owned
    uint32_t channel;
    uint64_t position, end;
    uint64_t sequence;
    bool is_text;
    bool settled; // told once and for all
} RecordingItem;

typedef struct RecordingContent {
    JournalSummary summary;
    Buffer items; // of RecordingItem, in the order of the journal
    json_t *gaps;
    json_t *marks;
    uint64_t settled[JOURNAL_CHANNELS_MAX];                        // as far as it can be believed
    char language[JOURNAL_CHANNELS_MAX][RECORDING_LANGUAGE_BYTES]; // "" while unknown
    bool trusted;     // no records are missing since the recording, or its recovery, began
    bool interrupted; // a recovery has begun, or is needed
} RecordingContent;

// Reads the whole journal. FORMAT, CORRUPT, IO, OUT_OF_MEMORY.
ScoutStatus recording_content_load(const char *journal, RecordingContent *content,
                                   ScoutError *error);
void recording_content_done(RecordingContent *content);

// Texts and skipped spans that stand.
size_t recording_content_count(const RecordingContent *content, bool texts);

// Whether a text or span is there that no settled record follows.
bool recording_content_unsettled(const RecordingContent *content);

// text.json: a new reference, or NULL when memory is out.
json_t *recording_content_json(const RecordingContent *content);

// text.txt of text.json. False when memory is out.
bool recording_text_of(const json_t *text_json, Buffer *out);

#endif
