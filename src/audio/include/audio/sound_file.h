// Sound files of 16 bit samples: FLAC, Opus in Ogg, WAV. Written beside the name they are to have
// and renamed when they are whole and on the disk. libsndfile does the work; it is loaded at the
// first use.
#ifndef AUDIO_SOUND_FILE_H
#define AUDIO_SOUND_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum SoundFormat {
    SOUND_FLAC, // lossless, about half of the samples' size
    SOUND_OPUS, // about 32 kbit/s a channel; at 8, 12, 16, 24 or 48 kHz
    SOUND_WAV   // becomes RF64 beyond 4 GiB
} SoundFormat;

enum { SOUND_FORMAT_COUNT = SOUND_WAV + 1, SOUND_CHANNELS_MAX = 8 };

// "flac", "opus", "wav".
const char *sound_file_extension(SoundFormat format);

typedef struct SoundInfo {
    uint32_t rate_hz;
    uint32_t channels;
    uint64_t frames;
} SoundInfo;

typedef struct SoundFile SoundFile; // one owner thread

// A file that will have that path, in the place of one that may be there, and at most so many
// frames (which decides between WAV and RF64). UNSUPPORTED when libsndfile is missing or does not
// know the format.
ScoutStatus sound_file_create(const char *path, SoundFormat format, const SoundInfo *info,
                              SoundFile **file, ScoutError *error);
ScoutStatus sound_file_write(SoundFile *file, const int16_t *samples, size_t frames,
                             ScoutError *error);

// Writes what the encoder holds back, flushes to the disk and gives the file its name. Frees file
// in any case; when it fails, nothing is left and what had the name before still has it.
ScoutStatus sound_file_finish(SoundFile *file, ScoutError *error);

// Removes what a process that was killed while it wrote a file of that path has left beside it.
void sound_file_clean(const char *path);

// FORMAT for what libsndfile cannot read.
ScoutStatus sound_file_open(const char *path, SoundFile **file, ScoutError *error);
const SoundInfo *sound_file_info(const SoundFile *file);

// *done is less than frames at the end only.
ScoutStatus sound_file_read(SoundFile *file, int16_t *samples, size_t frames, size_t *done,
                            ScoutError *error);

// The next read begins at that frame. INVALID_ARGUMENT beyond the end.
ScoutStatus sound_file_seek(SoundFile *file, uint64_t frame, ScoutError *error);

// Gives up what is being written; NULL is allowed.
void sound_file_free(SoundFile *file);

#endif
