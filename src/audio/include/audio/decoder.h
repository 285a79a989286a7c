// Any audio or video file in, 16 kHz mono f32 samples out. The file is demuxed and decoded by
// scout-decode, a sandboxed child process that this module spawns and talks to over pipes; foreign
// bytes are never parsed here. docs/audio.md describes the protocol and the sandbox.
#ifndef AUDIO_DECODER_H
#define AUDIO_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

enum { AUDIO_SAMPLE_RATE = 16000 };

// A process that has loaded what decoding needs and waits, so that an input that needs FFmpeg finds
// it loaded. It makes a process of its own for each input and never sees one itself; it ends with
// this process or with audio_starter_free. Any thread; outlives the decoders that use it.
typedef struct AudioStarter AudioStarter;

// program as in AudioDecoderOptions. Starts nothing yet: that happens when a decoder that uses it
// is closed and needed FFmpeg, or with audio_starter_begin, which does not wait for it.
ScoutStatus audio_starter_new(const char *program, AudioStarter **starter, ScoutError *error);
void audio_starter_begin(AudioStarter *starter);
void audio_starter_free(AudioStarter *starter);

typedef struct AudioDecoderOptions {
    const char *program;  // path of scout-decode; NULL: see "Finding it" in docs/audio.md
    double start_s;       // skip what is before; >= 0
    double end_s;         // stop there; 0: at the end of the file
    double max_seconds;   // cap on decoded audio; 0: 7 days
    uint64_t max_bytes;   // cap on input bytes read; 0: 1 TiB
    int channel;          // 1-based channel to take; 0: the mean of all
    int stall_timeout_ms; // a child that delivers nothing for so long is killed; 0: 30,000. Waiting
                          // for the writer of a pipe does not count
    const Cancel *cancel; // noticed within 100 ms; may be NULL
    AudioStarter *starter; // of the same program; may be NULL
} AudioDecoderOptions;

// What the container says; strings are sanitised UTF-8 of at most 63 bytes, empty when unknown.
typedef struct AudioInfo {
    char container[64];
    char codec[64];
    int sample_rate;   // of the source, Hz
    int channels;      // of the source
    double duration_s; // of the source as its header claims; negative when unknown. Headers lie.
} AudioInfo;

// A stretch that could not be decoded, or the point from which the input is missing.
typedef struct AudioProblem {
    double at_s; // second of the source's timeline where it begins
    bool to_end; // nothing after at_s could be decoded
    char message[192];
} AudioProblem;

enum { AUDIO_PROBLEMS_MAX = 32 };

typedef struct AudioDecoder AudioDecoder; // one owner thread

// Opens path, or standard input for "-". options may be NULL. Errors: NOT_FOUND, PERMISSION, FORMAT
// (no audio in it, or not a format FFmpeg reads), CORRUPT (nothing of its audio can be decoded),
// UNSUPPORTED (encrypted, or a codec that is not there), INVALID_ARGUMENT (a folder, a terminal, no
// such channel), CHILD (the decoder crashed or could not be started), LIMIT, IO, TIMEOUT,
// OUT_OF_MEMORY, CANCELLED. The message is a sentence that names the file.
ScoutStatus audio_decoder_open(const char *path, const AudioDecoderOptions *options,
                               AudioDecoder **decoder, ScoutError *error);
void audio_decoder_close(AudioDecoder *decoder); // kills the child if it still runs

const AudioInfo *audio_decoder_info(const AudioDecoder *decoder);

// Blocks for up to capacity samples in [-1, 1]; *count is 0 only at the end. Sample n lies at
// start_s + n / 16,000 seconds: gaps in the recording's clock are filled with silence. Damage is
// not an error: what could be decoded comes, and audio_decoder_problems tells the rest. Errors:
// CHILD, TIMEOUT (stalled), LIMIT (a cap was reached), OUT_OF_MEMORY, each after everything before
// it was delivered, and again at every later call; CANCELLED.
ScoutStatus audio_decoder_read(AudioDecoder *decoder, float *samples, size_t capacity,
                               size_t *count, ScoutError *error);

// Problems seen so far, in order; at most AUDIO_PROBLEMS_MAX are kept, *total counts all.
const AudioProblem *audio_decoder_problems(const AudioDecoder *decoder, size_t *count,
                                           size_t *total);

// What of the sandbox is in force in a child started now, for `scout doctor`.
typedef struct AudioSandbox {
    bool started;              // the child could be started at all
    bool seccomp;              // system calls are filtered
    int landlock_abi;          // 0: the kernel has no Landlock
    bool limits;               // memory, time and file limits are set
    char decoder_version[128]; // libavformat / libavcodec versions
    char problem[256];
} AudioSandbox;

void audio_decoder_probe(const char *program, AudioSandbox *sandbox);

#endif
