// A journal as sound: its frames one after the other, silence where there are none.
#ifndef AUDIO_JOURNAL_PLAYBACK_H
#define AUDIO_JOURNAL_PLAYBACK_H

#include "audio/journal.h"

// A journal that has more silence than this in place of what it lacks is not believed.
static const uint64_t JOURNAL_SILENCE_MAX_S = 7 * 86400;

typedef struct JournalPlayback JournalPlayback; // one owner thread

// From that frame on. LIMIT for gaps beyond reason; else the errors of journal_open.
ScoutStatus journal_playback_open(const char *path, uint64_t from, JournalPlayback **playback,
                                  ScoutError *error);
void journal_playback_free(JournalPlayback *playback); // NULL is allowed

const JournalInfo *journal_playback_info(const JournalPlayback *playback);
uint64_t journal_playback_position(const JournalPlayback *playback); // of the next frame
uint64_t journal_playback_frames(const JournalPlayback *playback);   // in the whole journal

// Some thousand frames at most, interleaved, borrowed until the next call; *count is 0 at the end.
ScoutStatus journal_playback_next(JournalPlayback *playback, const int16_t **samples, size_t *count,
                                  ScoutError *error);

#endif
